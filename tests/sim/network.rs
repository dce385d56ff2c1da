//! The way from the edge to the aggregator: requests are signed here, and lost, doubled, delayed
//! or answered by somebody else.

use std::collections::VecDeque;

use shared::batch::Batch;
use shared::clock::UnixMs;
use shared::sign::Signed;

use crate::history::Fate;
use crate::page_number;
use crate::server::{Aggregator, Reply, Request, key};
use crate::tally::Tally;

/// See the module.
pub struct Network {
    pub aggregator: Aggregator,
    /// What becomes of the next requests.
    pub fates: VecDeque<Fate>,
    /// Nothing arrives.
    pub is_down: bool,
    /// Pages that the aggregator cannot read: by their number's remainder.
    pub cannot_read: Option<u8>,
    /// The edge signs with the new key.
    pub signs_with_new: bool,
    /// How far the edge's clock is off, ms.
    pub skew_ms: i64,
    /// What was met.
    pub tally: Tally,
    late: Vec<Request>,
}

impl Network {
    /// One on which all goes well.
    pub fn new(aggregator: Aggregator) -> Self {
        Self {
            aggregator,
            fates: VecDeque::new(),
            is_down: false,
            cannot_read: None,
            signs_with_new: false,
            skew_ms: 0,
            tally: Tally::default(),
            late: Vec::new(),
        }
    }

    /// Signs a request and sends it; `None` when no answer came.
    pub async fn send(
        &mut self,
        method: &'static str,
        path: &str,
        body: Vec<u8>,
        now_ms: UnixMs,
    ) -> Option<Reply> {
        let signed = Signed {
            method,
            path,
            body: &body,
        };
        let signature = signed.sign(&key(self.signs_with_new), now_ms + self.skew_ms);
        let request = Request {
            method,
            path: path.to_owned(),
            signature,
            body,
        };
        let fate = self.fates.pop_front().unwrap_or(Fate::Fine);
        if self.is_down {
            return None;
        }
        match fate {
            Fate::Fine => Some(self.arrive(&request).await),
            Fate::Lost => None,
            Fate::AnswerLost => {
                self.arrive(&request).await;
                None
            }
            Fate::Twice if !self.is_refused(&request) => {
                let replies = self.aggregator.answer_twice(&request).await;
                self.tally.reply(&replies.0);
                self.tally.reply(&replies.1);
                Some(replies.0)
            }
            Fate::Twice => Some(self.arrive(&request).await),
            Fate::Late => {
                self.late.push(request);
                None
            }
            Fate::Refused if method == "POST" => Some(malformed()),
            Fate::Refused => Some(self.arrive(&request).await),
            Fate::Proxy(status) => Some((status, b"<html>busy</html>".to_vec())),
            Fate::Killed(polls) => {
                let reply = self.aggregator.answer_until_killed(&request, polls).await;
                match &reply {
                    Some(reply) => self.tally.reply(reply),
                    None => self.tally.add("killed"),
                }
                reply
            }
        }
    }

    /// What was on its way for long arrives, the latest first.
    pub async fn arrive_late(&mut self) {
        while !self.is_down
            && let Some(request) = self.late.pop()
        {
            self.arrive(&request).await;
        }
    }

    /// The database is put back; what was on its way to the server that was there ends with it.
    pub async fn restore(&mut self) {
        self.late.clear();
        self.aggregator.restore().await;
    }

    async fn arrive(&mut self, request: &Request) -> Reply {
        let reply = match self.is_refused(request) {
            true => malformed(),
            false => self.aggregator.answer(request).await,
        };
        self.tally.reply(&reply);
        reply
    }

    fn is_refused(&self, request: &Request) -> bool {
        let (Some(rest), true) = (self.cannot_read, request.method == "POST") else {
            return false;
        };
        let batch = Batch::decode(&request.body).expect("the edge sends what can be read");
        let mut numbers = batch.strings.iter().filter_map(|text| page_number(text));
        numbers.any(|number| number % 3 == usize::from(rest))
    }
}

/// What an aggregator says to what it cannot read.
fn malformed() -> Reply {
    (422, br#"{"error":"strings: of another version"}"#.to_vec())
}
