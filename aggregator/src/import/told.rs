//! An event as a line of a file tells it, whatever the format.

use std::borrow::Cow;

use shared::address::ClientAddress;
use shared::clock::UnixMs;
use shared::event::Event;

/// Why a line is not read. It names the field and never what stands in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bad {
    /// Which field; empty for the line as a whole.
    pub field: Cow<'static, str>,
    /// What is wrong.
    pub problem: Cow<'static, str>,
}

impl Bad {
    /// A field and what is wrong with it.
    pub const fn new(field: &'static str, problem: &'static str) -> Self {
        Self {
            field: Cow::Borrowed(field),
            problem: Cow::Borrowed(problem),
        }
    }
}

impl std::fmt::Display for Bad {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.field.is_empty() {
            true => write!(f, "{}", self.problem),
            false => write!(f, "{}: {}", self.field, self.problem),
        }
    }
}

/// See the module. It holds raw identities and has no `Debug`; nothing of it is stored.
pub struct Told {
    /// When.
    pub at_ms: UnixMs,
    /// What.
    pub event: Event,
    /// A name of who did it, of whatever kind.
    pub visitor: Option<String>,
    /// The address it came from.
    pub address: Option<ClientAddress>,
    /// The User-Agent.
    pub user_agent: Option<String>,
    /// What is known better than could be concluded.
    pub known: Known,
}

/// Attributes that are given outright.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Known {
    /// In the order of [`shared::attrs::CLIENT_ATTRS`].
    pub client: [Option<String>; shared::attrs::CLIENT_ATTRS_LEN],
    /// Where the visit came from.
    pub source: Option<String>,
    /// The channel.
    pub channel: Option<String>,
    /// `utm_source`, `utm_medium`, `utm_campaign`, `utm_content`, `utm_term`.
    pub utm: [Option<String>; 5],
}
