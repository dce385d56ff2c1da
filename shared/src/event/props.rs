//! Properties and revenue of an event (COMPAT.md, section 1).

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Invalid, invalid, string};
use crate::limits::{PROP_KEY_BYTES_MAX, PROP_VALUE_BYTES_MAX, PROPS_MAX, REVENUE_MILLI_MAX};

/// Properties, in the order of the body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Props {
    /// Name, value.
    pub list: Vec<(String, String)>,
    /// How many were beyond the bound.
    pub left_out: usize,
}

impl Props {
    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.list.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// What an event brought in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revenue {
    /// Three capital letters, the form of ISO 4217 codes.
    pub currency: String,
    /// Thousandths of its unit.
    pub milli: u64,
}

/// The entries of a JSON object in their order, values as they are.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

/// Reads properties: an object, or a string that holds one; anything else is none.
pub(super) fn props(raw: Option<&RawValue>) -> Result<Props, Invalid> {
    let Some(raw) = raw else {
        return Ok(Props::default());
    };
    let text = string(raw.get()).unwrap_or(Cow::Borrowed(raw.get()));
    let Ok(Entries(entries)) = serde_json::from_str(&text) else {
        return Ok(Props::default());
    };
    let mut props = Props::default();
    for (key, value) in entries {
        let Some(value) = scalar(value) else { continue };
        let key = clean(&key);
        if key.is_empty() || value.is_empty() || props.get(&key).is_some() {
            continue;
        }
        if key.len() > PROP_KEY_BYTES_MAX {
            return Err(invalid("props", "has a name longer than 300 bytes"));
        }
        if value.len() > PROP_VALUE_BYTES_MAX {
            return Err(invalid("props", "has a value longer than 2,000 bytes"));
        }
        if props.list.len() < PROPS_MAX {
            props.list.push((key, value));
        } else {
            props.left_out = props.left_out.saturating_add(1);
        }
    }
    Ok(props)
}

/// A scalar as text; `None` for lists, objects and null.
fn scalar(raw: &RawValue) -> Option<String> {
    let text = raw.get();
    match text.as_bytes().first()? {
        b'"' => string(text).map(|text| clean(&text)),
        b'[' | b'{' | b'n' => None,
        _ => Some(text.to_owned()),
    }
}

fn clean(text: &str) -> String {
    let text = text.trim_matches(|c: char| c.is_control() || c.is_whitespace());
    match text.contains(char::is_control) {
        true => text.replace(char::is_control, " "),
        false => text.to_owned(),
    }
}

/// Reads revenue; what is not valid is none.
pub(super) fn revenue(raw: Option<&RawValue>) -> Option<Revenue> {
    #[derive(Deserialize)]
    struct Body<'a> {
        currency: String,
        #[serde(borrow)]
        amount: &'a RawValue,
    }
    let body: Body = serde_json::from_str(raw?.get()).ok()?;
    let currency = body.currency.trim().to_ascii_uppercase();
    if currency.len() != 3 || !currency.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let amount: f64 = match serde_json::from_str::<String>(body.amount.get()) {
        Ok(text) => text.trim().parse().ok()?,
        Err(_) => serde_json::from_str(body.amount.get()).ok()?,
    };
    let milli = (amount * 1_000.0).round();
    // Not below 0: counters only grow. Up to the bound a float holds every thousandth.
    (milli.is_finite() && (0.0..=REVENUE_MILLI_MAX as f64).contains(&milli)).then_some(Revenue {
        currency,
        milli: milli as u64,
    })
}
