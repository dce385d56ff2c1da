//! What a site has counted before: a month of days like the one that the soak makes.
//!
//! Questions about weeks and months read it from the first one on. Without it they would read another
//! day after each midnight, and memory would grow until there is a month.

use std::fmt::Write as _;

use jiff::Span;
use serde_json::json;

use super::beacons::{Kind, PAGES_EACH, Site, VISITORS, address, body, page, user_agent};
use crate::system::System;

/// More than any question asks for.
const DAYS: i32 = 32;
/// When the first visitor of a day comes, and how long it is until the next.
const FROM_HOUR: i8 = 6;
const STEP_S: u64 = 12;

/// Imports it. It ends the day before the first that is compared with what was sent.
pub fn import(system: &System, site: &Site) {
    let mut lines = String::new();
    for days in 1..=DAYS {
        let date = site.first().checked_sub(Span::new().days(days)).unwrap();
        let from = date.at(FROM_HOUR, 0, 0, 0);
        let from = from.to_zoned(site.time_zone.clone()).unwrap().timestamp();
        for visitor in 0..VISITORS {
            let time = Span::new().seconds(i64::try_from(visitor * STEP_S).unwrap());
            let time = from.checked_add(time).unwrap().to_string();
            for nth in 0..PAGES_EACH {
                let mut event = body(Kind::View, site.name, page(visitor, nth));
                event["time"] = json!(time);
                event["ip"] = json!(address(visitor));
                event["user_agent"] = json!(user_agent(visitor));
                writeln!(lines, "{event}").unwrap();
            }
        }
    }
    let file = system.data.path().join("history.jsonl");
    std::fs::write(&file, lines).unwrap();
    system.dayfly(&["import", "--site", site.name, file.to_str().unwrap()]);
    std::fs::remove_file(file).unwrap();
}
