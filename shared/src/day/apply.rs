//! One hit to counts: visits, marks, goals, funnels.

use super::{Day, hour_of, minute_of};
use crate::attrs::{CLIENT_ATTRS, CLIENT_ATTRS_LEN, VISIT_ATTRS, VISIT_ATTRS_LEN};
use crate::call::{Hit, HitKind};
use crate::cube::{Counter, Counters, Cube, RowKey, TEXTS_MAX};
use crate::dict::{Kind, TextId};
use crate::drops::Drop;
use crate::limits::{ENGAGED_MS_MAX, REVENUE_MILLI_MAX, VISITOR_HITS_MAX, VISITOR_TOUCHES_MAX};
use crate::marks;
use crate::visit::{Visit, Visitor};

/// What the rows of one hit have in common.
#[derive(Clone, Copy)]
struct Place {
    hour: u8,
    t: u32,
    c: u32,
}

impl Place {
    fn row(self, cube: Cube, texts: [TextId; TEXTS_MAX]) -> RowKey {
        RowKey {
            cube,
            hour: self.hour,
            texts,
            t: self.t,
            c: self.c,
        }
    }
}

impl Day {
    /// Counts one hit of a visitor.
    ///
    /// # Errors
    /// The reason why the hit is not counted; then nothing has changed.
    pub fn apply(&mut self, visitor: &mut Visitor, hit: &Hit) -> Result<(), Drop> {
        if visitor.opted_out {
            return Err(Drop::OptedOut);
        }
        if visitor.hits >= VISITOR_HITS_MAX {
            return Err(Drop::Throttled);
        }
        let live = visitor.visit.as_ref().is_some_and(|v| v.is_live(hit.at_s));
        if matches!(hit.kind, HitKind::Engagement { .. }) && !live {
            return Err(Drop::EngagementWithoutVisit);
        }
        if !live {
            self.end_visit(visitor);
        }
        let hour = hour_of(hit.at_s);
        let c = match visitor.client {
            Some(c) => c,
            None => self.client(&hit.client),
        };
        visitor.client = Some(c);
        let mut visit = match visitor.visit.take() {
            Some(visit) => visit,
            None => self.begin_visit(hit, c),
        };
        visit.last_s = visit.last_s.max(hit.at_s);
        let place = Place {
            hour,
            t: visit.t,
            c,
        };

        let mut counters = Counters::new();
        if visit.is_new_in(hour) {
            counters.push((Counter::ActiveVisits, 1));
        }
        self.mark(visitor, place.row(Cube::Visits, [0; 3]), counters);

        let page = self.dict.text(Kind::Page, hit.page);
        match &hit.kind {
            HitKind::PageView => {
                let host = self.dict.text(Kind::Host, hit.host);
                visit.views = visit.views.saturating_add(1);
                visit.exit_page = Some(page);
                let mut counters = vec![(Counter::Views, 1)];
                if !visit.pages.contains(&page) {
                    visit.pages.push(page);
                    counters.push((Counter::PageVisits, 1));
                }
                self.mark(visitor, place.row(Cube::Pages, [page, host, 0]), counters);
            }
            HitKind::Engagement {
                scroll_percent,
                engaged_ms,
            } => {
                let host = self.dict.text(Kind::Host, hit.host);
                let key = place.row(Cube::Pages, [page, host, 0]);
                let mut counters = Counters::new();
                if let Some(ms) = engaged_ms {
                    let ms = (*ms).min(ENGAGED_MS_MAX);
                    counters.push((Counter::EngagedMs, u64::from(ms)));
                    counters.push((Counter::EngagedCount, 1));
                }
                if let Some(percent) = scroll_percent {
                    let percent = (*percent).min(100);
                    counters.push((Counter::ScrollSum, u64::from(percent)));
                    counters.push((Counter::ScrollCount, 1));
                }
                self.count(key, &counters);
            }
            HitKind::Custom { name, interactive } => {
                visit.interactive |= interactive;
                let name = self.dict.text(Kind::EventName, name);
                let key = place.row(Cube::Events, [name, page, 0]);
                self.mark(visitor, key, vec![(Counter::Events, 1)]);
            }
        }
        self.properties(visitor, hit, place);
        self.goals(visitor, hit, place, page);
        self.funnels(visitor, hit, place);
        visitor.visit = Some(visit);
        visitor.hits = visitor.hits.saturating_add(1);
        self.present(visitor, hit);
        self.fresh_hits = self.fresh_hits.saturating_add(1);
        Ok(())
    }

    /// Counts a page view of nobody: page, country and device, and nothing else of it.
    ///
    /// # Errors
    /// It is no page view; nothing has changed.
    pub fn apply_nobody(&mut self, hit: &Hit) -> Result<(), Drop> {
        if hit.kind != HitKind::PageView {
            return Err(Drop::Gpc);
        }
        let mut client = [""; CLIENT_ATTRS_LEN];
        // Country and device; the places are those of CLIENT_ATTRS.
        for (to, from) in client.iter_mut().zip(&hit.client).take(2) {
            *to = from;
        }
        let place = Place {
            hour: hour_of(hit.at_s),
            t: self.visit_attrs([""; VISIT_ATTRS_LEN]),
            c: self.client(&client),
        };
        let page = self.dict.text(Kind::Page, hit.page);
        let host = self.dict.text(Kind::Host, hit.host);
        let key = place.row(Cube::Pages, [page, host, 0]);
        self.count(key, &[(Counter::Views, 1)]);
        self.fresh_plain.minute(minute_of(hit.at_s), 1, 0);
        self.fresh_hits = self.fresh_hits.saturating_add(1);
        Ok(())
    }

    /// Ends the visitor's visit, if one is open: counts its length, bounce and exit.
    pub fn end_visit(&mut self, visitor: &mut Visitor) {
        let (Some(visit), Some(c)) = (visitor.visit.take(), visitor.client) else {
            return;
        };
        let begun = Place {
            hour: hour_of(visit.start_s),
            t: visit.t,
            c,
        };
        let duration_s = visit.last_s.saturating_sub(visit.start_s);
        let mut counters = vec![(Counter::EndedVisits, 1)];
        if visit.is_bounce() {
            counters.push((Counter::Bounces, 1));
        }
        if duration_s > 0 {
            counters.push((Counter::DurationS, u64::from(duration_s)));
        }
        if visit.views > 0 {
            counters.push((Counter::EndedViews, u64::from(visit.views)));
        }
        self.count(begun.row(Cube::Visits, [0; 3]), &counters);
        if let Some(page) = visit.exit_page {
            let ended = Place {
                hour: hour_of(visit.last_s),
                ..begun
            };
            let key = ended.row(Cube::Exits, [page, 0, 0]);
            self.mark(visitor, key, vec![(Counter::Exits, 1)]);
        }
    }

    fn begin_visit(&mut self, hit: &Hit, c: u32) -> Visit {
        // Entry page and host come from page views: a visit that begins with a custom event has
        // none.
        let entry = match hit.kind {
            HitKind::PageView => [hit.page, hit.host],
            _ => ["", ""],
        };
        let mut texts = [""; VISIT_ATTRS_LEN];
        for (to, from) in texts.iter_mut().zip(entry.iter().chain(&hit.traffic)) {
            *to = from;
        }
        let t = self.visit_attrs(texts);
        let place = Place {
            hour: hour_of(hit.at_s),
            t,
            c,
        };
        self.count(place.row(Cube::Visits, [0; 3]), &[(Counter::Visits, 1)]);
        Visit {
            t,
            start_s: hit.at_s,
            last_s: hit.at_s,
            active_hours: 0,
            views: 0,
            interactive: false,
            pages: Vec::new(),
            exit_page: None,
        }
    }

    fn properties(&mut self, visitor: &mut Visitor, hit: &Hit, place: Place) {
        let name = match hit.kind {
            HitKind::PageView => "pageview",
            HitKind::Custom { name, .. } => name,
            HitKind::Engagement { .. } => return,
        };
        for (key, value) in &hit.props {
            let texts = [
                self.dict.text(Kind::EventName, name),
                self.dict.text(Kind::PropKey, key),
                self.dict.text(Kind::PropValue, value),
            ];
            let counters = vec![(Counter::PropEvents, 1)];
            self.mark(visitor, place.row(Cube::Props, texts), counters);
        }
        if let Some(revenue) = &hit.revenue {
            let texts = [
                self.dict.text(Kind::EventName, name),
                self.dict.text(Kind::Currency, revenue.currency),
                0,
            ];
            let mut counters = vec![(Counter::RevenueEvents, 1)];
            let milli = revenue.milli.min(REVENUE_MILLI_MAX);
            if milli > 0 {
                counters.push((Counter::RevenueMilli, milli));
            }
            self.count(place.row(Cube::Revenue, texts), &counters);
        }
    }

    fn goals(&mut self, visitor: &mut Visitor, hit: &Hit, place: Place, page: TextId) {
        for goal in &hit.goals {
            let goal = self.dict.text(Kind::Goal, &goal.to_string());
            let key = place.row(Cube::Goals, [goal, page, 0]);
            let grown = self.touch(visitor, key);
            let mut counters: Counters = grown.1.counters().map(|counter| (counter, 1)).collect();
            // Browsers tell their depth again and again: a scroll goal is completed once on a page.
            let again = matches!(hit.kind, HitKind::Engagement { .. })
                && !counters.contains(&(Counter::DayGoalPageVisitors, 1));
            if !again {
                counters.push((Counter::Completions, 1));
            }
            self.count(grown.0, &counters);
        }
    }

    fn funnels(&mut self, visitor: &mut Visitor, hit: &Hit, place: Place) {
        let mut moved: Option<u32> = None;
        for (funnel, step) in &hit.steps {
            // One event is one step, also where several steps are the same goal.
            if moved == Some(*funnel) {
                continue;
            }
            let known = visitor.funnels.iter_mut().find(|(id, _)| id == funnel);
            let done = known.as_ref().map_or(0, |(_, done)| *done);
            if *step != done.saturating_add(1) {
                continue;
            }
            match known {
                Some((_, done)) => *done = *step,
                None => visitor.funnels.push((*funnel, *step)),
            }
            moved = Some(*funnel);
            let texts = [
                self.dict.text(Kind::Funnel, &funnel.to_string()),
                self.dict.text(Kind::Step, &step.to_string()),
                0,
            ];
            let key = place.row(Cube::Funnels, texts);
            self.count(key, &[(Counter::FunnelVisitors, 1)]);
        }
    }

    fn present(&mut self, visitor: &mut Visitor, hit: &Hit) {
        let minute = minute_of(hit.at_s);
        let is_new = visitor.minute.is_none_or(|before| before < minute);
        let views = u64::from(hit.kind == HitKind::PageView);
        if is_new || views > 0 {
            self.fresh_plain.minute(minute, views, u64::from(is_new));
        }
        if is_new {
            self.presence.seen(visitor.minute, minute);
            visitor.minute = Some(minute);
        }
    }

    fn client(&mut self, client: &[&str; CLIENT_ATTRS_LEN]) -> u32 {
        let mut attrs = [0; CLIENT_ATTRS_LEN];
        for ((id, (_, kind)), text) in attrs.iter_mut().zip(CLIENT_ATTRS).zip(client) {
            *id = self.dict.text(kind, text);
        }
        self.dict.client_attrs(attrs)
    }

    fn visit_attrs(&mut self, texts: [&str; VISIT_ATTRS_LEN]) -> u32 {
        let mut attrs = [0; VISIT_ATTRS_LEN];
        for ((id, (_, kind)), text) in attrs.iter_mut().zip(VISIT_ATTRS).zip(texts) {
            *id = self.dict.text(kind, text);
        }
        self.dict.visit_attrs(attrs)
    }

    /// Counts in a row, and the marks that grow there.
    fn mark(&mut self, visitor: &mut Visitor, key: RowKey, mut counters: Counters) {
        let (key, grown) = self.touch(visitor, key);
        counters.extend(grown.counters().map(|counter| (counter, 1)));
        if !counters.is_empty() {
            self.count(key, &counters);
        }
    }

    /// Remembers that the visitor touches the row, or the one that stands in for whatever else a
    /// visitor touches who has touched too many.
    fn touch(&mut self, visitor: &mut Visitor, key: RowKey) -> (RowKey, marks::Grown) {
        let key = if visitor.touches.len() < VISITOR_TOUCHES_MAX {
            key
        } else {
            RowKey {
                texts: self.other_texts(key),
                ..key
            }
        };
        let grown = marks::touch(&mut visitor.touches, key, &self.dict);
        (key, grown)
    }
}
