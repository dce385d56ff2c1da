//! What a day object says to the aggregator, and what it is answered.

use serde::Deserialize;
use shared::batch::Source;
use shared::object::Answer;

use crate::aggregator;
use crate::settings::Settings;

/// What became of a batch.
pub enum Said {
    /// It was answered.
    Answer(Answer),
    /// The site was deleted (I12).
    Gone,
    /// Not now, and why.
    Later(String),
}

/// What the aggregator has of a source.
pub enum Known {
    /// The number of the last batch.
    Last(u64),
    /// The site was deleted (I12).
    Gone,
    /// It could not be asked.
    Unknown,
}

#[derive(Deserialize)]
struct Last {
    last: u64,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
}

/// Why it was refused, if it was the aggregator that did.
fn reason(body: &[u8]) -> Option<String> {
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    Some(refusal.error)
}

/// Sends a batch.
pub async fn post(settings: &Settings, body: &[u8]) -> Said {
    let answered = aggregator::request(settings, "POST", "/edge/v1/batches", Some(body)).await;
    let Ok((status, answer)) = answered else {
        return Said::Later("the aggregator did not answer".into());
    };
    let answer = match status {
        200 => Some(Answer::Taken),
        409 => match serde_json::from_slice(&answer) {
            Ok(Last { last }) => Some(Answer::Gap { last }),
            Err(_) => reason(&answer).map(|_| Answer::Conflict),
        },
        410 => return Said::Gone,
        422 => reason(&answer).map(|reason| Answer::Malformed { reason }),
        _ => None,
    };
    match answer {
        Some(answer) => Said::Answer(answer),
        None => Said::Later(format!("the aggregator answered {status}")),
    }
}

/// Asks for the last batch that the aggregator has of a source.
pub async fn ask_last(settings: &Settings, source: &Source) -> Known {
    match aggregator::request(settings, "GET", &source.path(), None).await {
        Ok((200, body)) => match serde_json::from_slice(&body) {
            Ok(Last { last }) => Known::Last(last),
            Err(_) => Known::Unknown,
        },
        Ok((410, _)) => Known::Gone,
        _ => Known::Unknown,
    }
}

/// Asks whether the aggregator can read a batch; it takes nothing. `None` when it does not say.
pub async fn would_take(settings: &Settings, body: &[u8]) -> Option<bool> {
    let path = "/edge/v1/batches/check";
    match aggregator::request(settings, "POST", path, Some(body)).await {
        Ok((200, _)) => Some(true),
        Ok((422, _)) => Some(false),
        _ => None,
    }
}
