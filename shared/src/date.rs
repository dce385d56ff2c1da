//! Reading a local date: `YYYY-MM-DD` and nothing else. jiff's own reading takes every form that Temporal
//! has, and brings the texts of all its errors into the Wasm, for it may panic: 38 kB packed.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer, de};

/// Reads `YYYY-MM-DD`, of the years 0 to 9999.
pub fn parse(text: &str) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes().first_chunk::<10>()? else {
        return None;
    };
    if text.len() != 10 {
        return None;
    }
    let number = |digits: &[u8]| {
        digits.iter().try_fold(0_i16, |n, digit| {
            let digit = char::from(*digit).to_digit(10)?;
            n.checked_mul(10)?.checked_add(i16::try_from(digit).ok()?)
        })
    };
    let (year, month, day) = (
        number(&[y1, y2, y3, y4])?,
        number(&[m1, m2])?,
        number(&[d1, d2])?,
    );
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// For `#[serde(deserialize_with = …)]`.
pub(crate) fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Date, D::Error> {
    let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
    parse(&text).ok_or_else(|| de::Error::custom("not a date YYYY-MM-DD"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn dates_are_read_as_they_are_written() {
        for day in [
            date(2026, 11, 26),
            date(2024, 2, 29),
            date(1, 1, 1),
            date(9999, 12, 31),
        ] {
            assert_eq!(parse(&day.to_string()), Some(day));
        }
        for bad in [
            "",
            "2026-11-2",
            "2026-11-260",
            "2026-13-01",
            "2026-02-30",
            "2026-00-10",
            "2026-1-001",
            "2026/11/26",
            "20261126",
            "+026-11-26",
            "2026-11-26T00:00:00",
            "２026-11-26",
        ] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
