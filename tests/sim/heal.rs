//! What must be true when nothing is wrong any more.

use shared::limits::{ACKED_KEPT_MS, ASK_AGAIN_MS, CLOSE_AFTER_MS};

use crate::edge::DayObject;
use crate::history::Keys;
use crate::ledger::must;
use crate::play::World;
use crate::{DAY_MS, DAYS, SITE, START_MS};

/// Minutes within which whatever waits is delivered.
const MINUTES_MAX: usize = 30;

impl World {
    /// Nothing is wrong any more: within the hour after the last day everything is delivered, and
    /// 48 h later nothing is left at the edge.
    pub async fn heal(&mut self, restored: bool) -> Result<(), String> {
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
            let why = object.reason();
            must!(
                left.is_empty(),
                "day {day}, shard {shard}: {left:?} wait: {why}"
            );
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
