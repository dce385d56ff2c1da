//! MaxMind DB files (<https://maxmind.github.io/MaxMind-DB/>), whoever made them.
//!
//! A network's country is `country.iso_code`, where its addresses are used; where a record has none
//! (satellites, anycast) `registered_country.iso_code`, to whom they are assigned; else a flat
//! `country_code` or `country`, as publishers other than MaxMind have it.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use maxminddb::{Reader, WithinOptions};
use serde::Deserialize;

use super::{Gathered, Problem};

/// What the metadata at the file's end begins with, and how far from the end it may be.
const MARK: &[u8] = b"\xAB\xCD\xEFMaxMind.com";
const MARK_WITHIN: usize = 128 * 1024;

#[derive(Deserialize)]
struct Record<'a> {
    #[serde(borrow)]
    country: Option<Country<'a>>,
    registered_country: Option<Country<'a>>,
    country_code: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Country<'a> {
    Nested {
        #[serde(borrow)]
        iso_code: Option<&'a str>,
    },
    Flat(&'a str),
}

impl<'a> Country<'a> {
    /// A flat one may be a name: then it is no code.
    fn code(&self) -> Option<&'a str> {
        match self {
            Self::Nested { iso_code } => *iso_code,
            Self::Flat(text) => Some(*text).filter(|text| text.len() == 2),
        }
    }
}

impl<'a> Record<'a> {
    fn code(&self) -> Option<&'a str> {
        let country = self.country.as_ref().and_then(Country::code);
        country
            .or_else(|| self.registered_country.as_ref().and_then(Country::code))
            .or(self.country_code)
    }
}

/// Whether the file has the mark of one.
pub fn is(bytes: &[u8]) -> bool {
    let end = bytes
        .get(bytes.len().saturating_sub(MARK_WITHIN)..)
        .unwrap_or_default();
    end.windows(MARK.len()).any(|window| window == MARK)
}

/// Reads a file.
pub fn read(bytes: &[u8], into: &mut Gathered) -> Result<(), Problem> {
    let told = |error: maxminddb::MaxMindDbError| error.to_string();
    let reader = Reader::from_source(bytes).map_err(told)?;
    // Thousands of networks share a record: it is decoded once.
    let mut codes: HashMap<usize, &str> = HashMap::new();
    for result in reader.networks(WithinOptions::default()).map_err(told)? {
        let result = result.map_err(told)?;
        let Some(offset) = result.offset() else {
            continue;
        };
        let code = match codes.entry(offset) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                let record: Option<Record> = result.decode().map_err(told)?;
                new.insert(record.and_then(|record| record.code()).unwrap_or_default())
            }
        };
        let network = result.network().map_err(told)?;
        into.add(network.network(), network.broadcast(), code)
            .map_err(|problem| format!("network {network}: {problem}"))?;
    }
    let metadata = reader.metadata();
    let built = i64::try_from(metadata.build_epoch).ok();
    if let Some(built) = built.and_then(|built| jiff::Timestamp::from_second(built).ok()) {
        into.of_day(built.to_zoned(jiff::tz::TimeZone::UTC).date());
    }
    let description = &metadata.description;
    let description = description
        .get("en")
        .or_else(|| description.values().next());
    into.credit(&match description {
        Some(text) if !text.is_empty() => format!("{} ({text})", metadata.database_type),
        _ => metadata.database_type.clone(),
    });
    Ok(())
}
