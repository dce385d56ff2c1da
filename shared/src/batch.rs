//! The wire format: what leaves the edge (I2). A batch holds counts keyed by coarse attributes and
//! nothing about any one visitor.
//!
//! A row is `[hour, text…, visit_attrs, client_attrs, counter, n, counter, n, …]`: texts and
//! combinations by their place in the batch's own tables, as many texts as
//! [`Cube::texts`] names, counters by [`Counter`]'s numbers.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use jiff::civil::Date;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::attrs::{CLIENT_ATTRS_LEN, VISIT_ATTRS_LEN};
use crate::cube::{CUBES, Counter, Counters, Cube, RowKey};
use crate::dict::Dict;
use crate::drops::Drop;
use crate::limits;
use crate::rollup::Dim;
use crate::settings::Detail;
use crate::visitor::SiteId;
use crate::wire;

/// The present version of the wire format; see [`crate::wire`].
pub const WIRE_VERSION: u8 = 1;

/// Largest count a batch may carry: what a JSON number holds exactly.
pub(crate) const COUNT_MAX: u64 = (1 << 53) - 1;

/// How much JSON is put into one batch. Gzip never makes it larger by more than a few bytes, and
/// one more row adds at most about 30 kB: a page, an entry page, a referrer and five campaign
/// values, each at its longest and all escaped.
const SEALED_BYTES: usize = limits::BATCH_BYTES_MAX - 64 * 1024;

/// Where batches come from: one life of one day object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The site.
    pub site: SiteId,
    /// The local date.
    #[serde(deserialize_with = "crate::date::read")]
    pub date: Date,
    /// Which of the day's shards.
    pub shard: u16,
    /// 32 hex digits, drawn when the object's storage was created.
    pub incarnation: String,
}

/// Before a source in the path of [`Source::path`].
pub const SOURCES_PATH: &str = "/edge/v1/sources";

impl Source {
    /// Where the aggregator is asked for the number of the last batch it has of the source.
    pub fn path(&self) -> String {
        let Self {
            site,
            date,
            shard,
            incarnation,
        } = self;
        format!("{SOURCES_PATH}/{site}/{date}/{shard}/{incarnation}")
    }

    /// Reads the four segments of [`Source::path`], in their order.
    ///
    /// # Errors
    /// Which of them is not what it must be.
    pub fn from_path(segments: [&str; 4]) -> Result<Self, BatchError> {
        let [site, date, shard, incarnation] = segments;
        let not_a_number = "not a number";
        let source = Self {
            site: site
                .parse()
                .map_err(|_| field("source.site", not_a_number))?,
            date: date
                .parse()
                .map_err(|_| field("source.date", "not a date"))?,
            shard: shard
                .parse()
                .map_err(|_| field("source.shard", not_a_number))?,
            incarnation: incarnation.to_owned(),
        };
        source.check()?;
        Ok(source)
    }

    pub(crate) fn check(&self) -> Result<(), BatchError> {
        let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if self.incarnation.len() != 32 || !self.incarnation.bytes().all(hex) {
            return Err(field("source.incarnation", "not 32 hex digits"));
        }
        if self.shard >= limits::SHARDS_MAX {
            return Err(field("source.shard", "too large"));
        }
        Ok(())
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Batch {
    /// One of [`crate::wire::WRITTEN`].
    pub v: u8,
    /// Where it comes from.
    pub source: Source,
    /// Batches of a source are numbered from 1 without gaps.
    pub seq: u64,
    /// The day is over; no batch follows.
    pub closed: bool,
    /// The salt was lost in mid-day: visitors may have been counted again.
    pub degraded: bool,
    /// Hits the source had accepted when it sealed this batch.
    pub hits_total: u64,
    /// So many of them are counted by no batch from here on, for they are in a dead letter whose
    /// place this batch takes; negative: so many were in one, and this batch counts them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub set_aside: i64,
    /// The strings that rows and combinations name by place.
    pub strings: Vec<String>,
    /// Combinations of visit attributes, each by places in `strings`.
    pub visit_attrs: Vec<[u32; VISIT_ATTRS_LEN]>,
    /// Combinations of client attributes, each by places in `strings`.
    pub client_attrs: Vec<[u32; CLIENT_ATTRS_LEN]>,
    /// Events that were dropped since the batch before, by reason ([`crate::drops::Drop`]).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub dropped: BTreeMap<Drop, u64>,
    /// For the live view; deleted after 24 h.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
    /// For the live view: `[minute of the local day, page views, visitors]` since the batch
    /// before; deleted after 24 h.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub minutes: Vec<[u64; 3]>,
    /// Rows of the visits cube.
    pub visits: Vec<Vec<u64>>,
    /// Rows of the pages cube.
    pub pages: Vec<Vec<u64>>,
    /// Rows of the exits cube.
    pub exits: Vec<Vec<u64>>,
    /// Rows of the events cube.
    pub events: Vec<Vec<u64>>,
    /// Rows of the cube of properties.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub props: Vec<Vec<u64>>,
    /// Rows of the revenue cube.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revenue: Vec<Vec<u64>>,
    /// Rows of the goals cube.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<Vec<u64>>,
    /// Rows of the funnels cube.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub funnels: Vec<Vec<u64>>,
    /// Rows of rollups, `[dimension, hour, text…, counter, n, …]`: what there is under
    /// `detail = totals`, in the place of rows of cubes. The hour is 0 but for the whole site.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rollups: Vec<Vec<u64>>,
}

/// Who was there just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Live {
    /// Visitors with an event in the five minutes up to and with `minute`.
    pub visitors: u64,
    /// Minute of the local day.
    pub minute: u16,
}

/// Minutes of the longest local day (25 hours).
const MINUTES: u64 = 25 * 60;

/// A checked row of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Hour of the local day.
    pub hour: u8,
    /// Places in [`Batch::strings`]; as many as the cube names.
    pub texts: Vec<u32>,
    /// Place in [`Batch::visit_attrs`].
    pub visit_attrs: u32,
    /// Place in [`Batch::client_attrs`].
    pub client_attrs: u32,
    /// The counts.
    pub counters: Counters,
}

/// A checked row of a rollup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RollupRow {
    /// Which rollup.
    pub dim: Dim,
    /// Hour of the local day; 0 but for [`Dim::Total`].
    pub hour: u8,
    /// Places in [`Batch::strings`]; as many as [`Dim::texts`].
    pub texts: Vec<u32>,
    /// The counts.
    pub counters: Counters,
}

/// Why a batch is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Not gzip, or more than [`limits::BATCH_JSON_BYTES_MAX`].
    #[error("body: not gzip, or too large once unpacked")]
    Compression,
    /// Not JSON of the format.
    #[error("body: {0}")]
    Json(String),
    /// Of a version that is not read here ([`crate::wire`]).
    #[error("v: batches of version {} are taken here, not of version {version}", wire::in_words(&wire::taken()))]
    Version {
        /// Which.
        version: u64,
    },
    /// A field is out of its bounds.
    #[error("{field}: {problem}")]
    Field {
        /// Which.
        field: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}

pub(crate) const fn field(field: &'static str, problem: &'static str) -> BatchError {
    BatchError::Field { field, problem }
}

impl Batch {
    /// A batch of the first of `rows`, as many as surely fit into
    /// [`limits::BATCH_BYTES_MAX`] beside so many minutes, and how many that are. It holds rows of
    /// cubes in any case; see [`Batch::to_totals`].
    pub(crate) fn build(
        dict: &Dict,
        source: Source,
        seq: u64,
        rows: &[(RowKey, Counters)],
        minutes: usize,
        detail: Detail,
    ) -> (Self, usize) {
        let bytes_max = match detail {
            Detail::Cross => SEALED_BYTES,
            // Every row becomes a row of each dimension, in the worst case.
            Detail::Totals => SEALED_BYTES / 8,
        };
        let mut builder = Builder {
            dict,
            // The head, the drops, and what the minutes take at most.
            bytes: minutes.saturating_mul(40).saturating_add(2_048),
            places: FxHashMap::default(),
            text_places: FxHashMap::default(),
            visit_places: FxHashMap::default(),
            client_places: FxHashMap::default(),
            batch: Batch::empty(source, seq),
        };
        let mut taken = 0;
        for (key, counters) in rows.iter().take(limits::BATCH_ROWS_MAX) {
            if builder.bytes > bytes_max {
                break;
            }
            builder.push(*key, counters);
            taken += 1;
        }
        (builder.batch, taken)
    }

    /// A batch that counts nothing.
    pub(crate) fn empty(source: Source, seq: u64) -> Self {
        Self {
            v: WIRE_VERSION,
            source,
            seq,
            closed: false,
            degraded: false,
            hits_total: 0,
            set_aside: 0,
            strings: Vec::new(),
            visit_attrs: Vec::new(),
            client_attrs: Vec::new(),
            dropped: BTreeMap::new(),
            live: None,
            minutes: Vec::new(),
            visits: Vec::new(),
            pages: Vec::new(),
            exits: Vec::new(),
            events: Vec::new(),
            props: Vec::new(),
            revenue: Vec::new(),
            goals: Vec::new(),
            funnels: Vec::new(),
            rollups: Vec::new(),
        }
    }

    /// The bytes to send and to sign: JSON, gzip.
    ///
    /// # Errors
    /// Never for a batch built here; memory is the only bound.
    pub fn encode(&self) -> Result<Vec<u8>, BatchError> {
        let json = serde_json::to_vec(self).map_err(|e| BatchError::Json(e.to_string()))?;
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&json)
            .and_then(|()| gzip.finish())
            .map_err(|_| BatchError::Compression)
    }

    /// Reads and checks what [`Batch::encode`] wrote.
    ///
    /// # Errors
    /// What is wrong with it; the caller answers 422.
    pub fn decode(bytes: &[u8]) -> Result<Self, BatchError> {
        let batch = wire::read(&unpack(bytes)?)?;
        batch.check()?;
        Ok(batch)
    }

    /// Reads what [`Batch::encode`] wrote, whatever it says: for its own writer, who gives it
    /// another number.
    ///
    /// # Errors
    /// It is not of the format.
    pub(crate) fn decode_unchecked(bytes: &[u8]) -> Result<Self, BatchError> {
        wire::read(&unpack(bytes)?)
    }

    /// The rows of a cube, each checked.
    ///
    /// # Errors
    /// Which cube has a row that is out of bounds.
    pub fn rows(&self, cube: Cube) -> Result<Vec<Row>, BatchError> {
        self.raw_rows(cube)
            .iter()
            .map(|row| self.row(cube, cube.name(), row))
            .collect()
    }

    /// The rows of rollups, each checked.
    ///
    /// # Errors
    /// A row is out of bounds.
    pub fn rollup_rows(&self) -> Result<Vec<RollupRow>, BatchError> {
        self.rollups
            .iter()
            .map(|row| self.rollup_row(row))
            .collect()
    }

    fn rollup_row(&self, row: &[u64]) -> Result<RollupRow, BatchError> {
        const NAME: &str = "rollups";
        let mut values = row.iter().copied();
        let dim = values
            .next()
            .and_then(|number| Dim::try_from(u8::try_from(number).ok()?).ok())
            .ok_or(field(NAME, "not a dimension"))?;
        let hour = values
            .next()
            .and_then(|hour| u8::try_from(hour).ok())
            .filter(|hour| *hour <= 24 && (*hour == 0 || dim == Dim::Total))
            .ok_or(field(
                NAME,
                "an hour is not 0 to 24, or of a dimension without",
            ))?;
        let mut texts = Vec::with_capacity(dim.texts());
        for _ in 0..dim.texts() {
            let place = values.next().and_then(|place| u32::try_from(place).ok());
            let place = place.filter(|place| (*place as usize) < self.strings.len());
            texts.push(place.ok_or(field(NAME, "a row names a place that is not there"))?);
        }
        let counters = counters(values, NAME, |counter| dim.holds(counter))?;
        Ok(RollupRow {
            dim,
            hour,
            texts,
            counters,
        })
    }

    fn raw_rows(&self, cube: Cube) -> &[Vec<u64>] {
        match cube {
            Cube::Visits => &self.visits,
            Cube::Pages => &self.pages,
            Cube::Exits => &self.exits,
            Cube::Events => &self.events,
            Cube::Props => &self.props,
            Cube::Revenue => &self.revenue,
            Cube::Goals => &self.goals,
            Cube::Funnels => &self.funnels,
        }
    }

    fn raw_rows_mut(&mut self, cube: Cube) -> &mut Vec<Vec<u64>> {
        match cube {
            Cube::Visits => &mut self.visits,
            Cube::Pages => &mut self.pages,
            Cube::Exits => &mut self.exits,
            Cube::Events => &mut self.events,
            Cube::Props => &mut self.props,
            Cube::Revenue => &mut self.revenue,
            Cube::Goals => &mut self.goals,
            Cube::Funnels => &mut self.funnels,
        }
    }

    fn row(&self, cube: Cube, name: &'static str, row: &[u64]) -> Result<Row, BatchError> {
        let place = |value: Option<u64>, len: usize| {
            value
                .and_then(|v| u32::try_from(v).ok())
                .filter(|v| (*v as usize) < len)
                .ok_or(field(name, "a row names a place that is not there"))
        };
        let mut values = row.iter().copied();
        let hour = values
            .next()
            .and_then(|hour| u8::try_from(hour).ok())
            .filter(|hour| *hour <= 24)
            .ok_or(field(name, "an hour is not 0 to 24"))?;
        let mut texts = Vec::with_capacity(cube.texts().len());
        for _ in cube.texts() {
            texts.push(place(values.next(), self.strings.len())?);
        }
        let visit_attrs = place(values.next(), self.visit_attrs.len())?;
        let client_attrs = place(values.next(), self.client_attrs.len())?;
        let counters = counters(values, name, |counter| counter.cube() == Some(cube))?;
        Ok(Row {
            hour,
            texts,
            visit_attrs,
            client_attrs,
            counters,
        })
    }

    /// Whether every field is within its bounds; whoever makes batches that are not sent asks.
    ///
    /// # Errors
    /// The first field that is not.
    pub fn check(&self) -> Result<(), BatchError> {
        if !wire::taken().contains(&self.v) {
            let version = self.v.into();
            return Err(BatchError::Version { version });
        }
        self.source.check()?;
        if self.seq == 0 || self.seq > COUNT_MAX {
            return Err(field("seq", "not a number from 1"));
        }
        if self.hits_total > COUNT_MAX {
            return Err(field("hits_total", "too large"));
        }
        if self.set_aside.unsigned_abs() > self.hits_total {
            return Err(field("set_aside", "more than hits_total"));
        }
        let rows = CUBES.iter().map(|cube| self.raw_rows(*cube).len());
        if rows.sum::<usize>() > limits::BATCH_ROWS_MAX {
            return Err(field("rows", "too many"));
        }
        if self.rollups.len() > limits::ROLLUP_ROWS_MAX {
            return Err(field("rollups", "too many"));
        }
        if self.dropped.values().any(|n| *n == 0 || *n > COUNT_MAX) {
            return Err(field("dropped", "a count is 0 or too large"));
        }
        let live = self.live.map(|live| (live.visitors, live.minute));
        if live.is_some_and(|(n, minute)| n > COUNT_MAX || u64::from(minute) >= MINUTES) {
            return Err(field("live", "a number is too large"));
        }
        let minutes = || self.minutes.iter().map(|[minute, _, _]| *minute);
        if !minutes().is_sorted_by(|a, b| a < b) || minutes().any(|minute| minute >= MINUTES) {
            return Err(field("minutes", "not minutes of a day in order"));
        }
        if self.minutes.iter().flatten().any(|n| *n > COUNT_MAX) {
            return Err(field("minutes", "a count is too large"));
        }
        if !self.strings.iter().all(|text| is_text(text)) {
            return Err(field("strings", "too long, or a control character"));
        }
        let places = |attrs: &[u32]| attrs.iter().all(|p| (*p as usize) < self.strings.len());
        if !self.visit_attrs.iter().all(|attrs| places(attrs)) {
            return Err(field("visit_attrs", "names a string that is not there"));
        }
        if !self.client_attrs.iter().all(|attrs| places(attrs)) {
            return Err(field("client_attrs", "names a string that is not there"));
        }
        for cube in CUBES {
            self.rows(cube)?;
        }
        self.rollup_rows()?;
        Ok(())
    }
}

/// The JSON of a batch, of bounded length.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, BatchError> {
    let mut json = Vec::new();
    let bound = limits::BATCH_JSON_BYTES_MAX as u64;
    GzDecoder::new(bytes)
        .take(bound.saturating_add(1))
        .read_to_end(&mut json)
        .map_err(|_| BatchError::Compression)?;
    match json.len() as u64 > bound {
        true => Err(BatchError::Compression),
        false => Ok(json),
    }
}

/// The counters of a row, from its first on.
fn counters(
    mut values: impl Iterator<Item = u64>,
    name: &'static str,
    belongs: impl Fn(Counter) -> bool,
) -> Result<Counters, BatchError> {
    let mut counters = Counters::new();
    while let Some(number) = values.next() {
        let counter = u8::try_from(number)
            .ok()
            .and_then(|number| Counter::try_from(number).ok())
            .filter(|counter| belongs(*counter))
            .ok_or(field(name, "a counter does not belong there"))?;
        let n = values
            .next()
            .filter(|n| (1..=COUNT_MAX).contains(n))
            .ok_or(field(name, "a count is missing, 0 or too large"))?;
        if counters.iter().any(|(known, _)| *known == counter) {
            return Err(field(name, "a counter stands twice in a row"));
        }
        counters.push((counter, n));
    }
    if counters.is_empty() {
        return Err(field(name, "a row counts nothing"));
    }
    Ok(counters)
}

/// Whether a text may be one of [`Batch::strings`].
pub(crate) fn is_text(text: &str) -> bool {
    text.len() <= limits::BATCH_STRING_BYTES_MAX && !text.chars().any(char::is_control)
}

struct Builder<'a> {
    dict: &'a Dict,
    /// The JSON so far is at most this long.
    bytes: usize,
    places: FxHashMap<u32, u32>,
    /// The same text may be known as a page, a source, …: it is sent once.
    text_places: FxHashMap<&'a str, u32>,
    visit_places: FxHashMap<u32, u32>,
    client_places: FxHashMap<u32, u32>,
    batch: Batch,
}

impl Builder<'_> {
    fn push(&mut self, key: RowKey, counters: &Counters) {
        let mut row = vec![u64::from(key.hour)];
        for (text, _) in key.texts.iter().zip(key.cube.texts()) {
            row.push(u64::from(self.text(*text)));
        }
        row.push(u64::from(self.visit_attrs(key.t)));
        row.push(u64::from(self.client_attrs(key.c)));
        for (counter, n) in counters {
            row.push(u64::from(*counter as u8));
            row.push((*n).min(COUNT_MAX));
        }
        self.bytes += 8 + row.iter().map(|n| digits(*n) + 1).sum::<usize>();
        self.batch.raw_rows_mut(key.cube).push(row);
    }

    fn text(&mut self, id: u32) -> u32 {
        if let Some(place) = self.places.get(&id) {
            return *place;
        }
        let text = self.dict.text_of(id).unwrap_or(limits::OTHER);
        if let Some(place) = self.text_places.get(text) {
            self.places.insert(id, *place);
            return *place;
        }
        let place = self.batch.strings.len() as u32;
        self.text_places.insert(text, place);
        // An escaped character takes two bytes: strings hold no control characters.
        let escaped = text.bytes().filter(|b| matches!(b, b'"' | b'\\')).count();
        self.bytes += text.len() + escaped + 3;
        self.batch.strings.push(text.to_owned());
        self.places.insert(id, place);
        place
    }

    fn visit_attrs(&mut self, id: u32) -> u32 {
        if let Some(place) = self.visit_places.get(&id) {
            return *place;
        }
        let attrs = self.dict.visit_attrs_of(id).copied().unwrap_or_default();
        let attrs = attrs.map(|text| self.text(text));
        self.bytes += 3 + attrs.iter().map(|p| digits((*p).into()) + 1).sum::<usize>();
        let place = self.batch.visit_attrs.len() as u32;
        self.batch.visit_attrs.push(attrs);
        self.visit_places.insert(id, place);
        place
    }

    fn client_attrs(&mut self, id: u32) -> u32 {
        if let Some(place) = self.client_places.get(&id) {
            return *place;
        }
        let attrs = self.dict.client_attrs_of(id).copied().unwrap_or_default();
        let attrs = attrs.map(|text| self.text(text));
        self.bytes += 3 + attrs.iter().map(|p| digits((*p).into()) + 1).sum::<usize>();
        let place = self.batch.client_attrs.len() as u32;
        self.batch.client_attrs.push(attrs);
        self.client_places.insert(id, place);
        place
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // As serde wants it.
fn is_zero(n: &i64) -> bool {
    *n == 0
}

/// Decimal digits of a number.
fn digits(n: u64) -> usize {
    n.checked_ilog10().map_or(1, |log| log as usize + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn sample() -> Value {
        json!({
            "v": 1,
            "source": {"site": 1, "date": "2026-11-23", "shard": 0, "incarnation": "0".repeat(32)},
            "seq": 1, "closed": false, "degraded": false, "hits_total": 3, "set_aside": -3,
            "strings": ["/", "example.com", "DE", ""],
            "visit_attrs": [[0, 1, 3, 3, 3, 3, 3, 3, 3, 3]], "client_attrs": [[2, 3, 3, 3, 3, 3]],
            "visits": [[9, 0, 0, 0, 1, 64, 1]],
            "pages": [[9, 0, 1, 0, 0, 6, 3]],
            "exits": [], "events": [],
            "dropped": {"bot": 2}, "live": {"visitors": 1, "minute": 541},
            "minutes": [[541, 2, 1], [542, 1, 1]],
            "props": [[9, 0, 1, 2, 0, 0, 14, 3]], "revenue": [[9, 0, 1, 0, 0, 15, 3]],
            "rollups": [[0, 9, 6, 3], [1, 0, 0, 6, 3], [14, 0, 2, 64, 1]],
            "goals": [[9, 0, 1, 0, 0, 17, 3]], "funnels": [[9, 0, 1, 0, 0, 100, 3]]
        })
    }

    fn decode(value: &Value) -> Result<Batch, BatchError> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(value.to_string().as_bytes()).unwrap();
        Batch::decode(&gzip.finish().unwrap())
    }

    #[test]
    fn a_batch_survives_the_wire() {
        let batch = decode(&sample()).unwrap();
        assert_eq!(Batch::decode(&batch.encode().unwrap()).unwrap(), batch);
        let rows = batch.rows(Cube::Pages).unwrap();
        assert_eq!(rows[0].texts, [0, 1]);
        assert_eq!(rows[0].counters, [(Counter::Views, 3)]);
    }

    #[test]
    fn every_field_out_of_bounds_is_named() {
        let cases: &[(&str, Value, &str)] = &[
            ("/v", json!(2), "v: "),
            ("/seq", json!(0), "seq: "),
            ("/hits_total", json!(u64::MAX), "hits_total: "),
            ("/set_aside", json!(4), "set_aside: "),
            ("/set_aside", json!(-4), "set_aside: "),
            ("/set_aside", json!(i64::MIN), "set_aside: "),
            ("/source/shard", json!(256), "source.shard: "),
            ("/source/incarnation", json!("zz"), "source.incarnation: "),
            ("/source/date", json!("2026-02-30"), "body: "),
            ("/strings/0", json!("a\u{0}b"), "strings: "),
            ("/strings/0", json!("x".repeat(3_000)), "strings: "),
            (
                "/visit_attrs/0",
                json!([0, 4, 3, 3, 3, 3, 3, 3, 3, 3]),
                "visit_attrs: ",
            ),
            (
                "/client_attrs/0",
                json!([9, 3, 3, 3, 3, 3]),
                "client_attrs: ",
            ),
            ("/pages/0", json!([]), "pages: "),
            ("/pages/0", json!([25, 0, 1, 0, 0, 6, 3]), "pages: "),
            ("/pages/0", json!([9, 4, 1, 0, 0, 6, 3]), "pages: "),
            ("/pages/0", json!([9, 0, 1, 1, 0, 6, 3]), "pages: "),
            ("/pages/0", json!([9, 0, 1, 0, 1, 6, 3]), "pages: "),
            ("/pages/0", json!([9, 0, 1, 0, 0]), "pages: "),
            ("/pages/0", json!([9, 0, 1, 0, 0, 6]), "pages: "),
            ("/pages/0", json!([9, 0, 1, 0, 0, 6, 0]), "pages: "),
            ("/pages/0", json!([9, 0, 1, 0, 0, 6, 1, 6, 1]), "pages: "),
            ("/pages/0", json!([9, 0, 1, 0, 0, 64, 3]), "pages: "),
            ("/visits/0", json!([9, 0, 0, 255, 1]), "visits: "),
            ("/dropped/bot", json!(0), "dropped: "),
            ("/live/minute", json!(1_500), "live: "),
            ("/minutes/0/0", json!(1_500), "minutes: "),
            ("/minutes/1/0", json!(541), "minutes: "),
            ("/props/0", json!([9, 0, 1, 0, 0, 14, 3]), "props: "),
            ("/goals/0", json!([9, 0, 1, 0, 0, 14, 3]), "goals: "),
            ("/revenue/0", json!([9, 0, 1, 0, 0, 15, 0]), "revenue: "),
            ("/funnels/0", json!([9, 0, 0, 0, 100, 3]), "funnels: "),
            ("/rollups/0", json!([28, 0, 1, 6, 3]), "rollups: "),
            ("/rollups/0", json!([1, 9, 0, 6, 3]), "rollups: "),
            ("/rollups/0", json!([0, 25, 6, 3]), "rollups: "),
            ("/rollups/0", json!([1, 0, 4, 6, 3]), "rollups: "),
            ("/rollups/0", json!([1, 0, 0]), "rollups: "),
            ("/rollups/0", json!([1, 0, 0, 64, 3]), "rollups: "),
            ("/rollups/0", json!([1, 0, 0, 6, 0]), "rollups: "),
        ];
        for (pointer, value, starts) in cases {
            let mut sample = sample();
            *sample.pointer_mut(pointer).unwrap() = value.clone();
            let error = decode(&sample).unwrap_err().to_string();
            assert!(error.starts_with(starts), "{pointer} {value}: {error}");
        }
        let mut unknown = sample();
        unknown["visitor"] = json!("x");
        assert!(decode(&unknown).is_err(), "unknown fields are refused");
        let mut many = sample();
        many["pages"] = json!(vec![
            sample()["pages"][0].clone();
            limits::BATCH_ROWS_MAX + 1
        ]);
        assert_eq!(decode(&many).unwrap_err().to_string(), "rows: too many");
    }

    #[test]
    fn a_source_is_named_in_a_path_and_read_again() {
        let source = decode(&sample()).unwrap().source;
        let path = source.path();
        assert_eq!(
            path,
            format!("/edge/v1/sources/1/2026-11-23/0/{}", "0".repeat(32))
        );
        let digits = "0".repeat(32);
        let good = ["1", "2026-11-23", "0", &digits];
        assert_eq!(Source::from_path(good), Ok(source));
        for (place, bad, starts) in [
            (0, "-1", "source.site: "),
            (0, "4294967296", "source.site: "),
            (1, "2026-02-30", "source.date: "),
            (2, "256", "source.shard: "),
            (2, "x", "source.shard: "),
            (3, "00", "source.incarnation: "),
            (3, "", "source.incarnation: "),
        ] {
            let mut segments = good;
            segments[place] = bad;
            let error = Source::from_path(segments).unwrap_err().to_string();
            assert!(error.starts_with(starts), "{bad}: {error}");
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_is_unpacked() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        gzip.write_all(&vec![b' '; limits::BATCH_JSON_BYTES_MAX + 1])
            .unwrap();
        let bomb = gzip.finish().unwrap();
        assert_eq!(Batch::decode(&bomb), Err(BatchError::Compression));
        assert_eq!(Batch::decode(b"{}"), Err(BatchError::Compression));
    }
}
