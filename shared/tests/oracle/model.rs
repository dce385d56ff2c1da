//! The naive model, written from DESIGN.md (sections 3 and 4) and COMPAT.md: it keeps every event
//! with its visitor, finds the visits afterwards, and answers with sums and sets.
//!
//! It shares nothing with the counting core but the names of cubes, counters and drops: what an
//! event is comes from the labels of [`crate::tables`], when it was from the zone itself.

use std::collections::{BTreeMap, BTreeSet};

use rustc_hash::{FxHashMap, FxHashSet};
use shared::cube::{Counter, Cube};
use shared::drops::Drop;
use shared::settings::Signal;

use crate::kept::{Kept, hour_of, is_live, latest_s, visits};
use crate::run::{Act, Came, Played, moment};
use crate::stream::{Scenario, Sent, What};
use crate::sums::{Cell, Id, Names, SiteDay};
use crate::tables::{
    FUNNELS, HOSTS, NAMES, PAGES, REVENUES, SENDERS, SHIELDED_ADDRESS, SHIELDED_COUNTRY,
    SPAM_REFERRER, TRAFFIC,
};

/// A visitor of a day.
type Who = (SiteDay, u32);

/// That a visitor was there: act, minute, who.
pub type Present = (usize, u16, u32);

/// The answers.
#[derive(Default)]
pub struct Truth {
    pub sums: FxHashMap<(Counter, Cell), u64>,
    /// Who touched what.
    pub touches: FxHashSet<(u32, Cell)>,
    pub dropped: BTreeMap<(SiteDay, Drop), u64>,
    pub views_by_minute: BTreeMap<(SiteDay, u16), u64>,
    pub visitors_by_minute: BTreeMap<(SiteDay, u16), BTreeSet<u32>>,
    pub hits: BTreeMap<SiteDay, u64>,
    /// What each act ought to be answered.
    pub verdicts: Vec<Result<(), Drop>>,
    /// Every event of a visitor, by day and shard.
    pub presence: BTreeMap<(SiteDay, u16), Vec<Present>>,
}

impl Truth {
    fn add(&mut self, counter: Counter, cell: Cell, n: u64) {
        if n > 0 {
            *self.sums.entry((counter, cell)).or_default() += n;
        }
    }
}

/// Works out what is true of a played scenario.
pub fn truth(scenario: &Scenario, played: &Played, names: &mut Names) -> Truth {
    let mut truth = Truth::default();
    let mut events: BTreeMap<Who, Vec<Kept>> = BTreeMap::new();
    let mut forgotten: BTreeSet<Who> = BTreeSet::new();
    for (place, act) in played.acts.iter().enumerate() {
        let local = moment(act.at_ms).to_zoned(played.zones[act.site].clone());
        let midnight = local.start_of_day().unwrap().timestamp().as_millisecond();
        let at_s = u32::try_from((act.at_ms - midnight) / 1_000).unwrap();
        let day = (act.site, local.date());
        let sent = match &act.what {
            Came::Forget(sender) => {
                forgotten.insert((day, SENDERS[*sender].who));
                truth.verdicts.push(Ok(()));
                continue;
            }
            Came::Event(sent) => sent,
        };
        let kept = Kept {
            at_s,
            shard: act.shard,
            act: place,
            site: act.site,
            sent,
        };
        let who = (day, SENDERS[sent.sender].who);
        let verdict = verdict(scenario, act, sent).and_then(|is_anonymous| {
            if is_anonymous {
                truth.nobody(day, &kept, names);
                return Ok(None);
            }
            if forgotten.contains(&who) {
                return Err(Drop::OptedOut);
            }
            let before = events.get(&who).map_or(&[][..], Vec::as_slice);
            match sent.what {
                What::Engagement { .. } if !is_live(before, at_s) => {
                    Err(Drop::EngagementWithoutVisit)
                }
                _ => Ok(Some(kept)),
            }
        });
        match verdict {
            Ok(kept) => {
                *truth.hits.entry(day).or_default() += 1;
                truth.verdicts.push(Ok(()));
                kept.into_iter()
                    .for_each(|kept| events.entry(who).or_default().push(kept));
            }
            Err(reason) => {
                *truth.dropped.entry((day, reason)).or_default() += 1;
                truth.verdicts.push(Err(reason));
            }
        }
    }
    for (who, events) in &events {
        truth.visitor(*who, events, names);
    }
    truth
}

/// Whether an event is counted, as far as the event itself and the settings say: true where it
/// is counted without a visitor.
fn verdict(scenario: &Scenario, act: &Act, sent: &Sent) -> Result<bool, Drop> {
    let (gpc, dnt) = match act.site {
        0 => (scenario.gpc, scenario.dnt),
        _ => (scenario.dnt, scenario.gpc),
    };
    let asks = [(sent.gpc, gpc, Drop::Gpc), (sent.dnt, dnt, Drop::Dnt)];
    let asks = || asks.iter().filter(|(is_sent, _, _)| *is_sent);
    // The strictest answer counts.
    if let Some((_, _, reason)) = asks().find(|(_, signal, _)| *signal == Signal::Drop) {
        return Err(*reason);
    }
    let nobody = asks().find(|(_, signal, _)| *signal == Signal::PageView);
    if let (Some((_, _, reason)), false) = (nobody, matches!(sent.what, What::View { .. })) {
        return Err(*reason);
    }
    let sender = &SENDERS[sent.sender];
    let shields = match act.site {
        0 => scenario.shielded,
        _ => Default::default(),
    };
    let drops = [
        (sender.is_bot, Drop::Bot),
        (TRAFFIC[sent.traffic].1 == SPAM_REFERRER, Drop::SpamReferrer),
        (shields.hosts && !HOSTS[sent.host].2, Drop::ShieldHost),
        (
            shields.pages && PAGES[sent.page].is_shielded,
            Drop::ShieldPage,
        ),
        (
            shields.countries && sender.country == SHIELDED_COUNTRY,
            Drop::ShieldCountry,
        ),
        (
            shields.networks && sender.address == SHIELDED_ADDRESS,
            Drop::ShieldNetwork,
        ),
    ];
    match drops.iter().find(|(applies, _)| *applies) {
        Some((_, reason)) => Err(*reason),
        None => Ok(nobody.is_some()),
    }
}

impl Truth {
    /// A page view of nobody: page, country and device.
    fn nobody(&mut self, day: SiteDay, kept: &Kept, names: &mut Names) {
        let [country, device, ..] = SENDERS[kept.sent.sender].client;
        let cell = Cell {
            day,
            cube: Cube::Pages,
            hour: kept.hour(),
            texts: names.ids([kept.path(), kept.host(), ""]),
            t: [0; 10],
            c: names.ids([country, device, "", "", "", ""]),
        };
        self.add(Counter::Views, cell, 1);
        *self
            .views_by_minute
            .entry((day, kept.minute()))
            .or_default() += 1;
    }

    /// All that one visitor did in a day.
    fn visitor(&mut self, (day, who): Who, events: &[Kept], names: &mut Names) {
        // C is the first event's, and constant.
        let c = names.ids(SENDERS[events[0].sent.sender].client);
        let mut minute_max = None;
        for event in events {
            let minute = (day, event.minute());
            if event.is_view() {
                *self.views_by_minute.entry(minute).or_default() += 1;
            }
            // For the live view: nobody is there in a minute that is past.
            if minute_max.is_none_or(|max| max < minute.1) {
                minute_max = Some(minute.1);
                self.visitors_by_minute
                    .entry(minute)
                    .or_default()
                    .insert(who);
            }
            let seen = self.presence.entry((day, event.shard)).or_default();
            seen.push((event.act, event.minute(), who));
        }
        let mut funnels = FUNNELS.map(|(id, steps)| (id, steps, 0usize));
        let mut scrolled: BTreeSet<(u32, &str)> = BTreeSet::new();
        for visit in visits(events) {
            let t = self.visit(day, who, visit, c, names);
            for event in visit {
                self.event(day, who, event, (t, c), names);
                let cell = |cube, texts| Cell {
                    day,
                    cube,
                    hour: event.hour(),
                    texts,
                    t,
                    c,
                };
                let goals = event.goals();
                for goal in &goals {
                    // Of a scroll goal one completion per visitor, day and page.
                    let is_scroll = matches!(event.sent.what, What::Engagement { .. });
                    let again = is_scroll && !scrolled.insert((*goal, event.path()));
                    let texts = names.ids([&goal.to_string(), event.path(), ""]);
                    let cell = cell(Cube::Goals, texts);
                    self.touches.insert((who, cell));
                    self.add(Counter::Completions, cell, u64::from(!again));
                }
                for (id, steps, done) in &mut funnels {
                    if steps.get(*done).is_some_and(|next| goals.contains(next)) {
                        *done += 1;
                        let texts = names.ids([&id.to_string(), &done.to_string(), ""]);
                        self.add(Counter::FunnelVisitors, cell(Cube::Funnels, texts), 1);
                    }
                }
            }
        }
    }

    /// One visit, from its first to its last event; gives its T.
    fn visit(
        &mut self,
        day: SiteDay,
        who: u32,
        visit: &[Kept],
        c: [Id; 6],
        names: &mut Names,
    ) -> [Id; 10] {
        let first = &visit[0];
        let last_s = latest_s(visit).unwrap();
        let entry = match first.is_view() {
            true => [first.path(), first.host()],
            false => ["", ""],
        };
        let mut t = [0; 10];
        let traffic = TRAFFIC[first.sent.traffic].2;
        for (to, text) in t.iter_mut().zip(entry.iter().chain(&traffic)) {
            *to = names.id(text);
        }
        let cell = |cube, hour, texts| Cell {
            day,
            cube,
            hour,
            texts,
            t,
            c,
        };
        let begun = cell(Cube::Visits, first.hour(), [0; 3]);
        self.add(Counter::Visits, begun, 1);
        let hours: BTreeSet<u8> = visit.iter().map(Kept::hour).collect();
        for hour in hours {
            let active = cell(Cube::Visits, hour, [0; 3]);
            self.add(Counter::ActiveVisits, active, 1);
            self.touches.insert((who, active));
        }
        let views = visit.iter().filter(|event| event.is_view()).count() as u64;
        let acted = |event: &Kept| {
            matches!(
                event.sent.what,
                What::Custom {
                    interactive: true,
                    ..
                }
            )
        };
        let is_bounce = views == 1 && !visit.iter().any(acted);
        self.add(Counter::EndedVisits, begun, 1);
        self.add(Counter::Bounces, begun, u64::from(is_bounce));
        self.add(Counter::DurationS, begun, u64::from(last_s - first.at_s));
        self.add(Counter::EndedViews, begun, views);
        if let Some(exit) = visit.iter().rev().find(|event| event.is_view()) {
            let texts = names.ids([exit.path(), "", ""]);
            let exits = cell(Cube::Exits, hour_of(last_s), texts);
            self.add(Counter::Exits, exits, 1);
            self.touches.insert((who, exits));
        }
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for view in visit.iter().filter(|event| event.is_view()) {
            let texts = names.ids([view.path(), view.host(), ""]);
            let page = cell(Cube::Pages, view.hour(), texts);
            self.add(Counter::Views, page, 1);
            self.add(
                Counter::PageVisits,
                page,
                u64::from(seen.insert(view.path())),
            );
            self.touches.insert((who, page));
        }
        t
    }

    /// What an event counts beside being part of a visit.
    fn event(
        &mut self,
        day: SiteDay,
        who: u32,
        event: &Kept,
        (t, c): ([Id; 10], [Id; 6]),
        names: &mut Names,
    ) {
        let cell = |cube, texts| Cell {
            day,
            cube,
            hour: event.hour(),
            texts,
            t,
            c,
        };
        match event.sent.what {
            What::View { .. } => {}
            What::Custom { name, .. } => {
                let texts = names.ids([NAMES[name].0, event.path(), ""]);
                let named = cell(Cube::Events, texts);
                self.add(Counter::Events, named, 1);
                self.touches.insert((who, named));
            }
            What::Engagement { scroll, engaged_ms } => {
                let texts = names.ids([event.path(), event.host(), ""]);
                let page = cell(Cube::Pages, texts);
                if let Some(ms) = engaged_ms {
                    self.add(Counter::EngagedMs, page, ms.into());
                    self.add(Counter::EngagedCount, page, 1);
                }
                if let Some(percent) = scroll {
                    // Above 100 is 100.
                    self.add(Counter::ScrollSum, page, percent.min(100).into());
                    self.add(Counter::ScrollCount, page, 1);
                }
            }
        }
        let Some((name, revenue)) = event.named() else {
            return;
        };
        for (key, value) in &event.props() {
            let texts = names.ids([name, key, value]);
            let prop = cell(Cube::Props, texts);
            self.add(Counter::PropEvents, prop, 1);
            self.touches.insert((who, prop));
        }
        if let Some((currency, milli)) = REVENUES[revenue].1 {
            let texts = names.ids([name, currency, ""]);
            let earned = cell(Cube::Revenue, texts);
            self.add(Counter::RevenueEvents, earned, 1);
            self.add(Counter::RevenueMilli, earned, milli);
        }
    }
}
