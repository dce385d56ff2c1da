//! Pages of lists, by cursor: `limit` items `after` or `before` one. The answer's `meta` gives the
//! cursors of the next and the previous page, `null` where there is none.

use serde_json::{Value, json};

use super::Refusal;
use crate::api::params::{Params, invalid};
use crate::store::PageFrom;

/// Parameters of every list.
pub const FIELDS: [&str; 3] = ["limit", "after", "before"];
/// Parameters of every list of a site.
pub const OF_SITE: [&str; 4] = ["site_id", "limit", "after", "before"];
/// Items of a page, unless told otherwise.
pub const LIMIT: u32 = 100;
/// Most items of a page.
pub const LIMIT_MAX: u32 = 1_000;

/// Which page is asked for.
pub struct Wanted<T> {
    /// Where it lies.
    pub from: PageFrom<T>,
    /// Items at most.
    pub limit: u32,
}

/// Reads which page is asked for; `parse` reads a cursor.
///
/// # Errors
/// 400: a field is not what it must be.
pub fn wanted<T>(params: &Params, parse: impl Fn(&str) -> Option<T>) -> Result<Wanted<T>, Refusal> {
    let cursor = |field: &str| match params.text(field)? {
        None => Ok(None),
        Some(text) => match parse(text) {
            Some(cursor) => Ok(Some(cursor)),
            None => Err(invalid(field, "is no cursor of this list")),
        },
    };
    let from = match (cursor("after")?, cursor("before")?) {
        (None, None) => PageFrom::Start,
        (Some(after), None) => PageFrom::After(after),
        (None, Some(before)) => PageFrom::Before(before),
        (Some(_), Some(_)) => return Err(invalid("before", "not together with after")),
    };
    let limit = params.number("limit", 1..=LIMIT_MAX)?.unwrap_or(LIMIT);
    Ok(Wanted { from, limit })
}

/// What is asked for of items that were read from there on, one more than `limit` of them where
/// there are more; and the answer's `meta`. `earlier` says whether there is anything on the other
/// side of where was read from.
pub fn cut<I>(
    mut items: Vec<I>,
    wanted: &Wanted<impl Sized>,
    earlier: bool,
    cursor: impl Fn(&I) -> String,
) -> (Vec<I>, Value) {
    let limit = wanted.limit as usize;
    let more = items.len() > limit;
    let is_backwards = matches!(wanted.from, PageFrom::Before(_));
    match is_backwards {
        true => drop(items.drain(..items.len().saturating_sub(limit))),
        false => items.truncate(limit),
    }
    let (has_before, has_after) = match is_backwards {
        true => (more, earlier),
        false => (earlier, more),
    };
    let of = |item: Option<&I>, there: bool| item.filter(|_| there).map(&cursor);
    let meta = json!({
        "after": of(items.last(), has_after),
        "before": of(items.first(), has_before),
        "limit": wanted.limit,
    });
    (items, meta)
}

/// A page of a whole list, in the order of its numbers.
pub fn of_list<I>(
    all: Vec<I>,
    wanted: &Wanted<u32>,
    number: impl Fn(&I) -> u32,
) -> (Vec<I>, Value) {
    let count = all.len();
    let keep = |item: &I| match wanted.from {
        PageFrom::Start => true,
        PageFrom::After(cursor) => number(item) > cursor,
        PageFrom::Before(cursor) => number(item) < cursor,
    };
    let items: Vec<I> = all.into_iter().filter(keep).collect();
    let earlier = items.len() < count;
    cut(items, wanted, earlier, |item| number(item).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(count: u32, from: PageFrom<u32>, limit: u32) -> (Vec<u32>, [Value; 2]) {
        let wanted = Wanted { from, limit };
        let (items, meta) = of_list((1..=count).collect(), &wanted, |n| *n);
        (items, [meta["before"].clone(), meta["after"].clone()])
    }

    #[test]
    fn every_page_leads_to_the_next_and_back() {
        use PageFrom::{After, Before, Start};
        let none = Value::Null;
        assert_eq!(
            page(2, Start, 2),
            (vec![1, 2], [none.clone(), none.clone()])
        );
        assert_eq!(page(5, Start, 2), (vec![1, 2], [none.clone(), json!("2")]));
        assert_eq!(page(5, After(2), 2), (vec![3, 4], [json!("3"), json!("4")]));
        assert_eq!(page(5, After(4), 2), (vec![5], [json!("5"), none.clone()]));
        assert_eq!(
            page(5, Before(5), 2),
            (vec![3, 4], [json!("3"), json!("4")])
        );
        assert_eq!(
            page(5, Before(3), 2),
            (vec![1, 2], [none.clone(), json!("2")])
        );
        assert_eq!(page(0, Start, 2), (vec![], [none.clone(), none.clone()]));
        assert_eq!(page(5, After(9), 2), (vec![], [none.clone(), none]));
    }
}
