//! One day object, its storage, the call that is being gathered for it, and how it dies and lives
//! again.

use shared::batch::{Batch, Live, Source};
use shared::call::{CALL_VERSION, Call, CallBuilder, Entry, Header};
use shared::drops::Drop;
use shared::object::memory::Memory;
use shared::object::{Gathered, Name, Object};
use shared::roster::Day;
use shared::visitor::{DayKey, Salt, VisitorHash};

use crate::stream::Fate;
use crate::sums::Aggregator;

/// A batch's gauge of who is there, and what was known when it was sealed.
#[derive(Debug, Clone)]
pub struct LiveSeen {
    pub name: Name,
    pub live: Option<Live>,
    /// Acts that had come in.
    pub acts: usize,
    /// Acts that had come in when the object was last opened.
    pub opened_at: usize,
}

/// See the module.
pub struct Host {
    name: Name,
    header: Header,
    store: Memory,
    object: Option<Object>,
    /// Calls made, and how often anything random was asked for.
    calls: u64,
    randoms: u64,
    /// The call being gathered, and the acts of its entries.
    gathering: Option<CallBuilder>,
    entries: Vec<Option<usize>>,
    last_call: Vec<u8>,
    source: Source,
    opened_at: usize,
}

impl Host {
    pub fn new(name: Name, day: &Day, salt: &Salt) -> Self {
        let header = Header {
            version: CALL_VERSION,
            id: [0; 16],
            day_start_ms: day.start_ms,
            day_end_ms: day.end_ms,
            key: DayKey::new(salt, name.site, name.date),
            degraded: false,
            detail: shared::settings::Detail::Cross,
        };
        Self {
            name,
            header,
            store: Memory::default(),
            object: None,
            calls: 0,
            randoms: 0,
            gathering: None,
            entries: Vec::new(),
            last_call: Vec::new(),
            source: Source {
                site: name.site,
                date: name.date,
                shard: name.shard,
                incarnation: "ab".repeat(16),
            },
            opened_at: 0,
        }
    }

    pub fn name(&self) -> Name {
        self.name
    }

    pub fn source(&self) -> Source {
        self.source.clone()
    }

    /// Whether nothing was ever stored.
    pub fn is_unborn(&self) -> bool {
        self.store.is_empty()
    }

    /// Adds to the call being gathered.
    pub fn push(&mut self, entry: &Entry, act: Option<usize>) {
        let header = &mut self.header;
        let calls = &mut self.calls;
        let gathering = self.gathering.get_or_insert_with(|| {
            *calls += 1;
            header.id = u128::from(*calls).to_be_bytes();
            CallBuilder::new(header).unwrap()
        });
        assert_eq!(gathering.push(entry), Some(self.entries.len()));
        self.entries.push(act);
    }

    /// Sends what was gathered; gives the answers by act, unless they were lost.
    pub fn send_call(&mut self, fate: Fate, acts: usize) -> Vec<(usize, Option<Drop>)> {
        let Some(call) = self.gathering.take() else {
            return Vec::new();
        };
        let entries = std::mem::take(&mut self.entries);
        self.last_call = call.into_bytes();
        if fate == Fate::WriteFails {
            self.store.fail(true);
        }
        let mut answers = self.gather();
        if answers.is_none() {
            assert_eq!(fate, Fate::WriteFails);
            self.crash(acts);
            answers = self.gather();
        }
        self.store.fail(false);
        match fate {
            Fate::Fine | Fate::WriteFails => {}
            Fate::Repeated => drop(self.gather()),
            Fate::AnswerLost => {
                self.crash(acts);
                self.gather();
                return Vec::new();
            }
        }
        let answers = answers.expect("storage works");
        assert_eq!(answers.len(), entries.len());
        let answered = entries.into_iter().zip(answers);
        answered
            .filter_map(|(act, answer)| Some((act?, Drop::from_number(answer))))
            .collect()
    }

    /// One attempt of the last call.
    fn gather(&mut self) -> Option<Vec<u8>> {
        let bytes = self.last_call.clone();
        let call = Call::decode(&bytes).expect("a call can be read");
        let gathered = self.with(|object, store, random| object.gather(store, &call, random));
        match gathered {
            Ok(Gathered::Committed(answers)) => Some(answers),
            Ok(Gathered::Closed) => panic!("{} is closed", self.name),
            Err(_) => None,
        }
    }

    pub fn repeat_last(&mut self) {
        if !self.last_call.is_empty() {
            let bytes = self.last_call.clone();
            let call = Call::decode(&bytes).expect("a call can be read");
            let again = self.with(|object, store, random| object.gather(store, &call, random));
            assert!(again.is_ok());
        }
    }

    pub fn forget(&mut self, visitor: &VisitorHash) {
        let header = self.header.clone();
        let forgotten =
            self.with(|object, store, random| object.forget(store, &header, visitor, random));
        assert!(forgotten.is_ok());
    }

    /// The object in memory is gone.
    pub fn crash(&mut self, acts: usize) {
        self.object = None;
        self.opened_at = acts;
    }

    /// Seals, or fails to and seals after another start.
    pub fn seal(&mut self, fails: bool, acts: usize) -> Vec<LiveSeen> {
        if self.is_unborn() {
            return Vec::new();
        }
        let before = self.store.last_seq();
        self.store.fail(fails);
        if self.with(|object, store, _| object.seal(store)).is_err() {
            self.crash(acts);
            let again = self.with(|object, store, _| object.seal(store));
            assert!(fails && again.is_ok());
        }
        self.store.fail(false);
        let seen = |(_, body): (u64, Vec<u8>)| LiveSeen {
            name: self.name,
            live: Batch::decode(&body).expect("sealed").live,
            acts,
            opened_at: self.opened_at,
        };
        let sealed = self.store.bodies_after(before);
        sealed.into_iter().map(seen).collect()
    }

    pub fn sweep(&mut self, now_ms: i64, with_key: bool, fails: bool, acts: usize) {
        if self.is_unborn() {
            return;
        }
        let key = self.header.key.clone();
        self.store.fail(fails);
        let mut steps = 0;
        loop {
            let swept = self.with(|object, store, random| {
                if with_key {
                    object.use_key(&key);
                }
                object.sweep(store, now_ms, random)
            });
            match swept {
                Ok(true) => steps += 1,
                Ok(false) => break,
                Err(_) => self.crash(acts),
            }
            assert!(steps < 100, "sweeping ends");
        }
        self.store.fail(false);
        let object = self.object.as_ref().unwrap();
        assert!(!object.is_due_to_sweep(now_ms) || !object.has_key());
    }

    /// Sends the next batch; false when none waits and the aggregator lacks none.
    pub fn deliver(&mut self, aggregator: &mut Aggregator, now_ms: i64) -> bool {
        if self.is_unborn() {
            return false;
        }
        let source = self.source();
        let (last_seq, last) = (self.store.last_seq(), aggregator.last(&source));
        self.with(|object, store, _| {
            match object.outgoing(store).unwrap() {
                Some((seq, body)) => {
                    let answer = aggregator.take(&source, seq, &body);
                    object.answered(store, seq, answer, now_ms).unwrap();
                }
                // What an aggregator that was restored lacks, the hourly question finds out.
                None if last < last_seq => object.checked(store, last, now_ms).unwrap(),
                None => return false,
            }
            true
        })
    }

    /// Sends the next batch, and never hears the answer.
    pub fn deliver_unheard(&mut self, aggregator: &mut Aggregator) {
        if self.is_unborn() {
            return;
        }
        let source = self.source();
        self.with(|object, store, _| {
            if let Some((seq, body)) = object.outgoing(store).unwrap() {
                aggregator.take(&source, seq, &body);
            }
        });
    }

    pub fn restore(&mut self, aggregator: &mut Aggregator, lacks: usize) {
        aggregator.restore(&self.source(), lacks);
    }

    pub fn is_due_to_close(&mut self, now_ms: i64) -> bool {
        !self.is_unborn() && self.with(|object, _, _| object.is_due_to_close(now_ms))
    }

    /// Closes the day.
    pub fn close(&mut self, crashes: bool, acts: usize) {
        let key = self.header.key.clone();
        let end_ms = self.header.day_end_ms + 60_000;
        if !self.is_due_to_close(end_ms) {
            return; // It is closed.
        }
        loop {
            let more = self.with(|object, store, _| object.close_step(store, Some(&key)));
            if crashes {
                self.crash(acts);
            }
            if !more.expect("storage works") {
                break;
            }
        }
    }

    /// The day is over, and nothing is left of it but what the aggregator has.
    pub fn check_done(&mut self, aggregator: &Aggregator) {
        assert_eq!(self.store.kept.borrow().visitors.len(), 0);
        assert_eq!(self.store.kept.borrow().log.len(), 0);
        assert_eq!(aggregator.last(&self.source), self.store.last_seq());
        assert!(aggregator.is_closed(&self.source), "the day is closed");
        let mut late = self.header.clone();
        late.id = [0xee; 16];
        let late = CallBuilder::new(&late).unwrap().into_bytes();
        let call = Call::decode(&late).unwrap();
        let answer = self.with(|object, store, random| object.gather(store, &call, random));
        assert_eq!(answer.expect("storage works"), Gathered::Closed);
    }

    /// Runs with the object, opened or made anew where it is not in memory. What fails leaves no
    /// object: [`Host::crash`] is then to be called.
    fn with<T>(
        &mut self,
        run: impl FnOnce(&mut Object, &Memory, &mut dyn FnMut(&mut [u8])) -> T,
    ) -> T {
        let mut object = self.object.take().unwrap_or_else(|| {
            let stored = Object::open(&self.store);
            let stored = stored.unwrap_or_else(|_| panic!("what is stored can be read"));
            let mut object =
                stored.unwrap_or_else(|| Object::create(self.name, &self.header, [0xab; 16]));
            // Some lives write rows often, some never.
            object.set_log_bytes_max([0, 500, 5_000, usize::MAX][self.calls as usize % 4]);
            object
        });
        let randoms = &mut self.randoms;
        let mut random = |bytes: &mut [u8]| {
            *randoms += 1;
            let drawn = randoms.to_be_bytes();
            bytes
                .iter_mut()
                .zip(drawn.iter().cycle())
                .for_each(|(to, from)| *to = *from);
        };
        let result = run(&mut object, &self.store, &mut random);
        self.object = Some(object);
        result
    }
}
