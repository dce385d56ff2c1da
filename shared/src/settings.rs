//! What a site's owner decides about its counting; the aggregator keeps it, the edge obeys it.
//!
//! [`Settings::check`] is the one place that says what is allowed, for the command line, the API
//! and the dashboard alike; [`crate::rules`] is the form in which the edge uses them.

use serde::{Deserialize, Serialize};

use crate::address::Network;
use crate::limits;
use crate::pattern::Pattern;

/// What happens to an event whose browser sends a privacy signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Signal {
    /// A page view is counted with page, country and device only: no hash, no visit, no referrer.
    /// Any other event is dropped.
    PageView,
    /// Nothing is counted.
    Drop,
    /// Counted like any other.
    Count,
}

impl Signal {
    /// All, with the names that settings use.
    pub const ALL: [(&str, Signal); 3] = [
        ("page-view", Signal::PageView),
        ("drop", Signal::Drop),
        ("count", Signal::Count),
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Signal::PageView => "page-view",
            Signal::Drop => "drop",
            Signal::Count => "count",
        }
    }
}

/// How much of the counts leaves the edge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Detail {
    /// Counts by all attributes together: any question can be asked.
    #[default]
    Cross,
    /// Counts by one dimension each: nothing can be cross-referenced.
    Totals,
}

impl Detail {
    /// All, with the names that settings use.
    pub const ALL: [(&str, Detail); 2] = [("cross", Detail::Cross), ("totals", Detail::Totals)];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Detail::Cross => "cross",
            Detail::Totals => "totals",
        }
    }
}

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// How much of the counts leaves the edge.
    pub detail: Detail,
    /// Global Privacy Control, `Sec-GPC: 1`.
    pub gpc: Signal,
    /// `DNT: 1`.
    pub dnt: Signal,
    /// Segments of paths that look like an e-mail address or an id become `:email`, `:id`.
    pub clean_paths: bool,
    /// What is not counted.
    pub shields: Shields,
    /// What the owner wants visitors to do.
    pub goals: Vec<Goal>,
    /// Goals in order.
    pub funnels: Vec<Funnel>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            detail: Detail::Cross,
            gpc: Signal::PageView,
            dnt: Signal::Count,
            clean_paths: true,
            shields: Shields::default(),
            goals: Vec::new(),
            funnels: Vec::new(),
        }
    }
}

/// What is dropped before it is counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Shields {
    /// The only hosts whose pages are counted, lower case, `*` for any labels; empty: every host.
    pub hosts: Vec<String>,
    /// Paths that are not counted: `*` is anything but a slash, `**` anything.
    pub pages: Vec<String>,
    /// Countries that are not counted, ISO 3166-1 alpha-2.
    pub countries: Vec<String>,
    /// Addresses that are not counted: one, or a network in CIDR form.
    pub networks: Vec<String>,
}

/// Something visitors are wanted to do. It counts from when it is defined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Goal {
    /// Its number; never reused within the site.
    pub id: u32,
    /// What completes it.
    #[serde(flatten)]
    pub kind: GoalKind,
}

/// What completes a goal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum GoalKind {
    /// A custom event of this name.
    Event {
        /// The name.
        name: String,
    },
    /// A view of a page whose path matches.
    Page {
        /// `*` is anything but a slash, `**` anything.
        path: String,
    },
    /// Scrolling so far on a page whose path matches.
    Scroll {
        /// As for a page.
        path: String,
        /// Percent of the page's height, 1 to 100.
        percent: u8,
    },
}

/// Goals that are to be completed in order within a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Funnel {
    /// Its number; never reused within the site.
    pub id: u32,
    /// Numbers of the goals, first to last.
    pub steps: Vec<u32>,
}

/// What is wrong with a setting, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {problem}")]
pub struct Invalid {
    /// `shields.pages`, `goals`, ….
    pub place: &'static str,
    /// For a person.
    pub problem: String,
}

fn invalid(place: &'static str, problem: impl Into<String>) -> Invalid {
    Invalid {
        place,
        problem: problem.into(),
    }
}

impl Settings {
    /// Checks every bound and form.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        self.shields.check()?;
        if self.goals.len() > limits::GOALS_MAX {
            return Err(invalid("goals", "more than 100"));
        }
        for (place, goal) in self.goals.iter().enumerate() {
            goal.kind.check()?;
            let before = self.goals.iter().take(place);
            if before
                .clone()
                .any(|other| other.id == goal.id || other.kind == goal.kind)
            {
                return Err(invalid("goals", "the same goal twice"));
            }
        }
        if self.funnels.len() > limits::FUNNELS_MAX {
            return Err(invalid("funnels", "more than 20"));
        }
        for funnel in &self.funnels {
            let steps = funnel.steps.len();
            if !(limits::FUNNEL_STEPS_MIN..=limits::FUNNEL_STEPS_MAX).contains(&steps) {
                return Err(invalid("funnels", "a funnel has 2 to 8 steps"));
            }
            let known = |step: &u32| self.goals.iter().any(|goal| goal.id == *step);
            if !funnel.steps.iter().all(known) {
                return Err(invalid("funnels", "a step is not a goal of the site"));
            }
        }
        Ok(())
    }
}

impl Shields {
    fn check(&self) -> Result<(), Invalid> {
        let lists = [
            ("shields.hosts", &self.hosts),
            ("shields.pages", &self.pages),
            ("shields.countries", &self.countries),
            ("shields.networks", &self.networks),
        ];
        for (place, list) in lists {
            if list.len() > limits::SHIELD_ENTRIES_MAX {
                return Err(invalid(place, "more than 500 entries"));
            }
        }
        for host in &self.hosts {
            Pattern::parse(host).map_err(|problem| invalid("shields.hosts", problem))?;
        }
        for page in &self.pages {
            page_pattern("shields.pages", page)?;
        }
        for country in &self.countries {
            if country.len() != 2 || !country.bytes().all(|b| b.is_ascii_uppercase()) {
                let problem = format!("{country:?} is not a two-letter code such as DE");
                return Err(invalid("shields.countries", problem));
            }
        }
        for network in &self.networks {
            if Network::parse(network).is_none() {
                let problem =
                    format!("{network:?} is not an address or a network such as 192.0.2.0/24");
                return Err(invalid("shields.networks", problem));
            }
        }
        Ok(())
    }
}

impl GoalKind {
    /// Checks its form.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            GoalKind::Event { name } => {
                let length = name.chars().count();
                if name.trim().is_empty() || length > limits::EVENT_NAME_CHARS_MAX {
                    return Err(invalid("goals", "an event's name has 1 to 120 characters"));
                }
                if name == "pageview" || name == "engagement" {
                    return Err(invalid("goals", "for page views make a page goal"));
                }
                Ok(())
            }
            GoalKind::Page { path } => page_pattern("goals", path),
            GoalKind::Scroll { path, percent } => {
                if !(1..=100).contains(percent) {
                    return Err(invalid("goals", "a scroll goal wants 1 to 100 percent"));
                }
                page_pattern("goals", path)
            }
        }
    }
}

fn page_pattern(place: &'static str, text: &str) -> Result<(), Invalid> {
    if !text.starts_with(['/', '*']) {
        let problem = format!("{text:?} does not begin with a slash or a star");
        return Err(invalid(place, problem));
    }
    Pattern::parse(text)
        .map(drop)
        .map_err(|problem| invalid(place, problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(id: u32, path: &str) -> Goal {
        Goal {
            id,
            kind: GoalKind::Page { path: path.into() },
        }
    }

    #[test]
    fn what_is_wrong_is_named_by_its_place() {
        let wrong = |change: &dyn Fn(&mut Settings)| {
            let mut settings = Settings::default();
            change(&mut settings);
            settings.check().unwrap_err().place
        };
        assert_eq!(
            wrong(&|s| s.shields.pages.push("x".into())),
            "shields.pages"
        );
        assert_eq!(wrong(&|s| s.shields.hosts.push("".into())), "shields.hosts");
        assert_eq!(
            wrong(&|s| s.shields.countries.push("de".into())),
            "shields.countries"
        );
        for bad in ["", "1.2.3", "1.2.3.4/33", "::/129", "x/8"] {
            assert_eq!(
                wrong(&|s| s.shields.networks.push(bad.into())),
                "shields.networks"
            );
        }
        assert_eq!(
            wrong(&|s| s.shields.pages = vec!["/x".into(); 501]),
            "shields.pages"
        );
        assert_eq!(wrong(&|s| s.goals.push(page(1, "x"))), "goals");
        assert_eq!(
            wrong(&|s| s.goals = vec![page(1, "/x"), page(2, "/x")]),
            "goals"
        );
        assert_eq!(
            wrong(&|s| s.goals = vec![page(1, "/x"), page(1, "/y")]),
            "goals"
        );
        let event = |name: &str| Goal {
            id: 9,
            kind: GoalKind::Event { name: name.into() },
        };
        for name in ["", " ", "pageview", "engagement"] {
            assert_eq!(wrong(&|s| s.goals.push(event(name))), "goals");
        }
        let scroll = |percent| Goal {
            id: 9,
            kind: GoalKind::Scroll {
                path: "/".into(),
                percent,
            },
        };
        assert_eq!(wrong(&|s| s.goals.push(scroll(0))), "goals");
        for steps in [vec![1], vec![1; 9], vec![1, 2]] {
            let funnel = Funnel { id: 1, steps };
            assert_eq!(
                wrong(&|s| {
                    s.goals.push(page(1, "/x"));
                    s.funnels.push(funnel.clone());
                }),
                "funnels"
            );
        }
    }

    #[test]
    fn settings_survive_the_wire_and_missing_ones_have_their_default() {
        let settings = Settings {
            dnt: Signal::Drop,
            goals: vec![page(3, "/thanks/**")],
            funnels: vec![Funnel {
                id: 1,
                steps: vec![3, 3],
            }],
            ..Settings::default()
        };
        settings.check().unwrap();
        let json = serde_json::to_string(&settings).unwrap();
        assert!(json.contains(r#""dnt":"drop""#) && json.contains(r#""kind":"page""#));
        assert_eq!(serde_json::from_str::<Settings>(&json).unwrap(), settings);
        assert_eq!(
            serde_json::from_str::<Settings>("{}").unwrap(),
            Settings::default()
        );
    }
}
