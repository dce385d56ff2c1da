//! `dayfly geo`: an operator's file of countries to the table that the edge looks addresses up in
//! (`shared::geo`), and whom the countries are to be credited to.
//!
//! One reader per kind of file; what they have in common is here. What a file calls a country and
//! ISO 3166 does not is counted as unknown and told, so that every country of the dashboard has a
//! name; what is no code at all is refused, with its line.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use isocountry::CountryCode;
use jiff::civil::Date;
use shared::country::DEFAULT_ATTRIBUTION;
use shared::geo::{Builder, Table};

use crate::error::{Error, Result};

pub mod cli;
mod csv;
mod ipfire;
mod mmdb;
#[cfg(test)]
mod tests;

/// The kinds of files that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A MaxMind DB with a country per network.
    Mmdb,
    /// Lines of `first,last,country` or `network,country`, with or without a header.
    Csv,
    /// The text of the IPFire Location database as Tor carries it (`geoip` and `geoip6`).
    Ipfire,
}

impl Format {
    /// Told from the content: the mark of a MaxMind DB, IPFire's name in the comments, else CSV.
    pub fn of(bytes: &[u8]) -> Self {
        if mmdb::is(bytes) {
            Self::Mmdb
        } else if ipfire::is(bytes) {
            Self::Ipfire
        } else {
            Self::Csv
        }
    }
}

/// What the files have said so far.
#[derive(Debug, Default)]
pub struct Gathered {
    builder: Builder,
    /// Codes that ISO 3166 does not know, and how many ranges have them.
    strange: BTreeMap<String, u64>,
    attributions: Vec<String>,
    /// The oldest one: a table is as old as its oldest part.
    built_on: Option<Date>,
}

/// What is wrong with one line or record; the caller adds the file.
type Problem = String;

impl Gathered {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or a line of it cannot be understood.
    pub fn read(&mut self, path: &Path, format: Option<Format>) -> Result<()> {
        let problem = |problem| Error::Geo {
            path: path.to_owned(),
            problem,
        };
        let bytes = fs::read(path).map_err(|error| problem(error.to_string()))?;
        let read = match format.unwrap_or_else(|| Format::of(&bytes)) {
            Format::Mmdb => mmdb::read(&bytes, self),
            Format::Csv => csv::read(&bytes, self),
            Format::Ipfire => ipfire::read(&bytes, self),
        };
        read.map_err(problem)?;
        if self.built_on.is_none() {
            // The file's own time stands in where it does not say.
            let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
            let modified = modified.map(jiff::Timestamp::try_from);
            if let Ok(Ok(modified)) = modified {
                self.of_day(modified.to_zoned(jiff::tz::TimeZone::UTC).date());
            }
        }
        Ok(())
    }

    /// Writes the table. Without an attribution that of the files is taken.
    ///
    /// # Errors
    /// There is no country in them, or nobody to credit it to.
    pub fn finish(self, attribution: Option<&str>) -> std::result::Result<Built, Problem> {
        let attribution = match attribution {
            Some(given) => given.trim().to_owned(),
            None => self.attributions.join("; "),
        };
        if attribution.is_empty() {
            return Err(
                "the file does not say whom its data is from; say it with --attribution".into(),
            );
        }
        let ranges = self.builder.ranges();
        let built_on = self.built_on.unwrap_or(jiff::civil::date(1970, 1, 1));
        let bytes = self.builder.finish(&attribution, built_on);
        Ok(Built {
            bytes: bytes.map_err(|error| error.to_string())?,
            ranges,
            strange: self.strange,
        })
    }

    fn add(&mut self, first: IpAddr, last: IpAddr, code: &str) -> std::result::Result<(), Problem> {
        let (first, last) = match (first.to_canonical(), last.to_canonical()) {
            (a @ IpAddr::V4(_), b @ IpAddr::V4(_)) => (a, b),
            _ => (first, last),
        };
        let country = match iso(code)? {
            Code::Country(country) => country,
            Code::Unknown => "",
            Code::Strange => {
                *self.strange.entry(code.to_owned()).or_default() += 1;
                ""
            }
        };
        let added = self.builder.add(first, last, country);
        added.map_err(|error| error.to_string())
    }

    fn credit(&mut self, attribution: &str) {
        if !self.attributions.iter().any(|known| known == attribution) {
            self.attributions.push(attribution.to_owned());
        }
    }

    fn of_day(&mut self, day: Date) {
        self.built_on = Some(self.built_on.map_or(day, |known| known.min(day)));
    }
}

/// A written table, and what went into it.
#[derive(Debug)]
pub struct Built {
    /// The table.
    pub bytes: Vec<u8>,
    /// Ranges that were read.
    pub ranges: usize,
    /// Codes that were taken as unknown, and how many ranges had them.
    pub strange: BTreeMap<String, u64>,
}

enum Code<'a> {
    Country(&'a str),
    /// The file itself does not know.
    Unknown,
    /// Two letters or digits that are no country.
    Strange,
}

/// What a file means by a code: ISO 3166, `XK` (Kosovo, by custom) and `UK`.
fn iso(code: &str) -> std::result::Result<Code<'_>, Problem> {
    match code {
        "" | "-" | "??" | "ZZ" | "XX" => return Ok(Code::Unknown),
        "UK" => return Ok(Code::Country("GB")),
        "XK" => return Ok(Code::Country(code)),
        _ if code.len() != 2 || !code.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            return Err(format!("{} is no two-letter country code", quoted(code)));
        }
        _ => {}
    }
    Ok(match CountryCode::for_alpha2_caseless(code) {
        Ok(country) => Code::Country(country.alpha2()),
        Err(_) => Code::Strange,
    })
}

/// A piece of a file in an error: its beginning, in quotes.
fn quoted(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}

/// Opens a table.
///
/// # Errors
/// It cannot be read or is none.
pub fn open(path: &Path) -> Result<Table<'static>> {
    let problem = |problem| Error::Geo {
        path: path.to_owned(),
        problem,
    };
    let bytes = fs::read(path).map_err(|error| problem(error.to_string()))?;
    Table::open(bytes).map_err(|error| problem(error.to_string()))
}

/// Whom the countries are to be credited to, as a sentence: those of the operator's table, else
/// those of the default.
///
/// # Errors
/// The table cannot be opened: nobody is credited for what another has made.
pub fn country_attribution(table: Option<&Path>) -> Result<String> {
    let Some(path) = table else {
        return Ok(format!("{DEFAULT_ATTRIBUTION}."));
    };
    let table = open(path)?;
    // Licences such as CC BY-SA want changes to be told.
    Ok(format!(
        "Countries by {}, as of {}, rounded to networks of /24 (IPv6: /48).",
        table.attribution().trim_end_matches('.'),
        table.built_on()
    ))
}
