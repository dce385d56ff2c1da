//! What the two processes hold in memory, second by second.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::watch::Watch;
use crate::system::System;

const NAMES: [&str; 2] = ["edge", "aggregator"];
const KB_IN_MB: f64 = 1024.0;

/// Resident memory of both, kB, and when: the second.
type Sample = (u64, [u64; 2]);

/// See the module.
pub struct Memory {
    processes: Arc<[AtomicU32; 2]>,
    samples: Arc<Mutex<Vec<Sample>>>,
    sampler: JoinHandle<()>,
}

impl Memory {
    pub fn start(system: &System, watch: Arc<Watch>) -> Self {
        let processes = Arc::<[AtomicU32; 2]>::default();
        let samples = Arc::<Mutex<Vec<Sample>>>::default();
        let (of, to) = (processes.clone(), samples.clone());
        let sampler = tokio::spawn(async move {
            let mut tick = tokio::time::interval(Duration::from_secs(1));
            loop {
                tick.tick().await;
                let kb = of
                    .each_ref()
                    .map(|id| resident_kb(id.load(Ordering::Relaxed)));
                // In a restart there is one that is none.
                if let [Some(edge), Some(aggregator)] = kb {
                    to.lock()
                        .unwrap()
                        .push((watch.seconds(), [edge, aggregator]));
                }
            }
        });
        let memory = Self {
            processes,
            samples,
            sampler,
        };
        memory.watch(system);
        memory
    }

    /// Looks at these processes from now on.
    pub fn watch(&self, system: &System) {
        let edge = system.edge.as_ref().unwrap().started("workerd");
        self.processes[0].store(edge, Ordering::Relaxed);
        let aggregator = system.aggregator.as_ref().unwrap().id();
        self.processes[1].store(aggregator, Ordering::Relaxed);
    }

    /// Of each process: the mean of every quarter of the time and the most of all, MB; growth is the
    /// fourth quarter's mean over the second's.
    pub fn report(&self, whole: Duration) -> Value {
        self.sampler.abort();
        let samples = self.samples.lock().unwrap();
        let quarter_s = whole.as_secs_f64() / 4.0;
        let of = |side: usize| {
            let mean = |quarter: u32| {
                let of_it = samples
                    .iter()
                    .filter(|(second, _)| (*second as f64 / quarter_s) as u32 == quarter);
                let all: Vec<f64> = of_it.map(|(_, kb)| kb[side] as f64 / KB_IN_MB).collect();
                all.iter().sum::<f64>() / all.len() as f64
            };
            let quarters = [0, 1, 2, 3].map(mean);
            let most = samples.iter().map(|(_, kb)| kb[side]).max().unwrap_or(0);
            json!({
                "quarters_mb": quarters.map(round), "most_mb": round(most as f64 / KB_IN_MB),
                "growth": (quarters[3] / quarters[1] * 1_000.0).round() / 1_000.0,
            })
        };
        Value::Object(
            [0, 1]
                .map(|side| (NAMES[side].to_owned(), of(side)))
                .into_iter()
                .collect(),
        )
    }
}

fn round(mb: f64) -> f64 {
    (mb * 10.0).round() / 10.0
}

/// `None` when it is gone.
fn resident_kb(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse().ok()
}
