//! A site's [`Settings`] in the form in which every beacon is held against them.

use rustc_hash::FxHashMap;

use crate::address::{ClientAddress, Network};
use crate::call::HitKind;
use crate::drops::Drop;
use crate::pattern::Pattern;
use crate::settings::{GoalKind, Settings, Signal};

/// See the module. An entry that is not valid is left out: [`Settings::check`] has refused it
/// where it was made.
#[derive(Debug, Default)]
pub struct Rules {
    gpc: Option<Signal>,
    dnt: Option<Signal>,
    /// Whether paths are cleaned.
    pub clean_paths: bool,
    hosts: Vec<Pattern>,
    pages: Vec<Pattern>,
    countries: Vec<String>,
    networks: Vec<Network>,
    event_goals: FxHashMap<String, u32>,
    page_goals: Vec<(Pattern, u32)>,
    scroll_goals: Vec<(Pattern, u8, u32)>,
    /// Goal to the steps it is: number of the funnel, step from 1.
    steps: FxHashMap<u32, Vec<(u32, u8)>>,
}

impl Rules {
    /// Makes the rules of settings.
    pub fn new(settings: &Settings) -> Self {
        let patterns = |list: &[String]| {
            let patterns = list.iter().filter_map(|text| Pattern::parse(text).ok());
            patterns.collect::<Vec<_>>()
        };
        let shields = &settings.shields;
        let mut rules = Self {
            gpc: Some(settings.gpc),
            dnt: Some(settings.dnt),
            clean_paths: settings.clean_paths,
            hosts: patterns(&shields.hosts),
            pages: patterns(&shields.pages),
            countries: shields.countries.clone(),
            networks: shields
                .networks
                .iter()
                .filter_map(|text| Network::parse(text))
                .collect(),
            ..Self::default()
        };
        for goal in &settings.goals {
            match &goal.kind {
                GoalKind::Event { name } => {
                    rules.event_goals.insert(name.clone(), goal.id);
                }
                GoalKind::Page { path } => {
                    let pattern = Pattern::parse(path).ok();
                    rules.page_goals.extend(pattern.map(|p| (p, goal.id)));
                }
                GoalKind::Scroll { path, percent } => {
                    let pattern = Pattern::parse(path).ok();
                    let goal = pattern.map(|p| (p, *percent, goal.id));
                    rules.scroll_goals.extend(goal);
                }
            }
        }
        for funnel in &settings.funnels {
            for (step, goal) in (1..=u8::MAX).zip(&funnel.steps) {
                let steps = rules.steps.entry(*goal).or_default();
                steps.push((funnel.id, step));
            }
        }
        rules
    }

    /// What the browser's privacy signals ask for: the strictest answer of the two, and the
    /// reason it would be dropped for.
    pub fn signal(&self, gpc: bool, dnt: bool) -> (Signal, Drop) {
        let gpc = self.gpc.filter(|_| gpc).unwrap_or(Signal::Count);
        let dnt = self.dnt.filter(|_| dnt).unwrap_or(Signal::Count);
        match (gpc, dnt) {
            (Signal::Drop, _) => (Signal::Drop, Drop::Gpc),
            (_, Signal::Drop) => (Signal::Drop, Drop::Dnt),
            (Signal::PageView, _) => (Signal::PageView, Drop::Gpc),
            (_, dnt) => (dnt, Drop::Dnt),
        }
    }

    /// The shield that keeps an event out, if one does.
    pub fn shield(
        &self,
        host: &str,
        pages: [&str; 2],
        country: &str,
        address: ClientAddress,
    ) -> Option<Drop> {
        if !self.hosts.is_empty() && !self.hosts.iter().any(|pattern| pattern.matches(host)) {
            return Some(Drop::ShieldHost);
        }
        let shielded = |pattern: &Pattern| pages.iter().any(|page| pattern.matches(page));
        if self.pages.iter().any(shielded) {
            return Some(Drop::ShieldPage);
        }
        if self.countries.iter().any(|known| known == country) {
            return Some(Drop::ShieldCountry);
        }
        if self
            .networks
            .iter()
            .any(|network| network.contains(address))
        {
            return Some(Drop::ShieldNetwork);
        }
        None
    }

    /// The goals an event completes.
    pub fn goals(&self, kind: &HitKind, page: &str) -> Vec<u32> {
        let mut goals = Vec::new();
        match kind {
            HitKind::PageView => {
                let found = self.page_goals.iter().filter(|(p, _)| p.matches(page));
                goals.extend(found.map(|(_, goal)| *goal));
            }
            HitKind::Custom { name, .. } => goals.extend(self.event_goals.get(*name)),
            HitKind::Engagement { scroll_percent, .. } => {
                let Some(reached) = scroll_percent else {
                    return goals;
                };
                let found = self
                    .scroll_goals
                    .iter()
                    .filter(|(p, percent, _)| reached >= percent && p.matches(page));
                goals.extend(found.map(|(_, _, goal)| *goal));
            }
        }
        goals
    }

    /// The steps of funnels that these goals may be, lower steps first.
    pub fn steps(&self, goals: &[u32]) -> Vec<(u32, u8)> {
        let found = goals.iter().filter_map(|goal| self.steps.get(goal));
        let mut steps: Vec<(u32, u8)> = found.flatten().copied().collect();
        steps.sort_unstable();
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Funnel, Goal};

    #[test]
    fn signals_are_settings() {
        let rules = |gpc, dnt| {
            Rules::new(&Settings {
                gpc,
                dnt,
                ..Settings::default()
            })
        };
        use Signal::{Count, PageView};
        let default = Rules::new(&Settings::default());
        assert_eq!(default.signal(false, false).0, Count);
        assert_eq!(default.signal(true, false), (PageView, Drop::Gpc));
        assert_eq!(default.signal(false, true).0, Count);
        let strict = rules(Signal::Drop, Signal::Drop);
        assert_eq!(strict.signal(true, true), (Signal::Drop, Drop::Gpc));
        assert_eq!(strict.signal(false, true), (Signal::Drop, Drop::Dnt));
        let mixed = rules(PageView, Signal::Drop);
        assert_eq!(mixed.signal(true, true), (Signal::Drop, Drop::Dnt));
        assert_eq!(
            rules(Count, PageView).signal(true, true),
            (PageView, Drop::Dnt)
        );
    }

    #[test]
    fn shields_keep_out_what_they_name() {
        let mut settings = Settings::default();
        let open = Rules::new(&settings);
        let address = |text| ClientAddress::parse(text).unwrap();
        let somebody = address("203.0.113.9");
        assert_eq!(open.shield("x.example", ["/", "/"], "DE", somebody), None);
        settings.shields.hosts = vec!["a.example".into(), "*.a.example".into()];
        settings.shields.pages = vec!["/admin/**".into()];
        settings.shields.countries = vec!["US".into()];
        settings.shields.networks = vec!["192.0.2.0/24".into()];
        settings.check().unwrap();
        let rules = Rules::new(&settings);
        let cases = [
            ("a.example", "/", "DE", "203.0.113.9", None),
            ("b.a.example", "/admin", "", "203.0.113.9", None),
            (
                "b.example",
                "/",
                "DE",
                "203.0.113.9",
                Some(Drop::ShieldHost),
            ),
            (
                "a.example",
                "/admin/x/y",
                "DE",
                "203.0.113.9",
                Some(Drop::ShieldPage),
            ),
            (
                "a.example",
                "/",
                "US",
                "203.0.113.9",
                Some(Drop::ShieldCountry),
            ),
            (
                "a.example",
                "/",
                "DE",
                "192.0.2.7",
                Some(Drop::ShieldNetwork),
            ),
        ];
        for (host, page, country, from, expected) in cases {
            assert_eq!(
                rules.shield(host, [page, "/as-counted"], country, address(from)),
                expected
            );
        }
    }

    #[test]
    fn goals_and_their_steps() {
        let goal = |id, kind| Goal { id, kind };
        let settings = Settings {
            goals: vec![
                goal(
                    1,
                    GoalKind::Page {
                        path: "/cart/*".into(),
                    },
                ),
                goal(2, GoalKind::Event { name: "Buy".into() }),
                goal(
                    3,
                    GoalKind::Scroll {
                        path: "/blog/**".into(),
                        percent: 75,
                    },
                ),
            ],
            funnels: vec![
                Funnel {
                    id: 7,
                    steps: vec![1, 2],
                },
                Funnel {
                    id: 8,
                    steps: vec![2, 2],
                },
            ],
            ..Settings::default()
        };
        settings.check().unwrap();
        let rules = Rules::new(&settings);
        let custom = HitKind::Custom {
            name: "Buy",
            interactive: true,
        };
        let scrolled = |percent| HitKind::Engagement {
            scroll_percent: percent,
            engaged_ms: None,
        };
        assert_eq!(rules.goals(&HitKind::PageView, "/cart/1"), [1]);
        assert!(rules.goals(&HitKind::PageView, "/blog/x").is_empty());
        assert_eq!(rules.goals(&custom, "/"), [2]);
        assert_eq!(rules.goals(&scrolled(Some(75)), "/blog/x"), [3]);
        assert!(rules.goals(&scrolled(Some(74)), "/blog/x").is_empty());
        assert!(rules.goals(&scrolled(None), "/blog/x").is_empty());
        assert_eq!(rules.steps(&[2]), [(7, 2), (8, 1), (8, 2)]);
        assert_eq!(rules.steps(&[1]), [(7, 1)]);
    }
}
