//! The `filters` of a query.

mod segment;

use serde_json::Value;

use super::super::Goals;
use super::super::dimension::Dimension;
use super::super::filter::{
    CLAUSE_BYTES_MAX, CLAUSES_MAX, DEPTH_MAX, Filter, LEAVES_MAX, Leaf, Op,
};
use super::{Invalid, invalid, known};
use crate::store::SavedSegment;

/// Reads `filters`; a saved segment that they name becomes what it holds.
///
/// # Errors
/// The first thing that is wrong.
pub fn parse_filters(
    filters: Option<&Value>,
    goals: &Goals,
    segments: &[SavedSegment],
) -> Result<Filter, Invalid> {
    let list = match filters {
        None | Some(Value::Null) => return Ok(Filter::all()),
        Some(Value::Array(list)) => list,
        Some(_) => return Err(invalid("filters", "must be a list")),
    };
    let mut reader = Reader {
        goals,
        segments,
        leaves: 0,
    };
    let read = list.iter().enumerate();
    let read = read.map(|(at, value)| reader.read(value, format!("filters/{at}"), 1));
    Ok(Filter::And(read.collect::<Result<_, _>>()?))
}

struct Reader<'a> {
    goals: &'a Goals,
    segments: &'a [SavedSegment],
    leaves: usize,
}

impl Reader<'_> {
    fn read(&mut self, value: &Value, place: String, depth: usize) -> Result<Filter, Invalid> {
        if depth > DEPTH_MAX {
            let problem = format!("filters are nested deeper than {DEPTH_MAX}");
            return Err(invalid("filters", problem));
        }
        let Some([Value::String(op), rest @ ..]) = value.as_array().map(Vec::as_slice) else {
            return Err(invalid(
                place,
                "must be a list that begins with an operator",
            ));
        };
        let problem = match (op.as_str(), rest) {
            ("and" | "or", [Value::Array(all)]) if !all.is_empty() => {
                let read = all.iter().enumerate();
                let read =
                    read.map(|(at, value)| self.read(value, format!("{place}/1/{at}"), depth + 1));
                let all = read.collect::<Result<_, _>>()?;
                return Ok(if op == "and" {
                    Filter::And(all)
                } else {
                    Filter::Or(all)
                });
            }
            ("and" | "or", _) => "must be followed by a list of filters".to_owned(),
            ("not", [filter]) => {
                let filter = self.read(filter, format!("{place}/1"), depth + 1)?;
                return Ok(Filter::Not(Box::new(filter)));
            }
            ("not", _) => "must be followed by one filter".to_owned(),
            ("has_done" | "has_not_done", _) => format!(
                "{op} asks what the same visitor did elsewhere, which is not kept; define a goal or a funnel, which are counted as they happen"
            ),
            _ => {
                let Some(how) = Op::parse(op) else {
                    let op: String = op.chars().take(80).collect();
                    let known: Vec<&str> = Op::names().collect();
                    let problem = format!(
                        "unknown operator {op:?}; known are {}, and, or, not",
                        known.join(", ")
                    );
                    return Err(invalid(format!("{place}/0"), problem));
                };
                if rest.first().is_some_and(|name| *name == segment::NAME) {
                    return self.segments(how, rest, &place, depth);
                }
                return self.leaf(how, rest, &place).map(Filter::Leaf);
            }
        };
        Err(invalid(place, problem))
    }

    fn leaf(&mut self, how: (Op, bool), rest: &[Value], place: &str) -> Result<Leaf, Invalid> {
        self.leaves += 1;
        if self.leaves > LEAVES_MAX {
            let problem = format!("there are more than {LEAVES_MAX} conditions");
            return Err(invalid("filters", problem));
        }
        let (name, clauses, modifiers) = match rest {
            [Value::String(name), Value::Array(clauses)] => (name, clauses, None),
            [
                Value::String(name),
                Value::Array(clauses),
                Value::Object(modifiers),
            ] => (name, clauses, Some(modifiers)),
            _ => {
                return Err(invalid(
                    place,
                    "must be [operator, dimension, list of values]",
                ));
            }
        };
        let dimension =
            Dimension::parse(name).map_err(|problem| invalid(format!("{place}/1"), problem))?;
        if dimension.is_time() {
            let problem = "time is asked for by date_range";
            return Err(invalid(format!("{place}/1"), problem));
        }
        let mut case_sensitive = true;
        if let Some(modifiers) = modifiers {
            known(modifiers, &format!("{place}/3/"), &["case_sensitive"])?;
            match modifiers.get("case_sensitive") {
                None => {}
                Some(Value::Bool(is)) => case_sensitive = *is,
                Some(_) => {
                    let place = format!("{place}/3/case_sensitive");
                    return Err(invalid(place, "must be true or false"));
                }
            }
        }
        if clauses.is_empty() || clauses.len() > CLAUSES_MAX {
            let problem = format!("there must be 1 to {CLAUSES_MAX} values");
            return Err(invalid(format!("{place}/2"), problem));
        }
        let mut texts = Vec::with_capacity(clauses.len());
        for (at, clause) in clauses.iter().enumerate() {
            let place = format!("{place}/2/{at}");
            let Some(text) = clause
                .as_str()
                .filter(|text| text.len() <= CLAUSE_BYTES_MAX)
            else {
                let problem = format!("must be a text of at most {CLAUSE_BYTES_MAX} bytes");
                return Err(invalid(place, problem));
            };
            self.check(&dimension, how, text)
                .map_err(|problem| invalid(place, problem))?;
            texts.push(match (&dimension, how.0) {
                (Dimension::Country, Op::Is) if text.len() == 2 => text.to_ascii_uppercase(),
                _ => text.to_owned(),
            });
        }
        Leaf::new(dimension, how, texts, case_sensitive)
            .map_err(|(at, problem)| invalid(format!("{place}/2/{at}"), problem))
    }

    fn check(&self, dimension: &Dimension, (op, _): (Op, bool), text: &str) -> Result<(), String> {
        if op != Op::Is {
            return Ok(());
        }
        let shown: String = text.chars().take(80).collect();
        let is_code = text.len() == 2 && text.bytes().all(|b| b.is_ascii_alphabetic());
        match dimension {
            Dimension::Country if !is_code && !text.starts_with('(') => Err(format!(
                "{shown:?} is no two-letter country code such as \"DE\""
            )),
            Dimension::Goal if !self.goals.has(text) => Err(format!(
                "there is no goal {shown:?}; goals count from when they are added (dayfly goal add)"
            )),
            _ => Ok(()),
        }
    }
}
