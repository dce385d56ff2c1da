//! The strings of one day object, each stored once and named by a number.
//!
//! What always holds: a number, once given, keeps its meaning for the life of the object; the
//! distinct strings of a [`Kind`] are bounded, and what comes after the bound is [`OTHER`] (I9,
//! test `i9_distinct_pages_overflow_into_other`); every string may stand in a batch, whoever calls
//! (test `what_no_batch_may_hold_is_other`).

use std::rc::Rc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use crate::attrs::{CLIENT_ATTRS, CLIENT_ATTRS_LEN, VISIT_ATTRS, VISIT_ATTRS_LEN};
use crate::batch;
use crate::limits::{self, OTHER};

/// What a string is; each kind has a bound of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// A path.
    Page,
    /// A host name.
    Host,
    /// An ISO 3166 code.
    Country,
    /// A custom event's name.
    EventName,
    /// A kind of device.
    Device,
    /// A browser's name.
    Browser,
    /// A browser's major version.
    BrowserVersion,
    /// An operating system's name.
    Os,
    /// An operating system's version.
    OsVersion,
    /// A source's name.
    Source,
    /// A referrer: host and path.
    Referrer,
    /// A channel.
    Channel,
    /// `utm_source`.
    UtmSource,
    /// `utm_medium`.
    UtmMedium,
    /// `utm_campaign`.
    UtmCampaign,
    /// `utm_content`.
    UtmContent,
    /// `utm_term`.
    UtmTerm,
    /// A property's name.
    PropKey,
    /// A property's value.
    PropValue,
    /// ISO 4217 code.
    Currency,
    /// A goal's number.
    Goal,
    /// A funnel's number.
    Funnel,
    /// A step of a funnel, from 1.
    Step,
}

impl Kind {
    const COUNT: usize = 23;

    /// Most distinct strings of this kind in one day object.
    pub const fn distinct_max(self) -> u32 {
        match self {
            Kind::Page => limits::PAGES_MAX,
            Kind::Host => limits::HOSTS_MAX,
            Kind::Country => limits::COUNTRIES_MAX,
            Kind::EventName => limits::EVENT_NAMES_MAX,
            Kind::Device | Kind::Browser | Kind::Os => limits::AGENT_NAMES_MAX,
            Kind::BrowserVersion | Kind::OsVersion => limits::AGENT_VERSIONS_MAX,
            Kind::Source | Kind::Channel => limits::SOURCES_MAX,
            Kind::Referrer => limits::REFERRERS_MAX,
            Kind::UtmSource
            | Kind::UtmMedium
            | Kind::UtmCampaign
            | Kind::UtmContent
            | Kind::UtmTerm => limits::UTM_VALUES_MAX,
            Kind::PropKey => limits::PROP_KEYS_MAX,
            Kind::PropValue => limits::PROP_VALUES_MAX,
            Kind::Currency => limits::CURRENCIES_MAX,
            Kind::Goal => limits::GOALS_MAX as u32,
            Kind::Funnel => limits::FUNNELS_MAX as u32,
            Kind::Step => limits::FUNNEL_STEPS_MAX as u32,
        }
    }
}

/// A string's number in one [`Dict`].
pub type TextId = u32;
/// A combination of visit attributes, by number.
pub type VisitAttrs = [TextId; VISIT_ATTRS_LEN];
/// A combination of client attributes, by number.
pub type ClientAttrs = [TextId; CLIENT_ATTRS_LEN];

/// What a [`Dict`] learned: to be stored, and replayed in order.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DictDelta {
    /// New strings; their numbers follow on.
    pub texts: Vec<(Kind, Rc<str>)>,
    /// New combinations of visit attributes.
    pub visit_attrs: Vec<VisitAttrs>,
    /// New combinations of client attributes.
    pub client_attrs: Vec<ClientAttrs>,
}

impl DictDelta {
    /// Nothing learned.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty() && self.visit_attrs.is_empty() && self.client_attrs.is_empty()
    }

    /// The same in parts of at most about so many bytes, to be replayed in their order: a stored
    /// row has its bound, and a flood of new strings must not outgrow it.
    pub fn chunks(self, bytes: usize) -> Vec<Self> {
        // A number takes at most five bytes, a combination as many numbers as it has attributes.
        let attrs_each = (bytes / (5 * VISIT_ATTRS_LEN)).max(1);
        let mut chunks = Vec::new();
        let (mut texts, mut size) = (Vec::new(), 0usize);
        for text in self.texts {
            size = size.saturating_add(text.1.len()).saturating_add(8);
            texts.push(text);
            if size >= bytes {
                let texts = std::mem::take(&mut texts);
                chunks.push(Self {
                    texts,
                    ..Self::default()
                });
                size = 0;
            }
        }
        if !texts.is_empty() {
            chunks.push(Self {
                texts,
                ..Self::default()
            });
        }
        chunks.extend(self.visit_attrs.chunks(attrs_each).map(|chunk| Self {
            visit_attrs: chunk.to_vec(),
            ..Self::default()
        }));
        chunks.extend(self.client_attrs.chunks(attrs_each).map(|chunk| Self {
            client_attrs: chunk.to_vec(),
            ..Self::default()
        }));
        chunks
    }

    /// Adds what was learned later.
    pub fn append(&mut self, later: DictDelta) {
        self.texts.extend(later.texts);
        self.visit_attrs.extend(later.visit_attrs);
        self.client_attrs.extend(later.client_attrs);
    }
}

/// See the module.
#[derive(Debug, Default)]
pub struct Dict {
    texts: Vec<(Kind, Rc<str>)>,
    ids: [FxHashMap<Rc<str>, TextId>; Kind::COUNT],
    visit_attrs: Vec<VisitAttrs>,
    visit_attrs_ids: FxHashMap<VisitAttrs, u32>,
    client_attrs: Vec<ClientAttrs>,
    client_attrs_ids: FxHashMap<ClientAttrs, u32>,
    /// Of all texts.
    bytes: usize,
    learned: DictDelta,
}

impl Dict {
    /// The number of `text`, or of [`OTHER`] when its kind is full.
    pub fn text(&mut self, kind: Kind, text: &str) -> TextId {
        let known = self.ids.get(kind as usize);
        if let Some(id) = known.and_then(|ids| ids.get(text)) {
            return *id;
        }
        let full = known.is_none_or(|ids| ids.len() >= kind.distinct_max() as usize);
        let heavy = self.bytes.saturating_add(text.len()) > limits::DICT_BYTES_MAX;
        if (full || heavy || !batch::is_text(text)) && text != OTHER {
            return self.text(kind, OTHER);
        }
        let key = (kind, Rc::<str>::from(text));
        self.learned.texts.push(key.clone());
        self.add_text(key)
    }

    /// The number of a combination of visit attributes, or of the one that is all [`OTHER`].
    pub fn visit_attrs(&mut self, attrs: VisitAttrs) -> u32 {
        if let Some(id) = self.visit_attrs_ids.get(&attrs) {
            return *id;
        }
        if self.visit_attrs.len() >= limits::VISIT_ATTRS_MAX as usize {
            let other = VISIT_ATTRS.map(|(_, kind)| self.text(kind, OTHER));
            if other != attrs {
                return self.visit_attrs_or_add(other);
            }
        }
        self.visit_attrs_or_add(attrs)
    }

    /// The number of a combination of client attributes, or of the one that is all [`OTHER`].
    pub fn client_attrs(&mut self, attrs: ClientAttrs) -> u32 {
        if let Some(id) = self.client_attrs_ids.get(&attrs) {
            return *id;
        }
        if self.client_attrs.len() >= limits::CLIENT_ATTRS_MAX as usize {
            let other = CLIENT_ATTRS.map(|(_, kind)| self.text(kind, OTHER));
            if other != attrs {
                return self.client_attrs_or_add(other);
            }
        }
        self.client_attrs_or_add(attrs)
    }

    /// The string of a number.
    pub fn text_of(&self, id: TextId) -> Option<&str> {
        self.texts.get(id as usize).map(|(_, text)| text.as_ref())
    }

    /// The combination of visit attributes of a number.
    pub fn visit_attrs_of(&self, id: u32) -> Option<&VisitAttrs> {
        self.visit_attrs.get(id as usize)
    }

    /// The combination of client attributes of a number.
    pub fn client_attrs_of(&self, id: u32) -> Option<&ClientAttrs> {
        self.client_attrs.get(id as usize)
    }

    /// What was learned since this was last asked.
    pub fn take_learned(&mut self) -> DictDelta {
        std::mem::take(&mut self.learned)
    }

    /// Learns again what an earlier life of the object learned, in the same order.
    pub fn replay(&mut self, delta: &DictDelta) {
        for key in &delta.texts {
            self.add_text(key.clone());
        }
        for attrs in &delta.visit_attrs {
            self.add_visit_attrs(*attrs);
        }
        for attrs in &delta.client_attrs {
            self.add_client_attrs(*attrs);
        }
    }

    fn add_text(&mut self, key: (Kind, Rc<str>)) -> TextId {
        let id = self.texts.len() as u32;
        self.bytes = self.bytes.saturating_add(key.1.len());
        if let Some(ids) = self.ids.get_mut(key.0 as usize) {
            ids.insert(key.1.clone(), id);
        }
        self.texts.push(key);
        id
    }

    fn visit_attrs_or_add(&mut self, attrs: VisitAttrs) -> u32 {
        if let Some(id) = self.visit_attrs_ids.get(&attrs) {
            return *id;
        }
        self.learned.visit_attrs.push(attrs);
        self.add_visit_attrs(attrs)
    }

    fn client_attrs_or_add(&mut self, attrs: ClientAttrs) -> u32 {
        if let Some(id) = self.client_attrs_ids.get(&attrs) {
            return *id;
        }
        self.learned.client_attrs.push(attrs);
        self.add_client_attrs(attrs)
    }

    fn add_visit_attrs(&mut self, attrs: VisitAttrs) -> u32 {
        let id = self.visit_attrs.len() as u32;
        self.visit_attrs.push(attrs);
        self.visit_attrs_ids.insert(attrs, id);
        id
    }

    fn add_client_attrs(&mut self, attrs: ClientAttrs) -> u32 {
        let id = self.client_attrs.len() as u32;
        self.client_attrs.push(attrs);
        self.client_attrs_ids.insert(attrs, id);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i9_distinct_pages_overflow_into_other() {
        let mut dict = Dict::default();
        for n in 0..limits::PAGES_MAX {
            dict.text(Kind::Page, &format!("/{n}"));
        }
        let beyond = dict.text(Kind::Page, "/one-too-many");
        assert_eq!(dict.text_of(beyond), Some(OTHER));
        assert_eq!(dict.text(Kind::Page, "/another"), beyond);
        let known = dict.text(Kind::Page, "/7");
        assert_eq!(
            dict.text_of(known),
            Some("/7"),
            "what was known before the bound stays itself"
        );
        let host = dict.text(Kind::Host, "example.com");
        assert_eq!(
            dict.text_of(host),
            Some("example.com"),
            "a full kind leaves the others alone"
        );
    }

    #[test]
    fn what_no_batch_may_hold_is_other() {
        let mut dict = Dict::default();
        for bad in ["a\nb", "\u{85}", &"x".repeat(2_049)] {
            let id = dict.text(Kind::PropValue, bad);
            assert_eq!(dict.text_of(id), Some(OTHER));
        }
    }

    #[test]
    fn i9_long_strings_overflow_into_other_too() {
        let mut dict = Dict::default();
        let long = "x".repeat(2_000);
        let mut kept = 0;
        for n in 0..10_000 {
            let id = dict.text(Kind::Page, &format!("/{n}/{long}"));
            kept += usize::from(dict.text_of(id) != Some(OTHER));
        }
        assert!(
            kept < limits::DICT_BYTES_MAX / 2_000 && kept > 6_000,
            "{kept}"
        );
        let host = dict.text(Kind::Host, &long);
        assert_eq!(dict.text_of(host), Some(OTHER));
    }

    #[test]
    fn a_replayed_dict_gives_the_same_numbers() {
        let mut first = Dict::default();
        let a = first.text(Kind::Page, "/a");
        let t = first.visit_attrs([a; VISIT_ATTRS_LEN]);
        let mut learned = first.take_learned();
        let b = first.text(Kind::Page, "/b");
        let c = first.client_attrs([b; CLIENT_ATTRS_LEN]);
        learned.append(first.take_learned());
        assert!(first.take_learned().is_empty());

        let mut second = Dict::default();
        second.replay(&learned);
        assert_eq!(second.text(Kind::Page, "/b"), b);
        assert_eq!(second.visit_attrs([a; VISIT_ATTRS_LEN]), t);
        assert_eq!(second.client_attrs([b; CLIENT_ATTRS_LEN]), c);
        assert!(second.take_learned().is_empty(), "nothing was new");
    }
}
