//! Goals of sites. A goal's number is given once within its site: counts of a goal that was
//! removed are never taken for another's.

use shared::settings::{Goal, GoalKind};
use shared::visitor::SiteId;

use super::db::{Row, Tx, sql};
use super::{Store, funnels, saved_segments, settings, sites};
use crate::error::{Error, Result};
use crate::query::Goals;

/// Longest name that is given to a goal or a funnel, characters.
const NAME_CHARS_MAX: usize = 120;

/// A goal and the name it is shown under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedGoal {
    /// The goal.
    pub goal: Goal,
    /// Unique within the site.
    pub name: String,
}

/// The name of a goal that was given none.
fn default_name(kind: &GoalKind) -> String {
    match kind {
        GoalKind::Event { name } => name.clone(),
        GoalKind::Page { path } => format!("Visit {path}"),
        GoalKind::Scroll { path, percent } => format!("Scroll {percent}% on {path}"),
    }
}

/// Checks a name that a person gives.
pub(super) fn check_name(name: &str) -> Result<&str> {
    check_name_of(name, NAME_CHARS_MAX)
}

/// The same for a name of so many characters at most.
pub(super) fn check_name_of(name: &str, chars_max: usize) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > chars_max {
        return Err(Error::Invalid(format!(
            "name: a name has 1 to {chars_max} characters"
        )));
    }
    if name.chars().any(char::is_control) {
        return Err(Error::Invalid("name: a control character".into()));
    }
    Ok(name)
}

fn read(row: &Row) -> Result<(SiteId, NamedGoal)> {
    let (site, id, name): (SiteId, u32, String) = (row.number(0)?, row.number(1)?, row.text(2)?);
    let (kind, target) = (row.text(3)?, row.text(4)?);
    let percent = row.int_or_null(5)?.and_then(|n| u8::try_from(n).ok());
    let kind = match (kind.as_str(), percent) {
        ("event", None) => GoalKind::Event { name: target },
        ("page", None) => GoalKind::Page { path: target },
        ("scroll", Some(percent)) => GoalKind::Scroll {
            path: target,
            percent,
        },
        _ => {
            return Err(Error::Invalid(format!(
                "the stored goal {id} of site {site}"
            )));
        }
    };
    let goal = Goal { id, kind };
    Ok((site, NamedGoal { goal, name }))
}

/// The goals of one site, or of all, by number.
pub(super) async fn load(tx: &mut Tx, site: Option<SiteId>) -> Result<Vec<(SiteId, NamedGoal)>> {
    let rows = tx
        .all(
            sql("SELECT site_id, id, name, kind, target, percent FROM goal
                 WHERE CAST($1 AS BIGINT) IS NULL OR site_id = CAST($1 AS BIGINT)
                 ORDER BY site_id, id")
            .bind(site),
        )
        .await?;
    rows.iter().map(read).collect()
}

/// Adds a goal, in the caller's transaction.
async fn add(tx: &mut Tx, site: SiteId, kind: GoalKind, name: Option<&str>) -> Result<NamedGoal> {
    let given = name.map(check_name).transpose()?;
    let name = given.map_or_else(|| default_name(&kind), str::to_owned);
    let row = tx
        .first(
            sql("UPDATE site SET last_goal = last_goal + 1 WHERE id = $1 RETURNING last_goal")
                .bind(site),
        )
        .await?
        .ok_or_else(settings::gone)?;
    let goal = Goal {
        id: row.number(0)?,
        kind,
    };
    let mut new = settings::of(tx, site).await?;
    new.goals.push(goal.clone());
    settings::check(&new)?;
    let (kind, target, percent) = match &goal.kind {
        GoalKind::Event { name } => ("event", name, None::<i64>),
        GoalKind::Page { path } => ("page", path, None),
        GoalKind::Scroll { path, percent } => ("scroll", path, Some(i64::from(*percent))),
    };
    let added = tx
        .execute(
            sql("INSERT INTO goal (site_id, id, name, kind, target, percent)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (site_id, name) DO NOTHING")
            .bind(site)
            .bind(goal.id)
            .bind(name.as_str())
            .bind(kind)
            .bind(target.as_str())
            .bind(percent),
        )
        .await?;
    if added == 0 {
        return Err(Error::Invalid(format!(
            "name: there is a goal {name:?} already"
        )));
    }
    Ok(NamedGoal { goal, name })
}

impl Store {
    /// The goals of a site, by number.
    ///
    /// # Errors
    /// The database failed.
    pub async fn goals(&self, site: SiteId) -> Result<Vec<NamedGoal>> {
        let mut tx = self.db.read().await?;
        let goals = load(&mut tx, Some(site)).await?;
        Ok(goals.into_iter().map(|(_, goal)| goal).collect())
    }

    /// The same, for questions.
    ///
    /// # Errors
    /// The database failed.
    pub async fn named_goals(&self, site: SiteId) -> Result<Goals> {
        Ok(Goals::new(self.goals(site).await?))
    }

    /// Adds a goal; it counts from now on. Without a name it gets one that says what it is.
    ///
    /// # Errors
    /// It is not allowed, it or its name is there already, the site does not exist, or the
    /// database failed.
    pub async fn add_goal(
        &self,
        site: SiteId,
        kind: GoalKind,
        name: Option<&str>,
    ) -> Result<NamedGoal> {
        let mut tx = self.db.write().await?;
        let added = add(&mut tx, site, kind, name).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// The goal of this kind as it is, or else adds it as [`Store::add_goal`] does.
    ///
    /// # Errors
    /// As there.
    pub async fn find_or_add_goal(
        &self,
        site: SiteId,
        kind: GoalKind,
        name: Option<&str>,
    ) -> Result<NamedGoal> {
        let mut tx = self.db.write().await?;
        // Whoever asks for the same at the same time waits, and finds it.
        sites::hold(&mut tx, site)
            .await?
            .ok_or_else(settings::gone)?;
        let known = load(&mut tx, Some(site)).await?.into_iter();
        let mut known = known.map(|(_, named)| named);
        if let Some(found) = known.find(|named| named.goal.kind == kind) {
            return Ok(found);
        }
        let added = add(&mut tx, site, kind, name).await?;
        tx.commit().await?;
        Ok(added)
    }

    /// Gives a goal another name; what it has counted stays, for it is counted by the goal's number.
    /// Saved segments that name it follow.
    ///
    /// # Errors
    /// There is no such goal, the name is not allowed or another's ([`Error::Invalid`] begins with
    /// the field), or the database failed.
    pub async fn rename_goal(&self, site: SiteId, id: u32, name: &str) -> Result<NamedGoal> {
        let name = check_name(name)?;
        let mut tx = self.db.write().await?;
        // Whoever renames another goal at the same time waits.
        sites::hold(&mut tx, site)
            .await?
            .ok_or_else(settings::gone)?;
        let all = load(&mut tx, Some(site)).await?;
        let mut known = all.iter().map(|(_, named)| named);
        let Some(goal) = known.clone().find(|named| named.goal.id == id) else {
            return Err(Error::Invalid(format!("there is no goal {id}")));
        };
        if known.any(|other| other.goal.id != id && other.name == name) {
            return Err(Error::Invalid(format!(
                "name: there is a goal {name:?} already"
            )));
        }
        let statement = sql("UPDATE goal SET name = $3 WHERE site_id = $1 AND id = $2");
        tx.execute(statement.bind(site).bind(id).bind(name)).await?;
        saved_segments::goal_renamed(&mut tx, site, &goal.name, name).await?;
        tx.commit().await?;
        Ok(NamedGoal {
            goal: goal.goal.clone(),
            name: name.to_owned(),
        })
    }

    /// Removes a goal; what it has counted stays.
    ///
    /// # Errors
    /// There is no such goal, a funnel uses it, or the database failed.
    pub async fn remove_goal(&self, site: SiteId, id: u32) -> Result<()> {
        let mut tx = self.db.write().await?;
        let users: Vec<String> = funnels::load(&mut tx, Some(site))
            .await?
            .into_iter()
            .filter(|(_, named)| named.funnel.steps.contains(&id))
            .map(|(_, named)| format!("{} {:?}", named.funnel.id, named.name))
            .collect();
        if !users.is_empty() {
            return Err(Error::Invalid(format!(
                "goal {id} is a step of funnel {}: remove that first",
                users.join(" and of funnel ")
            )));
        }
        let removed = tx
            .execute(
                sql("DELETE FROM goal WHERE site_id = $1 AND id = $2")
                    .bind(site)
                    .bind(id),
            )
            .await?;
        if removed == 0 {
            return Err(Error::Invalid(format!("there is no goal {id}")));
        }
        tx.commit().await?;
        Ok(())
    }
}
