//! What a day object says to the aggregator, and what it is answered.

use serde::Deserialize;
use shared::batch::Source;
use shared::object::{Answer, Said};

use crate::aggregator;
use crate::settings::Settings;

/// What the aggregator has of a source.
pub enum Known {
    /// The number of the last batch.
    Last(u64),
    /// The site was removed (I12).
    Gone,
    /// Its database has no such site, in its words.
    UnknownSite(String),
    /// It could not be asked.
    Nothing,
}

#[derive(Deserialize)]
struct Last {
    last: u64,
}

/// Sends a batch; gives the status for the log, too.
pub async fn post(settings: &Settings, body: &[u8]) -> (Said, u16) {
    match aggregator::request(settings, "POST", "/edge/v1/batches", Some(body)).await {
        Ok((status, answer)) => (Said::read(status, &answer), status),
        Err(_) => (Said::Later, 0),
    }
}

/// Asks for the last batch that the aggregator has of a source.
pub async fn ask_last(settings: &Settings, source: &Source) -> Known {
    match aggregator::request(settings, "GET", &source.path(), None).await {
        Ok((200, body)) => match shared::json::read(&body) {
            Ok(Last { last }) => Known::Last(last),
            Err(_) => Known::Nothing,
        },
        Ok((status, body)) => match Said::read(status, &body) {
            Said::Gone => Known::Gone,
            Said::Answer(Answer::UnknownSite { reason }) => Known::UnknownSite(reason),
            _ => Known::Nothing,
        },
        Err(_) => Known::Nothing,
    }
}

/// Asks whether the aggregator can read a batch; it takes nothing. `None` when it does not say.
pub async fn would_take(settings: &Settings, body: &[u8]) -> Option<bool> {
    let path = "/edge/v1/batches/check";
    match aggregator::request(settings, "POST", path, Some(body)).await {
        Ok((200, _)) => Some(true),
        Ok((422 | 415, _)) => Some(false),
        _ => None,
    }
}
