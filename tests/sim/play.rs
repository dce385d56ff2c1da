//! Plays a history, lets everything heal, and looks at what is counted.

use std::collections::BTreeMap;
use std::sync::Arc;

use shared::clock::{Clock, ManualClock, UnixMs};
use shared::limits::OUTBOX_WAITING_MAX;

use crate::edge::DayObject;
use crate::history::{History, Step, Way};
use crate::ledger::Ledger;
use crate::network::Network;
use crate::server::{Aggregator, Empty};
use crate::tally::Tally;
use crate::{DAY_MS, DAYS, SITE, START_MS};

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

/// All there is.
pub struct World {
    pub clock: Arc<ManualClock>,
    pub network: Network,
    /// By day and shard.
    pub objects: BTreeMap<(usize, u16), DayObject>,
    /// Of each day.
    pub shards: [u16; 2],
    pub ledger: Ledger,
    /// Calls that are on their way for long.
    pub late: Vec<usize>,
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

    pub fn now_ms(&self) -> UnixMs {
        self.clock.now_ms()
    }

    /// Which of the days it is.
    pub fn day(&self) -> usize {
        let days = (self.now_ms() - START_MS) / DAY_MS;
        days.clamp(0, 1) as usize
    }

    /// Lets time go by, but not beyond the last day.
    fn pass(&self, ms: i64) {
        let left_ms = START_MS + 2 * DAY_MS - 1 - self.now_ms();
        self.clock.advance_ms(ms.clamp(0, left_ms.max(0)));
    }

    pub async fn arrive(&mut self) {
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
    pub async fn wake(&mut self) {
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
}
