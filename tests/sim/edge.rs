//! A day object at the edge: what `edge/src/day_object.rs` does with `shared::object`, over a
//! storage whose process may die at any call.

use serde_json::Value;
use shared::call::{Call, Header};
use shared::clock::UnixMs;
use shared::limits::SALT_GRACE_MS;
use shared::object::{Gathered, Name, Next, Object, OpenError, PAUSE_MS_MAX, Said, pause_ms};
use shared::visitor::DayKey;

use crate::disk::{Crashed, Disk};
use crate::network::Network;
use crate::server::Reply;

/// How long counts wait before they are sealed, ms.
const FLUSH_MS: i64 = 5_000;
/// Requests after which one alarm should have come to an end.
const REQUESTS_MAX: usize = 1_000;

/// See the module.
pub struct DayObject {
    name: Name,
    key: DayKey,
    disk: Disk,
    /// In memory.
    object: Option<Object>,
    /// Lives so far, each of which begins with an incarnation of its own.
    lives: u8,
    /// When the platform wakes it.
    alarm_ms: Option<UnixMs>,
    send_from_ms: UnixMs,
    failures: u32,
    /// Its visits were left without an end, for nobody had the key.
    is_blind: bool,
    /// Calls that come while the next request to the aggregator is under way: number, bytes.
    meanwhile: Vec<(usize, Vec<u8>)>,
    /// What became of those that came.
    came: Vec<(usize, Result<Gathered, Crashed>)>,
}

impl DayObject {
    /// One that was never called.
    pub fn new(name: Name, key: DayKey) -> Self {
        Self {
            name,
            key,
            disk: Disk::default(),
            object: None,
            lives: 0,
            alarm_ms: None,
            send_from_ms: 0,
            failures: 0,
            is_blind: false,
            meanwhile: Vec::new(),
            came: Vec::new(),
        }
    }

    /// A call that comes while the next request to the aggregator is under way.
    pub fn come_meanwhile(&mut self, call: usize, bytes: Vec<u8>) {
        self.meanwhile.push((call, bytes));
    }

    /// What became of the calls that came so, each once.
    pub fn came(&mut self) -> Vec<(usize, Result<Gathered, Crashed>)> {
        std::mem::take(&mut self.came)
    }

    /// Whether its visits were left without an end: the salt was gone before it could close.
    pub fn is_blind(&self) -> bool {
        self.is_blind
    }

    /// Its storage.
    pub fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Why what waits is refused, as it tells.
    pub fn reason(&self) -> String {
        let object = self.object.as_ref();
        object.map_or_else(String::new, |object| object.report().reason)
    }

    /// When it wakes; `None` when it has ceased to exist, or never did.
    pub fn alarm_ms(&self) -> Option<UnixMs> {
        self.alarm_ms
    }

    /// What was in memory is lost.
    pub fn restart(&mut self) {
        self.object = None;
        self.send_from_ms = 0;
        self.failures = 0;
    }

    /// Takes a gathered call.
    ///
    /// # Errors
    /// The process died: nobody is answered.
    pub fn take(&mut self, bytes: &[u8], now_ms: UnixMs) -> Result<Gathered, Crashed> {
        let call = Call::decode(bytes).expect("a call of this version");
        let taken = self.gather(&call).and_then(|gathered| {
            self.arm(now_ms)?;
            Ok(gathered)
        });
        if taken.is_err() {
            self.restart();
            // A commit and the alarm it sets are one transaction of the platform: where the write
            // is on disk, so is an alarm.
            self.alarm_ms = self.alarm_ms.or(Some(now_ms + FLUSH_MS));
        }
        taken
    }

    /// Asks the aggregator; calls come before its answer does. Storage that fails under one of them
    /// costs the memory, but the alarm goes on.
    async fn ask(
        &mut self,
        network: &mut Network,
        (method, path): (&'static str, &str),
        body: Vec<u8>,
        now_ms: UnixMs,
    ) -> Option<Reply> {
        let reply = network.send(method, path, body, now_ms).await;
        for (number, bytes) in std::mem::take(&mut self.meanwhile) {
            let call = Call::decode(&bytes).expect("a call of this version");
            let gathered = self.gather(&call);
            if gathered.is_err() {
                self.object = None;
            }
            self.came.push((number, gathered));
        }
        reply
    }

    fn gather(&mut self, call: &Call) -> Result<Gathered, Crashed> {
        self.open()?;
        let incarnation = [self.lives; 16];
        let object: &mut Object = self.object.get_or_insert_with(|| {
            self.lives += 1;
            Object::create(self.name, &call.header, incarnation)
        });
        object.set_log_bytes_max([0, 500, 5_000, usize::MAX][usize::from(self.lives) % 4]);
        object.gather(&self.disk, call, &mut |bytes| bytes.fill(7))
    }

    fn open(&mut self) -> Result<(), Crashed> {
        if self.object.is_none() {
            self.object = Object::open(&self.disk).map_err(|error| match error {
                OpenError::Store(crashed) => crashed,
                OpenError::Unreadable => panic!("what was stored is not of this version"),
            })?;
        }
        Ok(())
    }

    fn stored<T>(
        &mut self,
        work: impl FnOnce(&mut Object, &Disk) -> Result<T, Crashed>,
    ) -> Result<Option<T>, Crashed> {
        self.open()?;
        let object = self.object.as_mut();
        object.map(|object| work(object, &self.disk)).transpose()
    }

    /// Does what an alarm does.
    pub async fn alarm(&mut self, network: &mut Network, now_ms: UnixMs) {
        self.alarm_ms = None;
        let done = match self.turn(network, now_ms).await {
            Ok(()) => self.arm(now_ms),
            Err(crashed) => Err(crashed),
        };
        if done.is_err() {
            network.tally.add("alarm died");
            // The platform repeats an alarm whose process died.
            self.restart();
            self.alarm_ms = Some(now_ms);
        }
    }

    async fn turn(&mut self, network: &mut Network, now_ms: UnixMs) -> Result<(), Crashed> {
        if self.stored(|object, _| Ok(object.is_due_to_close(now_ms)))? == Some(true) {
            self.close(network, now_ms)?;
        }
        self.sweep(network, now_ms)?;
        self.stored(|object, disk| object.seal(disk))?;
        self.deliver(network, now_ms).await?;
        if self.stored(|object, _| Ok(object.is_done(now_ms)))? == Some(true) {
            self.erase();
        }
        Ok(())
    }

    /// The key, as long as the roster has the salt and can be asked.
    fn ask_key(&self, network: &Network, now_ms: UnixMs, end_ms: UnixMs) -> Option<DayKey> {
        let is_had = !network.is_down && now_ms < end_ms + SALT_GRACE_MS;
        is_had.then(|| self.key.clone())
    }

    fn close(&mut self, network: &Network, now_ms: UnixMs) -> Result<(), Crashed> {
        let known = self.stored(|object, _| Ok((object.has_key(), object.close_ms())))?;
        let Some((has_key, close_ms)) = known else {
            return Ok(());
        };
        let key = self.ask_key(network, now_ms, close_ms);
        if key.is_none() && !has_key && now_ms < close_ms + SALT_GRACE_MS {
            self.put_off(now_ms);
            return Ok(());
        }
        self.is_blind |= key.is_none() && !has_key;
        while self.stored(|object, disk| object.close_step(disk, key.as_ref()))? == Some(true) {}
        Ok(())
    }

    fn sweep(&mut self, network: &Network, now_ms: UnixMs) -> Result<(), Crashed> {
        if self.stored(|object, _| Ok(object.is_due_to_sweep(now_ms)))? != Some(true) {
            return Ok(());
        }
        if let Some(key) = self.ask_key(network, now_ms, UnixMs::MAX - SALT_GRACE_MS) {
            self.stored(|object, _| {
                object.use_key(&key);
                Ok(())
            })?;
        }
        let mut random = |bytes: &mut [u8]| bytes.fill(9);
        while self.stored(|object, disk| object.sweep(disk, now_ms, &mut random))? == Some(true) {}
        Ok(())
    }

    async fn deliver(&mut self, network: &mut Network, now_ms: UnixMs) -> Result<(), Crashed> {
        self.send(network, now_ms).await?;
        if now_ms < self.send_from_ms {
            return Ok(());
        }
        if self.stored(|object, _| Ok(object.is_due_to_check(now_ms)))? == Some(true) {
            self.check(network, now_ms).await?;
            self.send(network, now_ms).await?;
        }
        if now_ms < self.send_from_ms {
            return Ok(());
        }
        let dead = self.stored(|object, _| Ok(object.due_to_try(now_ms)))?;
        if let Some(dead) = dead.filter(|dead| !dead.is_empty()) {
            self.try_again(network, &dead, now_ms).await?;
            self.send(network, now_ms).await?;
        }
        Ok(())
    }

    async fn send(&mut self, network: &mut Network, now_ms: UnixMs) -> Result<(), Crashed> {
        for _ in 0..REQUESTS_MAX {
            if now_ms < self.send_from_ms {
                return Ok(());
            }
            let outgoing = self.stored(|object, disk| object.outgoing(disk))?.flatten();
            let Some((seq, body)) = outgoing else {
                return Ok(());
            };
            let reply = self
                .ask(network, ("POST", "/edge/v1/batches"), body, now_ms)
                .await;
            let said = reply.map_or(Said::Later, |(status, body)| Said::read(status, &body));
            match said {
                Said::Answer(answer) => {
                    match self.stored(|object, disk| object.answered(disk, seq, answer, now_ms))? {
                        Some(Next::Slowly) => self.send_from_ms = now_ms + PAUSE_MS_MAX,
                        _ => self.failures = 0,
                    }
                }
                Said::Gone => panic!("nobody has removed the site"),
                Said::Later => self.put_off(now_ms),
            }
        }
        panic!("delivery does not come to an end");
    }

    async fn check(&mut self, network: &mut Network, now_ms: UnixMs) -> Result<(), Crashed> {
        let Some(source) = self.stored(|object, _| Ok(object.report().source))? else {
            return Ok(());
        };
        let reply = self
            .ask(network, ("GET", &source.path()), Vec::new(), now_ms)
            .await;
        let last = match reply {
            Some((200, body)) => serde_json::from_slice::<Value>(&body).ok(),
            Some((410, _)) => panic!("nobody has removed the site"),
            _ => None,
        };
        match last.and_then(|reply| reply["last"].as_u64()) {
            Some(last) => {
                self.stored(|object, disk| object.checked(disk, last, now_ms))?;
            }
            None => self.put_off(now_ms),
        }
        Ok(())
    }

    async fn try_again(
        &mut self,
        network: &mut Network,
        dead: &[u64],
        now_ms: UnixMs,
    ) -> Result<(), Crashed> {
        for seq in dead {
            let letter = self.stored(|object, disk| object.dead_letter(disk, *seq))?;
            let Some(letter) = letter.flatten() else {
                continue;
            };
            let path = "/edge/v1/batches/check";
            match self.ask(network, ("POST", path), letter, now_ms).await {
                Some((200, _)) => {
                    self.stored(|object, disk| object.revive(disk, *seq))?;
                }
                Some((422, _)) => {}
                _ => {
                    self.put_off(now_ms);
                    return Ok(());
                }
            }
        }
        self.stored(|object, _| {
            object.tried(now_ms);
            Ok(())
        })?;
        Ok(())
    }

    fn erase(&mut self) {
        self.object = None;
        self.disk = Disk::default();
        self.alarm_ms = None;
    }

    fn put_off(&mut self, now_ms: UnixMs) {
        self.failures += 1;
        self.send_from_ms = now_ms + pause_ms(self.failures, 128);
    }

    /// Sets the alarm to when it must wake, unless it is set to that or earlier.
    fn arm(&mut self, now_ms: UnixMs) -> Result<(), Crashed> {
        let send_from_ms = self.send_from_ms;
        let wake = self.stored(|object, _| Ok(object.wake_ms(now_ms, FLUSH_MS, send_from_ms)))?;
        if let Some(wake_ms) = wake
            && self.alarm_ms.is_none_or(|armed| armed > wake_ms)
        {
            self.alarm_ms = Some(wake_ms);
        }
        Ok(())
    }
}

/// What the entries of a call have in common.
pub fn header(id: u32, start_ms: UnixMs, end_ms: UnixMs, key: &DayKey) -> Header {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&id.to_be_bytes());
    Header {
        version: shared::call::CALL_VERSION,
        id: bytes,
        day_start_ms: start_ms,
        day_end_ms: end_ms,
        key: key.clone(),
        degraded: false,
        detail: shared::settings::Detail::Cross,
    }
}
