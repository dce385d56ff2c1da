//! `date_range` of the stats API (COMPAT.md, section 3), in whole local days.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

/// First and last day, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// First.
    pub from: Date,
    /// Last.
    pub to: Date,
}

/// Most days or months a range may name.
const MOST: i64 = 1_200;

/// Reads a range. `oldest` is the first day with data, for `"all"`.
///
/// # Errors
/// What is wrong, for a person.
pub fn parse_range(value: &Value, today: Date, oldest: Option<Date>) -> Result<Range, String> {
    match value {
        Value::String(text) => named(text, today, oldest),
        Value::Array(pair) => match pair.as_slice() {
            [Value::String(from), Value::String(to)] => {
                let (from, to) = (date(from)?, date(to)?);
                if from > to {
                    return Err("the first day is after the last".into());
                }
                Ok(Range { from, to })
            }
            _ => Err("a list must hold two dates".into()),
        },
        _ => Err("must be a text or a list of two dates".into()),
    }
}

fn date(text: &str) -> Result<Date, String> {
    // The parser takes more than a date; the format is the date alone.
    match text.parse::<Date>() {
        Ok(date) if text.len() == 10 => Ok(date),
        _ => Err(format!("{text:?} is not a date such as \"2026-11-23\"")),
    }
}

fn named(text: &str, today: Date, oldest: Option<Date>) -> Result<Range, String> {
    let unknown = || {
        format!(
            "unknown range {text:?}; use \"day\", \"7d\", \"month\", \"6mo\", \"year\", \"all\" or two dates"
        )
    };
    let too_long = |_| "the range reaches beyond the calendar".to_owned();
    let to_today = |from| Range { from, to: today };
    let number = |digits: &str| {
        let number = digits
            .parse::<i64>()
            .ok()
            .filter(|n| (1..=MOST).contains(n));
        number.ok_or_else(unknown)
    };
    Ok(match text {
        "day" => to_today(today),
        "month" => Range {
            from: today.first_of_month(),
            to: today.last_of_month(),
        },
        "year" => Range {
            from: today.first_of_year(),
            to: today.last_of_year(),
        },
        "all" => to_today(oldest.unwrap_or(today).min(today)),
        _ => {
            if let Some(months) = text.strip_suffix("mo") {
                let back = (number(months)? - 1).months();
                Range {
                    from: today.first_of_month().checked_sub(back).map_err(too_long)?,
                    to: today.last_of_month(),
                }
            } else if let Some(days) = text.strip_suffix('d') {
                let days = number(days)?;
                Range {
                    from: today.checked_sub(days.days()).map_err(too_long)?,
                    to: today.checked_sub(1.day()).map_err(too_long)?,
                }
            } else {
                return Err(unknown());
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use serde_json::json;

    #[test]
    fn ranges() {
        let today = date(2026, 3, 31);
        let cases = [
            (json!("day"), date(2026, 3, 31), date(2026, 3, 31)),
            (json!("1d"), date(2026, 3, 30), date(2026, 3, 30)),
            (json!("30d"), date(2026, 3, 1), date(2026, 3, 30)),
            (json!("month"), date(2026, 3, 1), date(2026, 3, 31)),
            (json!("1mo"), date(2026, 3, 1), date(2026, 3, 31)),
            (json!("2mo"), date(2026, 2, 1), date(2026, 3, 31)),
            (json!("year"), date(2026, 1, 1), date(2026, 12, 31)),
            (json!("all"), date(2025, 5, 5), date(2026, 3, 31)),
            (
                json!(["2024-02-29", "2024-03-01"]),
                date(2024, 2, 29),
                date(2024, 3, 1),
            ),
        ];
        for (value, from, to) in cases {
            let range = parse_range(&value, today, Some(date(2025, 5, 5)));
            assert_eq!(range, Ok(Range { from, to }), "{value}");
        }
        for bad in [
            json!(null),
            json!(7),
            json!(""),
            json!("d"),
            json!("0d"),
            json!("-1d"),
            json!("9999d"),
            json!("7days"),
            json!("mo"),
            json!("ümo"),
            json!([]),
            json!(["2026-01-01"]),
            json!(["2026-02-30", "2026-03-01"]),
            json!(["2026-03-02", "2026-03-01"]),
            json!(["2026-03-01T00:00:00", "2026-03-02"]),
            json!([1, 2]),
        ] {
            assert!(parse_range(&bad, today, None).is_err(), "{bad}");
        }
        assert_eq!(
            parse_range(&json!("all"), today, None),
            Ok(Range {
                from: today,
                to: today
            })
        );
    }
}
