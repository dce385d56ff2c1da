//! Random streams of events, and what befalls the day objects in between.
//!
//! Time is made of gaps so that what matters happens often: events a second around the half hour
//! that ends a visit, hours, midnights and days whose clocks change.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use shared::settings::Signal;

use crate::tables::{HOSTS, NAMES, PAGES, PROPS, REVENUES, SENDERS, Shielded, TO, TRAFFIC, ZONES};

/// A whole case.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// Zone of each site, by its place in [`ZONES`].
    pub zones: [usize; 2],
    /// Which of the zone's dates it plays around.
    pub date: usize,
    /// When it begins, seconds after that date begins in the first site's zone.
    pub start_s: i64,
    /// Day objects of each site and day.
    pub shards: [u16; 2],
    pub gpc: Signal,
    pub dnt: Signal,
    pub shielded: Shielded,
    pub groups: Vec<Group>,
    /// An object is read anew between the steps of its closing.
    pub crash_at_close: bool,
}

/// Events gathered into one call to each day object they are for.
#[derive(Debug, Clone)]
pub struct Group {
    /// Time since the group before.
    pub gap_s: u32,
    /// And then on to a second before the next quarter of an hour, where hours and days change.
    pub to_quarter: bool,
    pub events: Vec<Sent>,
    pub fate: Fate,
    /// What happens afterwards, and to which of the objects (bits by their place).
    pub care: Vec<(Care, u8)>,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Fine,
    /// It comes twice.
    Repeated,
    /// Storage fails; the object is opened again, the call repeated.
    WriteFails,
    /// It is committed, the object dies, the answer is lost, the call is repeated.
    AnswerLost,
}

/// What happens to a day object beside calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    Seal,
    SealFails,
    /// With the key at hand or not.
    Sweep(bool),
    SweepFails,
    Crash,
    /// The last call comes once more.
    RepeatLast,
    /// So many batches are sent and answered.
    Deliver(u8),
    /// A batch is taken, and the answer is lost.
    AnswerLost,
    /// The aggregator is restored from a backup that lacks so many batches.
    Restore(u8),
    /// A sender asks to be forgotten.
    Forget(usize),
    /// Days that are over are closed.
    Close,
}

/// One event, by places in the tables.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Time since the event before.
    pub after_ms: u32,
    /// How long ago it came to its Worker: others have overtaken it.
    pub late_ms: u32,
    pub sender: usize,
    pub to: usize,
    pub host: usize,
    pub page: usize,
    pub traffic: usize,
    pub what: What,
    pub gpc: bool,
    pub dnt: bool,
}

#[derive(Debug, Clone)]
pub enum What {
    View {
        props: usize,
        revenue: usize,
    },
    Engagement {
        scroll: Option<u32>,
        engaged_ms: Option<u32>,
    },
    Custom {
        name: usize,
        interactive: bool,
        props: usize,
        revenue: usize,
    },
}

impl Sent {
    /// The url as a browser sends it.
    fn url(&self) -> String {
        let (host, page) = (HOSTS[self.host].0, &PAGES[self.page]);
        let (path, hash) = match page.raw.find('#') {
            Some(at) => page.raw.split_at(at),
            None => (page.raw, ""),
        };
        let query = TRAFFIC[self.traffic].0;
        let joint = match (query, path.contains('?')) {
            ("", _) => "",
            (_, true) => "&",
            (_, false) => "?",
        };
        // Without a host there must be a path.
        let path = if path.is_empty() && host == "app://" {
            "/"
        } else {
            path
        };
        format!("{host}{path}{joint}{query}{hash}")
    }

    /// The body of the request.
    pub fn body(&self) -> Vec<u8> {
        let raw = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let mut body = json!({ "v": 3 });
        let mut set = |key: &str, value: Value| body[key] = value;
        // Long and short names take turns.
        let long = self.sender.is_multiple_of(2);
        let key = |full: &'static str, short: &'static str| if long { full } else { short };
        set(key("url", "u"), json!(self.url()));
        if let Some(domains) = TO[self.to].0 {
            set(key("domain", "d"), json!(domains));
        }
        let referrer = TRAFFIC[self.traffic]
            .1
            .replace("{host}", HOSTS[self.host].0);
        if !referrer.is_empty() {
            set(key("referrer", "r"), json!(referrer));
        }
        if PAGES[self.page].hash_mode {
            set(key("hashMode", "h"), json!(1));
        }
        match &self.what {
            What::View { .. } => set(key("name", "n"), json!("pageview")),
            What::Engagement { scroll, engaged_ms } => {
                set(key("name", "n"), json!("engagement"));
                scroll.iter().for_each(|sd| set("sd", json!(sd)));
                engaged_ms.iter().for_each(|ms| set("e", json!(ms)));
                // These mean nothing with it.
                set("p", json!({"plan": "x"}));
                set("$", json!({"currency": "EUR", "amount": 3}));
            }
            What::Custom {
                name, interactive, ..
            } => {
                set(key("name", "n"), json!(NAMES[*name].0));
                if !interactive {
                    set(key("interactive", "i"), json!(false));
                }
            }
        }
        if let What::View { props, revenue } | What::Custom { props, revenue, .. } = &self.what {
            if !PROPS[*props].0.is_empty() {
                set(key("props", "p"), raw(PROPS[*props].0));
            }
            if !REVENUES[*revenue].0.is_empty() {
                set(key("revenue", "$"), raw(REVENUES[*revenue].0));
            }
        }
        body.to_string().into_bytes()
    }
}

/// The latest an event comes; days are closed a minute after they end.
pub const LATE_MS: u32 = 3_000;

/// A place in a table; the first ones more often.
fn place(len: usize) -> impl Strategy<Value = usize> + Clone {
    prop_oneof![3 => 0..len.min(4), 2 => 0..len]
}

/// Mostly the first.
fn seldom(len: usize) -> impl Strategy<Value = usize> + Clone {
    prop_oneof![3 => Just(0), 1 => 0..len]
}

fn what() -> impl Strategy<Value = What> {
    let scroll = prop::option::of(prop_oneof![Just(49u32), Just(50), Just(100), 0..120u32]);
    let engagement = (scroll, prop::option::of(0..90_000u32)).prop_map(|(scroll, engaged_ms)| {
        What::Engagement {
            scroll,
            engaged_ms: engaged_ms.or(scroll.is_none().then_some(1_000)),
        }
    });
    let custom = (
        place(NAMES.len()),
        prop::bool::weighted(0.6),
        0..PROPS.len(),
        0..REVENUES.len(),
    );
    prop_oneof![
        5 => (seldom(PROPS.len()), seldom(REVENUES.len()))
            .prop_map(|(props, revenue)| What::View { props, revenue }),
        2 => engagement,
        3 => custom.prop_map(|(name, interactive, props, revenue)| What::Custom {
            name, interactive, props, revenue
        }),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let after = prop_oneof![2 => Just(0u32), 2 => 0..3_000u32];
    let late = prop_oneof![4 => Just(0u32), 1 => 0..LATE_MS];
    let signals = (prop::bool::weighted(0.08), prop::bool::weighted(0.08));
    let (to, host) = (seldom(TO.len()), place(HOSTS.len()));
    let traffic = prop_oneof![4 => 0..TRAFFIC.len() - 1, 1 => 0..TRAFFIC.len()];
    let what = what();
    (
        (
            after,
            late,
            place(SENDERS.len()),
            to,
            host,
            place(PAGES.len()),
        ),
        (traffic, what, signals),
    )
        .prop_map(
            |((after_ms, late_ms, sender, to, host, page), (traffic, what, (gpc, dnt)))| Sent {
                after_ms,
                late_ms,
                sender,
                to,
                host,
                page,
                traffic,
                what,
                gpc,
                dnt,
            },
        )
}

fn care() -> impl Strategy<Value = (Care, u8)> {
    let care = prop_oneof![
        3 => Just(Care::Seal),
        1 => Just(Care::SealFails),
        3 => any::<bool>().prop_map(Care::Sweep),
        1 => Just(Care::SweepFails),
        3 => Just(Care::Crash),
        2 => Just(Care::RepeatLast),
        3 => (0..4u8).prop_map(Care::Deliver),
        1 => Just(Care::AnswerLost),
        1 => (0..3u8).prop_map(Care::Restore),
        1 => place(SENDERS.len()).prop_map(Care::Forget),
        2 => Just(Care::Close),
    ];
    (care, prop_oneof![Just(u8::MAX), any::<u8>()])
}

fn group() -> impl Strategy<Value = Group> {
    let gap = prop_oneof![
        5 => 0..10u32,
        4 => 10..1_790u32,
        // The half hour is the last moment of a visit.
        4 => 1_797..1_804u32,
        2 => 3_590..3_610u32,
        2 => 1_804..20_000u32,
        1 => 20_000..50_000u32,
    ];
    let fate = prop_oneof![
        6 => Just(Fate::Fine),
        1 => Just(Fate::Repeated),
        1 => Just(Fate::WriteFails),
        1 => Just(Fate::AnswerLost),
    ];
    let quarter = prop::bool::weighted(0.15);
    (gap, quarter, vec(sent(), 1..5), fate, vec(care(), 0..3)).prop_map(
        |(gap_s, to_quarter, events, fate, care)| Group {
            gap_s,
            to_quarter,
            events,
            fate,
            care,
        },
    )
}

/// Cases of 1 to 80 events.
pub fn scenario() -> impl Strategy<Value = Scenario> {
    let signal = prop::sample::select(vec![Signal::PageView, Signal::Drop, Signal::Count]);
    let zone = 0..ZONES.len();
    let shielded = any::<[bool; 4]>().prop_map(|[hosts, pages, countries, networks]| Shielded {
        hosts,
        pages,
        countries,
        networks,
    });
    let start = prop_oneof![
        Just(-1_800i64),
        -7_200..0i64,
        0..10_000i64,
        // The last hours, where a day may have more of them.
        75_000..91_000i64,
        -86_400..86_400i64
    ];
    (
        ([zone.clone(), zone], 0..3usize, start, [1..4u16, 1..3u16]),
        (signal.clone(), signal, shielded),
        (vec(group(), 1..20), any::<bool>()),
    )
        .prop_map(
            |((zones, date, start_s, shards), (gpc, dnt, shielded), (groups, crash_at_close))| {
                Scenario {
                    zones,
                    date,
                    start_s,
                    shards,
                    gpc,
                    dnt,
                    shielded,
                    groups,
                    crash_at_close,
                }
            },
        )
}
