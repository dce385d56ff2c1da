//! The real path: body → event → rules → visitor hash → shard → call → day object → sealed
//! batches → aggregator, with all that a [`Scenario`] lets befall the day objects.
//!
//! What the model is told is only what came in and when ([`Act`]), and what was answered.

use shared::address::ClientAddress;
use shared::beacon::{Sender, decide};
use shared::drops::Drop;
use shared::event::Event;
use shared::jiff::civil::{Date, date};
use shared::jiff::tz::TimeZone;
use shared::jiff::{Timestamp, ToSpan};
use shared::object::Name;
use shared::roster::{Day, Site};
use shared::rules::Rules;
use shared::visitor::{Salt, VisitorHash};

use crate::host::{Host, LiveSeen};
use crate::stream::{Care, Fate, Group, LATE_MS, Scenario, Sent};
use crate::sums::Aggregator;
use crate::tables::{self, DOMAINS, HOST_OF_SITE, HOSTS, SENDERS, TO, ZONES};

/// Something that came in, at one site.
#[derive(Debug, Clone)]
pub struct Act {
    pub site: usize,
    pub at_ms: i64,
    pub shard: u16,
    pub what: Came,
    /// What was answered to an event; `None` where the answer was lost.
    pub answer: Option<Result<(), Drop>>,
}

#[derive(Debug, Clone)]
pub enum Came {
    Event(Sent),
    /// A sender asked to be forgotten.
    Forget(usize),
}

/// What a played scenario leaves.
pub struct Played {
    pub zones: [TimeZone; 2],
    pub acts: Vec<Act>,
    pub aggregator: Aggregator,
    pub live: Vec<LiveSeen>,
}

/// The edge.
pub struct Edge {
    zones: [TimeZone; 2],
    sites: [(Site, Rules); 2],
    hosts: Vec<Host>,
    acts: Vec<Act>,
    aggregator: Aggregator,
    live: Vec<LiveSeen>,
    now_ms: i64,
    crash_at_close: bool,
}

/// The local days of a zone from a date on, as the roster tells them.
fn days(zone: &TimeZone, from: Date, shards: u16) -> Vec<Day> {
    let start_ms = |date: Date| {
        let start = date.to_zoned(zone.clone()).unwrap();
        start.start_of_day().unwrap().timestamp().as_millisecond()
    };
    let dates = (0..10).map(|n| from.checked_add(n.days()).unwrap());
    let day = |date: Date| Day {
        date,
        start_ms: start_ms(date),
        end_ms: start_ms(date.tomorrow().unwrap()),
        shards,
    };
    dates.map(day).collect()
}

/// Plays a scenario to its end: every day closed, every batch taken.
pub fn play(scenario: &Scenario) -> Played {
    let zones = scenario
        .zones
        .map(|zone| TimeZone::get(ZONES[zone].0).unwrap());
    let (year, month, day) = ZONES[scenario.zones[0]].1[scenario.date];
    let first = date(year, month, day);
    let from = first.checked_sub(3.days()).unwrap();
    let site = |n: usize| {
        let settings = tables::settings(n, scenario.gpc, scenario.dnt, scenario.shielded);
        let rules = Rules::new(&settings);
        let site = Site {
            id: n as u32,
            domain: DOMAINS[n].into(),
            former: None,
            days: days(&zones[n], from, scenario.shards[n]),
            settings,
        };
        (site, rules)
    };
    let begins = first
        .to_zoned(zones[0].clone())
        .unwrap()
        .start_of_day()
        .unwrap();
    let mut edge = Edge {
        sites: [site(0), site(1)],
        zones,
        hosts: Vec::new(),
        acts: Vec::new(),
        aggregator: Aggregator::default(),
        live: Vec::new(),
        now_ms: begins.timestamp().as_millisecond() + scenario.start_s * 1_000,
        crash_at_close: scenario.crash_at_close,
    };
    for group in &scenario.groups {
        if !edge.group(group) {
            break;
        }
    }
    edge.end();
    Played {
        zones: edge.zones,
        acts: edge.acts,
        aggregator: edge.aggregator,
        live: edge.live,
    }
}

impl Edge {
    /// False when the roster's days are over.
    fn group(&mut self, group: &Group) -> bool {
        self.now_ms += i64::from(group.gap_s) * 1_000;
        if group.to_quarter {
            let quarter_ms = 15 * 60_000;
            self.now_ms = (self.now_ms + quarter_ms) / quarter_ms * quarter_ms - 1_000;
        }
        for sent in &group.events {
            self.now_ms += i64::from(sent.after_ms);
            if self
                .sites
                .iter()
                .any(|(site, _)| site.day_at(self.now_ms).is_none())
            {
                return false;
            }
            self.receive(sent);
        }
        for place in 0..self.hosts.len() {
            self.send_call(place, group.fate);
        }
        for (care, which) in &group.care {
            if let Care::Forget(sender) = care {
                self.forget(*sender, usize::from(*which) % 2);
                continue;
            }
            for place in 0..self.hosts.len() {
                if which >> (place % 8) & 1 == 1 {
                    self.care(place, *care);
                }
            }
        }
        true
    }

    /// What the Worker does with a request.
    fn receive(&mut self, sent: &Sent) {
        let event = Event::parse(&sent.body()).expect("the streams are valid");
        let from = &SENDERS[sent.sender];
        let address = ClientAddress::parse(from.address).unwrap();
        let sender = Sender::new(address, from.user_agent, from.country, sent.gpc, sent.dnt);
        let mut sites = Vec::new();
        for domain in &event.domains {
            let found = self
                .sites
                .iter()
                .position(|(site, _)| site.domain == *domain);
            let Some(n) = found else { continue };
            sites.push(n);
            let at_ms = self.now_ms - i64::from(sent.late_ms);
            let (day, visitor) = self.visitor(n, sent.sender, at_ms);
            let at_s = u32::try_from((at_ms - day.start_ms) / 1_000).unwrap();
            let counted = decide(&event, &sender, &self.sites[n].1);
            let is_nobody = counted.as_ref().is_ok_and(|counted| counted.anonymous);
            let shard = if is_nobody {
                0
            } else {
                visitor.shard(day.shards)
            };
            let place = self.host(n, &day, shard);
            let answer = match counted {
                Ok(counted) => {
                    let visitor = Some(visitor).filter(|_| !counted.anonymous);
                    let entry = counted.entry(visitor, at_s);
                    self.hosts[place].push(&entry, Some(self.acts.len()));
                    None
                }
                Err(reason) => {
                    let entry = shared::call::Entry::Dropped(reason);
                    self.hosts[place].push(&entry, None);
                    Some(Err(reason))
                }
            };
            self.acts.push(Act {
                site: n,
                at_ms,
                shard,
                what: Came::Event(sent.clone()),
                answer,
            });
        }
        let expected = match TO[sent.to] {
            (None, _) if HOSTS[sent.host].1 != HOST_OF_SITE => &[],
            (_, sites) => sites,
        };
        assert_eq!(sites, expected);
    }

    /// Who a sender is at a site at a moment.
    fn visitor(&self, site: usize, sender: usize, at_ms: i64) -> (Day, VisitorHash) {
        let day = *self.sites[site].0.day_at(at_ms).unwrap();
        let from = &SENDERS[sender];
        let address = ClientAddress::parse(from.address).unwrap();
        let salt = salt(site, day.date);
        let hash = VisitorHash::new(&salt, site as u32, day.date, address, from.user_agent);
        (day, hash)
    }

    /// The day object; made when first asked for.
    fn host(&mut self, site: usize, day: &Day, shard: u16) -> usize {
        let name = Name {
            site: site as u32,
            date: day.date,
            shard,
        };
        let known = self.hosts.iter().position(|host| host.name() == name);
        known.unwrap_or_else(|| {
            let salt = salt(site, day.date);
            self.hosts.push(Host::new(name, day, &salt));
            self.hosts.len() - 1
        })
    }

    fn send_call(&mut self, place: usize, fate: Fate) {
        for (act, reason) in self.hosts[place].send_call(fate, self.acts.len()) {
            self.acts[act].answer = Some(reason.map_or(Ok(()), Err));
        }
    }

    fn forget(&mut self, sender: usize, site: usize) {
        let at_ms = self.now_ms;
        let (day, visitor) = self.visitor(site, sender, at_ms);
        let shard = visitor.shard(day.shards);
        let place = self.host(site, &day, shard);
        self.hosts[place].forget(&visitor);
        self.acts.push(Act {
            site,
            at_ms,
            shard,
            what: Came::Forget(sender),
            answer: None,
        });
    }

    fn care(&mut self, place: usize, care: Care) {
        let (now_ms, acts) = (self.now_ms, self.acts.len());
        // Late events are let in first: whether they still are of a visit is theirs to say.
        let sweep_ms = now_ms - i64::from(LATE_MS);
        let host = &mut self.hosts[place];
        match care {
            Care::Seal => self.live.extend(host.seal(false, acts)),
            Care::SealFails => self.live.extend(host.seal(true, acts)),
            Care::Sweep(with_key) => host.sweep(sweep_ms, with_key, false, acts),
            Care::SweepFails => host.sweep(sweep_ms, true, true, acts),
            Care::Crash => host.crash(acts),
            Care::RepeatLast => host.repeat_last(),
            Care::Deliver(most) => {
                for _ in 0..most {
                    host.deliver(&mut self.aggregator, now_ms);
                }
            }
            Care::AnswerLost => host.deliver_unheard(&mut self.aggregator),
            Care::Restore(lacks) => host.restore(&mut self.aggregator, lacks.into()),
            Care::Forget(_) => {}
            Care::Close => {
                if host.is_due_to_close(now_ms) {
                    host.close(self.crash_at_close, acts);
                }
            }
        }
    }

    /// Days go by; everything is closed and delivered.
    fn end(&mut self) {
        let (now_ms, acts) = (self.now_ms + 11 * 86_400_000, self.acts.len());
        for host in self.hosts.iter_mut().filter(|host| !host.is_unborn()) {
            host.close(self.crash_at_close, acts);
            // What waits beyond the outbox's bound is sealed as it drains.
            for _ in 0..100 {
                self.live.extend(host.seal(false, acts));
                while host.deliver(&mut self.aggregator, now_ms) {}
                if self.aggregator.is_closed(&host.source()) {
                    break;
                }
            }
            host.check_done(&self.aggregator);
        }
    }
}

/// A salt for the site and day.
fn salt(site: usize, date: Date) -> Salt {
    let mut bytes = [site as u8 + 1; 32];
    bytes[1] = date.day() as u8;
    bytes[2] = date.month() as u8;
    Salt::from_random(bytes)
}

/// The moment a zone's clock shows.
pub fn moment(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).unwrap()
}
