//! What leaves the edge (I2): the published schema of a batch, and a look at every string.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use shared::attrs::{CLIENT_ATTRS, CLIENT_ATTRS_LEN, VISIT_ATTRS, VISIT_ATTRS_LEN};
use shared::batch::{Batch, WIRE_VERSION};
use shared::cube::{COUNTERS, CUBES};
use shared::drops::Drop;
use shared::limits;
use shared::rollup::Dim;

use super::table::{Outcome, Promise};
use crate::system::root;

/// See the name.
pub const WIRE: Promise = Promise {
    name: "prove_only_counts_by_enumerated_attributes_leave_the_edge",
    promise: "What leaves the edge is counts by enumerated attributes: no hash, no session, no time of \
              an event.",
    tried: "Every batch that went over the wire is checked against docs/batch.schema.json, which \
            allows no other field; every string of it must be named by a row as the value of an \
            attribute, and be one that the visits of the day can have.",
};

/// Where the schema is published.
const FILE: &str = "docs/batch.schema.json";

/// Largest count (2^53 - 1: what a JSON number holds exactly).
const COUNT_MAX: u64 = (1 << 53) - 1;

/// The schema of a batch (JSON Schema, draft 2020-12), from the tables that make and read batches.
pub fn schema() -> Value {
    let count = json!({ "type": "integer", "minimum": 0, "maximum": COUNT_MAX });
    let places = |names: Vec<&str>, of: &str| {
        json!({
            "type": "array",
            "description": format!("Combinations of {of}: places in strings, in this order: {}.", names.join(", ")),
            "items": {
                "type": "array", "items": { "type": "integer", "minimum": 0 },
                "minItems": names.len(), "maxItems": names.len(),
            },
        })
    };
    let mut properties = json!({
        "v": { "const": WIRE_VERSION, "description": "Version of this format." },
        "source": {
            "type": "object",
            "description": "One life of one day object: whose counts these are.",
            "properties": {
                "site": { "type": "integer", "minimum": 0, "maximum": u32::MAX },
                "date": { "type": "string", "pattern": "^\\d{4}-\\d{2}-\\d{2}$", "description": "The site's local date." },
                "shard": { "type": "integer", "minimum": 0, "maximum": limits::SHARDS_MAX - 1 },
                "incarnation": { "type": "string", "pattern": "^[0-9a-f]{32}$", "description": "Random, drawn when the day object's storage was made." },
            },
            "required": ["site", "date", "shard", "incarnation"],
            "additionalProperties": false,
        },
        "seq": { "type": "integer", "minimum": 1, "maximum": COUNT_MAX, "description": "From 1, without gaps." },
        "closed": { "type": "boolean", "description": "The day is over." },
        "degraded": { "type": "boolean", "description": "The salt was lost in mid-day: visitors may have been counted again." },
        "hits_total": count,
        "set_aside": { "type": "integer", "description": "Hits that are in a dead letter; negative: taken out of one." },
        "strings": {
            "type": "array", "uniqueItems": true,
            "description": "What rows and combinations name by place; each is the value of an attribute.",
            "items": { "type": "string", "maxLength": limits::BATCH_STRING_BYTES_MAX },
        },
        "visit_attrs": places(VISIT_ATTRS.map(|(name, _)| name).to_vec(), "what visits came with"),
        "client_attrs": places(CLIENT_ATTRS.map(|(name, _)| name).to_vec(), "what browsers are"),
        "dropped": {
            "type": "object",
            "description": "Events that were not counted, by reason.",
            "properties": Drop::ALL.map(|(_, name)| name).into_iter()
                .map(|name| (name.to_owned(), json!({ "type": "integer", "minimum": 1, "maximum": COUNT_MAX })))
                .collect::<serde_json::Map<_, _>>(),
            "additionalProperties": false,
        },
        "live": {
            "type": "object",
            "description": "Visitors of the last five minutes; deleted after a day.",
            "properties": { "visitors": count, "minute": { "type": "integer", "minimum": 0, "maximum": 1_499 } },
            "required": ["visitors", "minute"],
            "additionalProperties": false,
        },
        "minutes": {
            "type": "array",
            "description": "Minute of the local day, page views, visitors; deleted after a day.",
            "items": { "type": "array", "items": count, "minItems": 3, "maxItems": 3 },
        },
        "rollups": {
            "type": "array",
            "description": "Under detail = totals, in the place of rows of cubes: dimension, hour, places of its texts, then pairs of counter and count.",
            "maxItems": limits::ROLLUP_ROWS_MAX,
            "items": {
                "type": "array", "minItems": 4,
                "prefixItems": [
                    { "type": "integer", "minimum": 0, "maximum": Dim::Prefix3 as u8 },
                    { "type": "integer", "minimum": 0, "maximum": 24 },
                ],
                "items": count,
            },
        },
    });
    for cube in CUBES {
        let texts: Vec<String> = cube
            .texts()
            .iter()
            .map(|kind| format!("{kind:?}"))
            .collect();
        let counters = COUNTERS
            .iter()
            .filter(|(counter, ..)| counter.cube() == Some(cube));
        let counters: Vec<String> = counters
            .map(|(counter, .., name)| format!("{} {name}", *counter as u8))
            .collect();
        // Hour, texts, both combinations, one counter and its count.
        let least = 1 + texts.len() + 2 + 2;
        let head = [
            vec!["hour".to_owned()],
            texts,
            vec!["visit_attrs".into(), "client_attrs".into()],
        ];
        properties[cube.name()] = json!({
            "type": "array",
            "description": format!(
                "Rows: {}, then pairs of counter and count. Counters: {}.",
                head.concat().join(", "), counters.join(", ")
            ),
            "maxItems": limits::BATCH_ROWS_MAX,
            "items": {
                "type": "array", "minItems": least,
                "prefixItems": [{ "type": "integer", "minimum": 0, "maximum": 24 }],
                "items": count,
            },
        });
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A batch: all that leaves Dayfly's edge about visits",
        "description": "POST /edge/v1/batches, gzip, signed. Counts by attributes, and nothing about any one visitor.",
        "type": "object",
        "properties": properties,
        "required": [
            "v", "source", "seq", "closed", "degraded", "hits_total", "strings", "visit_attrs",
            "client_attrs", "visits", "pages", "exits", "events",
        ],
        "additionalProperties": false,
    })
}

/// The values that each attribute has in a batch.
pub type Attributes = BTreeMap<String, BTreeSet<String>>;

/// Reads a batch; gives every string by the attribute it is a value of.
///
/// # Errors
/// It is no batch, or has a string that is no attribute's.
pub fn attributes(json: &str) -> Result<Attributes, String> {
    let batch: Batch = serde_json::from_str(json).map_err(|error| error.to_string())?;
    batch.check().map_err(|error| error.to_string())?;
    let mut found = Attributes::new();
    let mut used = BTreeSet::new();
    let mut add = |attribute: String, place: u32| {
        used.insert(place);
        let values = found.entry(attribute).or_default();
        values.insert(batch.strings[place as usize].clone());
    };
    for attrs in &batch.visit_attrs {
        for (place, (_, kind)) in attrs.iter().zip(VISIT_ATTRS) {
            add(format!("{kind:?}"), *place);
        }
    }
    for attrs in &batch.client_attrs {
        for (place, (_, kind)) in attrs.iter().zip(CLIENT_ATTRS) {
            add(format!("{kind:?}"), *place);
        }
    }
    for cube in CUBES {
        for row in batch.rows(cube).map_err(|error| error.to_string())? {
            for (place, kind) in row.texts.iter().zip(cube.texts()) {
                add(format!("{kind:?}"), *place);
            }
        }
    }
    for row in batch.rollup_rows().map_err(|error| error.to_string())? {
        for (at, place) in row.texts.iter().enumerate() {
            add(format!("{:?}, text {at}", row.dim), *place);
        }
    }
    let unused = (0..batch.strings.len() as u32).find(|place| !used.contains(place));
    match unused {
        None => Ok(found),
        Some(place) => Err(format!("strings/{place} is the value of no attribute")),
    }
}

/// Checks batches as they went over the wire; `allowed` gives the values that an attribute may have.
pub fn check(batches: &[String], allowed: impl Fn(&str) -> Vec<String>) -> Outcome {
    let published =
        std::fs::read_to_string(root().join(FILE)).map_err(|error| error.to_string())?;
    let published: Value = serde_json::from_str(&published).map_err(|error| error.to_string())?;
    let validator = jsonschema::validator_for(&published).map_err(|error| error.to_string())?;
    let mut all = Attributes::new();
    for batch in batches {
        let value: Value = serde_json::from_str(batch).map_err(|error| error.to_string())?;
        if let Some(error) = validator.iter_errors(&value).next() {
            return Err(format!("{}: {error}", error.instance_path()));
        }
        for (attribute, values) in attributes(batch)? {
            all.entry(attribute).or_default().extend(values);
        }
    }
    for (attribute, values) in &all {
        let allowed = allowed(attribute);
        if let Some(value) = values.iter().find(|value| !allowed.contains(value)) {
            return Err(format!(
                "{attribute} is {value:?}, which nobody's visit has"
            ));
        }
    }
    let strings: usize = all.values().map(BTreeSet::len).sum();
    match (batches.len(), strings) {
        (0, _) | (_, 0) => Err("nothing went over the wire".into()),
        (batches, strings) => Ok(format!(
            "{batches} batches, {strings} values of {} attributes",
            all.len()
        )),
    }
}

/// `DAYFLY_WRITE_SCHEMA=1` writes it anew.
#[test]
fn i2_the_schema_of_a_batch_is_published_and_true() {
    let text = serde_json::to_string_pretty(&schema()).unwrap() + "\n";
    let file = root().join(FILE);
    if std::env::var_os("DAYFLY_WRITE_SCHEMA").is_some() {
        std::fs::write(&file, &text).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(&file).unwrap(),
        text,
        "DAYFLY_WRITE_SCHEMA=1 writes it"
    );
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let batch = json!({
        "v": 1,
        "source": {"site": 1, "date": "2026-11-23", "shard": 0, "incarnation": "0".repeat(32)},
        "seq": 1, "closed": false, "degraded": false, "hits_total": 3,
        "strings": ["/", "a.example", "DE", ""],
        "visit_attrs": [[0, 1, 3, 3, 3, 3, 3, 3, 3, 3]], "client_attrs": [[2, 3, 3, 3, 3, 3]],
        "visits": [[9, 0, 0, 0, 1]], "pages": [[9, 0, 1, 0, 0, 6, 3]], "exits": [], "events": [],
    });
    assert_eq!(VISIT_ATTRS_LEN + CLIENT_ATTRS_LEN, 16);
    assert!(validator.is_valid(&batch));
    let found = attributes(&batch.to_string()).unwrap();
    assert_eq!(found["Page"], BTreeSet::from(["/".to_owned()]));
    // What is no count, and what nobody asked for, is no batch.
    for (pointer, value) in [
        ("/visitor", json!("x")),
        ("/source/address", json!("203.0.113.9")),
        ("/source/incarnation", json!("203.0.113.9")),
        ("/dropped", json!({"203.0.113.9": 1})),
        ("/live", json!({"visitors": 1, "minute": 1, "hash": "x"})),
        ("/pages/0/0", json!("x")),
        ("/pages/0/6", json!("x")),
        ("/visit_attrs/0/0", json!("/")),
        ("/minutes", json!([[1, 2, 3, 4]])),
    ] {
        let mut wrong = batch.clone();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        match wrong.pointer_mut(parent).unwrap() {
            Value::Array(all) => all[name.parse::<usize>().unwrap()] = value,
            parent => parent[name] = value,
        }
        assert!(!validator.is_valid(&wrong), "{pointer}");
        assert!(attributes(&wrong.to_string()).is_err(), "{pointer}");
    }
    // A string that no row names.
    let mut more = batch.clone();
    more["strings"]
        .as_array_mut()
        .unwrap()
        .push(json!("8c1f0a"));
    assert!(
        attributes(&more.to_string())
            .unwrap_err()
            .contains("strings/4")
    );
}
