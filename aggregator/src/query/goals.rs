//! The goals of a site, as questions name them.

use shared::settings::GoalKind;

use super::dimension::Dimension;
use super::filter::{Filter, Leaf, Op};
use crate::store::NamedGoal;

/// See the module.
#[derive(Debug, Clone, Default)]
pub struct Goals(Vec<NamedGoal>);

impl Goals {
    /// Those of a site.
    pub const fn new(goals: Vec<NamedGoal>) -> Self {
        Self(goals)
    }

    /// All of them.
    pub fn all(&self) -> &[NamedGoal] {
        &self.0
    }

    /// Whether there is one of this name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|goal| goal.name == name)
    }

    /// The name of a goal's number, as it is stored.
    pub fn name(&self, number: &str) -> Option<&str> {
        let goal = self
            .0
            .iter()
            .find(|goal| goal.goal.id.to_string() == number);
        goal.map(|goal| goal.name.as_str())
    }

    /// The name of the goal that an event of this name completes.
    pub fn of_event(&self, event: &str) -> Option<&str> {
        let is = |goal: &&NamedGoal| matches!(&goal.goal.kind, GoalKind::Event { name } if name == event);
        self.0.iter().find(is).map(|goal| goal.name.as_str())
    }

    /// Conditions on goals by their numbers instead of their names.
    pub fn resolve(&self, filter: &Filter) -> Filter {
        map_goals(filter, &|leaf| {
            let goals = self.0.iter().filter(|goal| leaf.holds(&goal.name));
            numbers(goals.map(|goal| goal.goal.id))
        })
    }

    /// A condition: a goal of this kind.
    pub fn filter(&self, is_meant: impl Fn(&GoalKind) -> bool) -> Filter {
        let goals = self.0.iter().filter(|goal| is_meant(&goal.goal.kind));
        numbers(goals.map(|goal| goal.goal.id))
    }

    /// Conditions on goals ([`Goals::resolve`]d) as conditions on the names of events.
    ///
    /// # Errors
    /// One asks for a goal that is no event.
    pub fn as_events(&self, filter: &Filter) -> Result<Filter, String> {
        let asked = filter.leaves();
        let asked = asked
            .iter()
            .filter(|leaf| leaf.dimension == Dimension::Goal);
        for number in asked.flat_map(|leaf| &leaf.clauses) {
            let goal = self
                .0
                .iter()
                .find(|goal| goal.goal.id.to_string() == *number);
            if let Some(goal) = goal
                && !matches!(goal.goal.kind, GoalKind::Event { .. })
            {
                return Err(format!(
                    "the goal {:?} is no custom event: its properties and revenue are not counted apart from those of other page views",
                    goal.name
                ));
            }
        }
        Ok(map_goals(filter, &|leaf| {
            let events = self.0.iter().filter_map(|goal| match &goal.goal.kind {
                GoalKind::Event { name } => Some((goal.goal.id.to_string(), name)),
                _ => None,
            });
            let meant = events.filter(|(number, _)| leaf.clauses.contains(number));
            any_of(
                Dimension::EventName,
                meant.map(|(_, name)| name.clone()).collect(),
            )
        }))
    }
}

fn map_goals(filter: &Filter, to: &impl Fn(&Leaf) -> Filter) -> Filter {
    let all = |all: &[Filter]| all.iter().map(|one| map_goals(one, to)).collect();
    match filter {
        Filter::And(list) => Filter::And(all(list)),
        Filter::Or(list) => Filter::Or(all(list)),
        Filter::Not(one) => Filter::Not(Box::new(map_goals(one, to))),
        Filter::Leaf(leaf) if leaf.dimension == Dimension::Goal => to(leaf),
        Filter::Leaf(leaf) => Filter::Leaf(leaf.clone()),
    }
}

fn numbers(ids: impl Iterator<Item = u32>) -> Filter {
    any_of(Dimension::Goal, ids.map(|id| id.to_string()).collect())
}

fn any_of(dimension: Dimension, values: Vec<String>) -> Filter {
    match Leaf::new(dimension, (Op::Is, false), values, true) {
        Ok(leaf) => Filter::Leaf(leaf),
        // Only patterns fail.
        Err(_) => Filter::all(),
    }
}
