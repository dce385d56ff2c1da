//! Filters by saved segments: each becomes the filters that it holds.

use serde_json::Value;

use super::super::super::filter::{CLAUSES_MAX, Filter, Op};
use super::super::{Invalid, invalid};
use super::Reader;

/// What such a filter names in the place of a dimension.
pub(super) const NAME: &str = "segment";

impl Reader<'_> {
    /// `["is", "segment", [numbers]]`: what any of them holds.
    pub(super) fn segments(
        &mut self,
        how: (Op, bool),
        rest: &[Value],
        place: &str,
        depth: usize,
    ) -> Result<Filter, Invalid> {
        let [_, Value::Array(ids)] = rest else {
            let problem = "must be [\"is\", \"segment\", list of numbers]";
            return Err(invalid(place, problem));
        };
        if how != (Op::Is, false) {
            return Err(invalid(
                format!("{place}/0"),
                "a segment is asked for by \"is\"",
            ));
        }
        if ids.is_empty() || ids.len() > CLAUSES_MAX {
            let problem = format!("there must be 1 to {CLAUSES_MAX} numbers");
            return Err(invalid(format!("{place}/2"), problem));
        }
        let read = ids.iter().enumerate();
        let read = read.map(|(at, id)| self.segment(id, format!("{place}/2/{at}"), depth));
        let mut all: Vec<Filter> = read.collect::<Result<_, _>>()?;
        Ok(match all.pop() {
            Some(one) if all.is_empty() => one,
            last => Filter::Or(all.into_iter().chain(last).collect()),
        })
    }

    /// What a saved segment holds, by its number.
    fn segment(&mut self, id: &Value, place: String, depth: usize) -> Result<Filter, Invalid> {
        // The first API has texts only.
        let number = id
            .as_i64()
            .or_else(|| id.as_str().and_then(|text| text.trim().parse().ok()));
        let Some(number) = number else {
            return Err(invalid(place, "must be the number of a segment"));
        };
        let found = self.segments.iter().find(|known| known.id == number);
        let Some(segment) = found else {
            let problem = format!("the site has no segment {number}");
            return Err(invalid(place, problem));
        };
        // No segment is in another: what is read does not grow by itself.
        let mut reader = Reader {
            segments: &[],
            ..*self
        };
        let list = segment.filters.as_array().filter(|list| !list.is_empty());
        let read = list.into_iter().flatten();
        let read = read.map(|value| reader.read(value, "filters".to_owned(), depth + 1));
        let held = read.collect::<Result<Vec<_>, _>>().map_err(|wrong| {
            let problem = format!("the segment {:?}: {}", segment.name, wrong.problem);
            invalid(place.clone(), problem)
        })?;
        self.leaves = reader.leaves;
        match held.is_empty() {
            false => Ok(Filter::And(held)),
            true => Err(invalid(place, "this segment holds no filters")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::tests::parse_json;
    use super::*;

    #[test]
    fn a_segment_is_what_it_holds() {
        let filter = |value: Value| {
            let body = json!({"metrics": ["visitors"], "filters": [value]});
            parse_json(body).map(|query| query.filter.to_json()[1][0].clone())
        };
        let held = json!([
            "and",
            [["is", "visit:country", ["DE"]], ["is", "event:page", ["/"]]]
        ]);
        for id in [json!(7), json!("7")] {
            assert_eq!(filter(json!(["is", "segment", [id]])), Ok(held.clone()));
        }
        let two = filter(json!(["is", "segment", [7, 7]])).unwrap();
        assert_eq!(two, json!(["or", [held, held]]));
        let not = filter(json!(["not", ["is", "segment", [7]]])).unwrap();
        assert_eq!(not, json!(["not", held]));
        for (value, begins) in [
            (
                json!(["is", "segment", [1]]),
                "filters/0/2/0: the site has no segment 1",
            ),
            (
                json!(["is", "segment", [1.5]]),
                "filters/0/2/0: must be the number",
            ),
            (
                json!(["is", "segment", ["x"]]),
                "filters/0/2/0: must be the number",
            ),
            (
                json!(["is", "segment", []]),
                "filters/0/2: there must be 1 to",
            ),
            (json!(["is", "segment", 7]), "filters/0: must be [\"is\""),
            (
                json!(["is", "segment", [7], {}]),
                "filters/0: must be [\"is\"",
            ),
            (
                json!(["is_not", "segment", [7]]),
                "filters/0/0: a segment is asked",
            ),
            (
                json!(["contains", "segment", [7]]),
                "filters/0/0: a segment is asked",
            ),
            (
                json!(["is", "segment", [7, 8]]),
                "filters/0/2/1: the segment \"S8\": there is no goal \"Gone\"",
            ),
            (
                json!(["is", "segment", [9]]),
                "filters/0/2/0: the segment \"S9\": the site has no segment 7",
            ),
            (
                json!(["is", "segment", [10]]),
                "filters/0/2/0: this segment holds no",
            ),
            (
                json!(["is", "segment", [11, 11]]),
                "filters/0/2/1: the segment \"S11\": there are more than 100",
            ),
        ] {
            let told = filter(value.clone()).unwrap_err();
            assert!(told.starts_with(begins), "{value}: {told}");
        }
    }
}
