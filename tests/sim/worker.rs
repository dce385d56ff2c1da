//! The Worker: gathers page views into calls to day objects, and repeats them while no answer comes.

use std::collections::BTreeMap;

use shared::address::ClientAddress;
use shared::call::{CallBuilder, Entry, Hit, HitKind};
use shared::drops::Drop;
use shared::object::{Gathered, Name};
use shared::visitor::{DayKey, Salt, VisitorHasher};

use crate::disk::Crashed;
use crate::edge::{DayObject, header};
use crate::history::Way;
use crate::ledger::{Counted, Sent};
use crate::play::World;
use crate::{DAY_MS, DAYS, SITE, START_MS, page};

impl World {
    /// Visitors see a page each: one call for each day object.
    pub fn views(&mut self, who: &[u8], dropped: bool, tries: &[Way]) {
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
    pub fn call(&mut self, call: usize) -> bool {
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
    pub fn taken(&mut self, call: usize, taken: Result<Gathered, Crashed>) -> bool {
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
}

fn salt(day: usize) -> Salt {
    Salt::from_random([day as u8 + 1; 32])
}
