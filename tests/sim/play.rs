//! Plays a history, lets everything heal, and looks at what is counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::address::ClientAddress;
use shared::call::{CallBuilder, Entry, Hit, HitKind};
use shared::clock::{Clock, ManualClock, UnixMs};
use shared::drops::Drop;
use shared::limits::{ACKED_KEPT_MS, ASK_AGAIN_MS, CLOSE_AFTER_MS, OUTBOX_WAITING_MAX};
use shared::object::{Gathered, Name};
use shared::visitor::{DayKey, Salt, VisitorHasher};

use crate::disk::Crashed;
use crate::edge::{DayObject, header};
use crate::history::{History, Keys, Step, Way};
use crate::ledger::{Counted, Ledger, Sent, must};
use crate::network::Network;
use crate::server::{Aggregator, Empty};
use crate::tally::Tally;
use crate::{DAY_MS, DAYS, SITE, START_MS, page};

/// Minutes within which whatever waits is delivered, once nothing is wrong any more.
const MINUTES_MAX: usize = 30;

/// After this long a page view is in a batch, ms.
const SEALED_AFTER_MS: i64 = 6_000;

/// Plays it; gives what was met.
///
/// # Errors
/// What does not hold.
pub async fn play(empty: &Empty, history: &History) -> Result<Tally, String> {
    let clock = Arc::new(ManualClock::at(START_MS));
    let aggregator = Aggregator::start(empty, clock.clone()).await;
    let mut world = World {
        clock,
        network: Network::new(aggregator),
        objects: BTreeMap::new(),
        shards: [history.shards; 2],
        ledger: Ledger::default(),
        late: Vec::new(),
    };
    for step in &history.steps {
        world.step(step).await;
        world.wake().await;
    }
    world.heal(history.restored_at_last).await?;
    Ok(world.network.tally)
}

struct World {
    clock: Arc<ManualClock>,
    network: Network,
    /// By day and shard.
    objects: BTreeMap<(usize, u16), DayObject>,
    /// Of each day.
    shards: [u16; 2],
    ledger: Ledger,
    /// Calls that are on their way for long.
    late: Vec<usize>,
}

impl World {
    async fn step(&mut self, step: &Step) {
        match step {
            Step::Views {
                who,
                dropped,
                tries,
            } => self.views(who, *dropped, tries),
            Step::Repeat => {
                if let Some(last) = self.ledger.calls.len().checked_sub(1) {
                    self.call(last);
                }
            }
            Step::Arrive => self.arrive().await,
            Step::Pass(s) => self.pass(s * 1_000),
            Step::Midnight(s) => {
                let midnight_ms = START_MS + DAY_MS * (1 + self.day() as i64);
                self.pass(midnight_ms + s * 1_000 - self.now_ms());
            }
            Step::Requests(fates) => self.network.fates = fates.iter().copied().collect(),
            Step::Up(up) => self.network.is_down = !up,
            Step::Crash {
                object,
                calls,
                written,
            } => {
                let count = self.objects.len().max(1);
                let object = self.objects.values().nth(usize::from(*object) % count);
                if let Some(object) = object {
                    object.disk().crash_after(*calls, *written);
                }
            }
            Step::RestartEdge => self.objects.values_mut().for_each(DayObject::restart),
            Step::RestartAggregator(keys) => self.network.aggregator.restart(*keys).await,
            Step::SignWithNew(new) => self.network.signs_with_new = *new,
            Step::Skew(s) => self.network.skew_ms = s * 1_000,
            Step::Backup => self.network.aggregator.back_up().await,
            Step::Restore => self.network.restore().await,
            Step::Shards(shards) => {
                // A day that has begun keeps its number.
                let begun = self.day() + 1;
                for tomorrow in self.shards.iter_mut().skip(begun) {
                    *tomorrow = *shards;
                }
            }
            Step::CannotRead(rest) => self.network.cannot_read = *rest,
            Step::Tidy => self.tidy().await,
            Step::Outage => self.outage().await,
        }
    }

    fn now_ms(&self) -> UnixMs {
        self.clock.now_ms()
    }

    /// Which of the days it is.
    fn day(&self) -> usize {
        let days = (self.now_ms() - START_MS) / DAY_MS;
        days.clamp(0, 1) as usize
    }

    /// Lets time go by, but not beyond the last day.
    fn pass(&self, ms: i64) {
        let left_ms = START_MS + 2 * DAY_MS - 1 - self.now_ms();
        self.clock.advance_ms(ms.clamp(0, left_ms.max(0)));
    }

    fn views(&mut self, who: &[u8], dropped: bool, tries: &[Way]) {
        let day = self.day();
        let date = DAYS[day];
        let salt = salt(day);
        let hasher = VisitorHasher::new(&salt, SITE, date);
        let hash = |who: u8| {
            let address = ClientAddress::parse("203.0.113.9").unwrap();
            (who > 0).then(|| hasher.hash(address, &who.to_string()))
        };
        let mut by_shard: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
        for who in who {
            let shard = hash(*who).map_or(0, |hash| hash.shard(self.shards[day]));
            by_shard.entry(shard).or_default().push(*who);
        }
        for (shard, who) in by_shard {
            let id = self.ledger.calls.len() as u32;
            let start_ms = START_MS + DAY_MS * day as i64;
            let key = DayKey::new(&salt, SITE, date);
            let header = header(id, start_ms, start_ms + DAY_MS, &key);
            let mut call = CallBuilder::new(&header).unwrap();
            let first = self.ledger.pages(who.len());
            for (number, who) in (first..).zip(&who) {
                let hit = Hit {
                    visitor: hash(*who),
                    at_s: ((self.now_ms() - start_ms) / 1_000) as u32,
                    kind: HitKind::PageView,
                    page: &page(number),
                    host: "a.example",
                    client: ["DE", "", "", "", "", ""],
                    traffic: ["", "", "Direct", "", "", "", "", ""],
                    props: Vec::new(),
                    revenue: None,
                    goals: Vec::new(),
                    steps: Vec::new(),
                };
                call.push(&Entry::Hit(Box::new(hit))).unwrap();
            }
            if dropped {
                call.push(&Entry::Dropped(Drop::Bot)).unwrap();
            }
            self.ledger.calls.push(Sent {
                name: Name {
                    site: SITE,
                    date,
                    shard,
                },
                bytes: call.into_bytes(),
                first,
                who,
                dropped,
                counted: Counted::No,
            });
            self.try_to_call(id as usize, tries);
        }
    }

    /// Calls a day object as a Worker does: again, with the same id, while no answer comes.
    fn try_to_call(&mut self, call: usize, tries: &[Way]) {
        for way in tries {
            match way {
                Way::Fine if self.call(call) => return,
                Way::Fine | Way::Lost => {}
                Way::AnswerLost => {
                    self.call(call);
                }
                Way::Late => self.late.push(call),
                Way::Meanwhile => {
                    let bytes = self.ledger.calls[call].bytes.clone();
                    self.object_of(call).come_meanwhile(call, bytes);
                }
            }
        }
    }

    /// A call arrives; true when it is answered.
    fn call(&mut self, call: usize) -> bool {
        let now_ms = self.now_ms();
        let bytes = self.ledger.calls[call].bytes.clone();
        let taken = self.object_of(call).take(&bytes, now_ms);
        self.taken(call, taken)
    }

    /// The day object that a call is for.
    fn object_of(&mut self, call: usize) -> &mut DayObject {
        let name = self.ledger.calls[call].name;
        let day = DAYS.iter().position(|date| *date == name.date).unwrap();
        self.objects.entry((day, name.shard)).or_insert_with(|| {
            let key = DayKey::new(&salt(day), SITE, name.date);
            DayObject::new(name, key)
        })
    }

    /// Notes what became of a call; true when it is answered.
    fn taken(&mut self, call: usize, taken: Result<Gathered, Crashed>) -> bool {
        let sent = &mut self.ledger.calls[call];
        let tally = &mut self.network.tally;
        match taken {
            Ok(Gathered::Committed(answers)) => {
                assert!(
                    answers.iter().all(|answer| *answer == 0),
                    "nothing is dropped"
                );
                tally.add(match sent.counted {
                    Counted::No => "call counted",
                    Counted::Perhaps => "call repeated after a crash",
                    Counted::Yes => "call repeated",
                });
                sent.counted = Counted::Yes;
                true
            }
            Ok(Gathered::Closed) => {
                tally.add("call after the day");
                true
            }
            Err(Crashed) => {
                tally.add("call died");
                if sent.counted == Counted::No {
                    sent.counted = Counted::Perhaps;
                }
                false
            }
        }
    }

    async fn arrive(&mut self) {
        self.network.arrive_late().await;
        while let Some(call) = self.late.pop() {
            self.call(call);
        }
    }

    /// What `aggregator::chores` does with days: those that are over become one segment; here today
    /// does, too.
    async fn tidy(&self) {
        let store = self.network.aggregator.store();
        for date in DAYS {
            let hours = aggregator::segment::Hours::Kept;
            store.merge_day(SITE, date, hours).await.unwrap();
        }
    }

    /// A long outage: so many batches wait that no more are sealed.
    async fn outage(&mut self) {
        let was_down = std::mem::replace(&mut self.network.is_down, true);
        for _ in 0..OUTBOX_WAITING_MAX + 4 {
            self.views(&[1], false, &[Way::Fine]);
            self.pass(SEALED_AFTER_MS);
            self.wake().await;
        }
        let waiting = self
            .objects
            .values()
            .map(|object| object.disk().undelivered());
        let longest = waiting.map(|waiting| waiting.len()).max().unwrap_or(0) as u64;
        if longest >= OUTBOX_WAITING_MAX {
            self.network.tally.add("outbox full");
        }
        self.network.is_down = was_down;
    }

    /// Lets whoever is due do what an alarm does.
    async fn wake(&mut self) {
        let now_ms = self.now_ms();
        for object in self.objects.values_mut() {
            if object.alarm_ms().is_some_and(|at_ms| at_ms <= now_ms) {
                object.alarm(&mut self.network, now_ms).await;
            }
        }
        let objects = self.objects.values_mut();
        let came: Vec<_> = objects.flat_map(DayObject::came).collect();
        for (call, taken) in came {
            self.network.tally.add("call meanwhile");
            self.taken(call, taken);
        }
    }

    /// Nothing is wrong any more: within the hour after the last day everything is delivered, and
    /// 48 h later nothing is left at the edge.
    async fn heal(&mut self, restored: bool) -> Result<(), String> {
        self.network.fates.clear();
        self.network.is_down = false;
        self.network.cannot_read = None;
        self.network.skew_ms = 0;
        if self.network.aggregator.keys() != Keys::Both {
            self.network.aggregator.restart(Keys::Both).await;
        }
        for object in self.objects.values() {
            object.disk().heal();
        }
        self.arrive().await;
        self.minutes(2).await;
        let over_ms = START_MS + 2 * DAY_MS + CLOSE_AFTER_MS;
        self.clock.advance_ms(over_ms - self.now_ms());
        self.minutes(2).await;
        self.an_hour_later().await?;
        if restored {
            self.network.restore().await;
            self.an_hour_later().await?;
        }
        self.clock.advance_ms(ACKED_KEPT_MS);
        self.wake().await;
        for ((day, shard), object) in &self.objects {
            let is_gone = object.alarm_ms().is_none() && object.disk().is_empty();
            must!(is_gone, "day {day}, shard {shard}: it does not end");
        }
        Ok(())
    }

    /// Whether every visit of a day has its end.
    fn ended(&self) -> [bool; 2] {
        [0, 1].map(|day| {
            let mut objects = self.objects.iter().filter(|((of, _), _)| *of == day);
            objects.all(|(_, object)| !object.is_blind())
        })
    }

    /// Whatever the aggregator lacks, it is asked for within the hour: everything is delivered.
    async fn an_hour_later(&mut self) -> Result<(), String> {
        self.clock.advance_ms(ASK_AGAIN_MS);
        self.minutes(MINUTES_MAX).await;
        for ((day, shard), object) in &self.objects {
            let left = object.disk().undelivered();
            must!(left.is_empty(), "day {day}, shard {shard}: {left:?} wait");
            let is_forgotten = !object.disk().knows_visitors();
            must!(
                is_forgotten,
                "day {day}, shard {shard}: visitors are stored"
            );
        }
        let store = self.network.aggregator.store();
        self.ledger.check(store, self.ended()).await?;
        let told = self.network.aggregator.hits_total().await;
        let counted = self.ledger.counted(store).await;
        must!(told == counted, "{told} hits are told, {counted} counted");
        for date in DAYS {
            let open = store.open_sources(SITE, date).await.unwrap();
            must!(open == 0, "{date}: {open} sources are not closed");
        }
        Ok(())
    }

    /// So many minutes go by, or as many as it takes until nobody has anything to do in the next.
    async fn minutes(&mut self, most: usize) {
        for _ in 0..most {
            self.wake().await;
            let soon_ms = self.now_ms() + 60_000;
            let mut alarms = self.objects.values().filter_map(DayObject::alarm_ms);
            if !alarms.any(|at_ms| at_ms <= soon_ms) {
                return;
            }
            self.clock.advance_ms(60_000);
        }
    }
}

fn salt(day: usize) -> Salt {
    Salt::from_random([day as u8 + 1; 32])
}
