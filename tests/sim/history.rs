//! What happens in a history, and how it is drawn.

use proptest::prelude::*;

/// Day objects a site may have in a day.
pub const SHARDS_MAX: u16 = 3;

/// Everything that happens, in order.
#[derive(Clone)]
pub struct History {
    /// Shards of the first day.
    pub shards: u16,
    /// What happens.
    pub steps: Vec<Step>,
    /// When all is delivered, the aggregator is given its last backup.
    pub restored_at_last: bool,
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "{} shards", self.shards)?;
        for step in &self.steps {
            writeln!(f, "  {step:?}")?;
        }
        match self.restored_at_last {
            true => writeln!(f, "  restored at last"),
            false => Ok(()),
        }
    }
}

/// One thing that happens.
#[derive(Debug, Clone)]
pub enum Step {
    /// Visitors see a page each; 0 is nobody, as under a privacy signal. One call for each day
    /// object, tried as often as there are ways; with `dropped` it tells of a dropped event, too.
    Views {
        who: Vec<u8>,
        dropped: bool,
        tries: Vec<Way>,
    },
    /// The last call is made once more, as it was.
    Repeat,
    /// Calls and requests that were on their way for long arrive.
    Arrive,
    /// Time goes by, seconds.
    Pass(i64),
    /// Time goes by until so many seconds after midnight, if that is to come.
    Midnight(i64),
    /// What becomes of the next requests to the aggregator.
    Requests(Vec<Fate>),
    /// The aggregator is there, or not.
    Up(bool),
    /// A day object's process dies at a call of its storage, after so many that go well.
    Crash {
        object: u8,
        calls: u8,
        written: bool,
    },
    /// All day objects' memory is lost.
    RestartEdge,
    /// The aggregator ends and begins anew, with these keys.
    RestartAggregator(Keys),
    /// The edge is deployed with another key.
    SignWithNew(bool),
    /// The edge's clock goes wrong by so many seconds.
    Skew(i64),
    /// The database is backed up.
    Backup,
    /// The aggregator loses its database and is given the last backup.
    Restore,
    /// How many day objects tomorrow is to have.
    Shards(u16),
    /// From now on every third page is none that the aggregator can read; with `None` it reads all.
    CannotRead(Option<u8>),
    /// The aggregator tidies the day up.
    Tidy,
    /// The aggregator is away while a page view comes every few seconds, until more would wait than
    /// may.
    Outage,
}

/// How a call from a Worker to a day object goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// There and back.
    Fine,
    /// It never arrives.
    Lost,
    /// It arrives, but its answer does not.
    AnswerLost,
    /// It arrives some other time, when nobody waits for the answer any more.
    Late,
    /// It arrives while the day object waits for an answer of the aggregator.
    Meanwhile,
}

/// What becomes of a request from the edge to the aggregator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is answered.
    Fine,
    /// It never arrives.
    Lost,
    /// It arrives, but its answer does not.
    AnswerLost,
    /// It arrives twice, at once.
    Twice,
    /// It arrives some other time.
    Late,
    /// An aggregator of another version answers, and can read nothing.
    Refused,
    /// A proxy answers.
    Proxy(u16),
    /// The aggregator is killed when it has worked at it so many times.
    Killed(u8),
}

/// What keys the aggregator takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    Old,
    Both,
    New,
}

/// A history.
pub fn histories() -> impl Strategy<Value = History> {
    let outage = prop::option::weighted(0.05, any::<prop::sample::Index>());
    let steps = prop::collection::vec(step(), 8..48);
    let drawn = (1..=SHARDS_MAX, steps, outage, prop::bool::weighted(0.25));
    drawn.prop_map(|(shards, mut steps, outage, restored_at_last)| {
        if let Some(at) = outage {
            steps.insert(at.index(steps.len()), Step::Outage);
        }
        History {
            shards,
            steps,
            restored_at_last,
        }
    })
}

fn step() -> impl Strategy<Value = Step> {
    let keys = prop_oneof![2 => Just(Keys::Both), 1 => Just(Keys::Old), 1 => Just(Keys::New)];
    prop_oneof![
        16 => views(),
        2 => Just(Step::Repeat),
        2 => Just(Step::Arrive),
        8 => (1..90i64).prop_map(Step::Pass),
        4 => (90..7_200i64).prop_map(Step::Pass),
        1 => (7_200..50_000i64).prop_map(Step::Pass),
        2 => (-20..900i64).prop_map(Step::Midnight),
        7 => prop::collection::vec(fate(), 1..5).prop_map(Step::Requests),
        2 => any::<bool>().prop_map(Step::Up),
        6 => (any::<u8>(), 0..12u8, any::<bool>()).prop_map(|(object, calls, written)| {
            Step::Crash { object, calls, written }
        }),
        2 => Just(Step::RestartEdge),
        2 => keys.prop_map(Step::RestartAggregator),
        2 => any::<bool>().prop_map(Step::SignWithNew),
        1 => (-400..400i64).prop_map(Step::Skew),
        2 => Just(Step::Backup),
        2 => Just(Step::Restore),
        1 => (1..=SHARDS_MAX).prop_map(Step::Shards),
        2 => prop::option::of(0..3u8).prop_map(Step::CannotRead),
        1 => Just(Step::Tidy),
    ]
}

fn views() -> impl Strategy<Value = Step> {
    let way = prop_oneof![
        8 => Just(Way::Fine),
        1 => Just(Way::Lost),
        1 => Just(Way::AnswerLost),
        1 => Just(Way::Late),
        2 => Just(Way::Meanwhile),
    ];
    let who = prop::collection::vec(0..6u8, 1..5);
    let tries = prop::collection::vec(way, 1..4);
    (who, any::<bool>(), tries).prop_map(|(who, dropped, tries)| Step::Views {
        who,
        dropped,
        tries,
    })
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        2 => Just(Fate::Fine),
        2 => Just(Fate::Lost),
        3 => Just(Fate::AnswerLost),
        2 => Just(Fate::Twice),
        2 => Just(Fate::Late),
        2 => Just(Fate::Refused),
        1 => prop::sample::select(vec![408, 409, 413, 422, 429, 500, 502, 503]).prop_map(Fate::Proxy),
        3 => (0..13u8).prop_map(Fate::Killed),
    ]
}
