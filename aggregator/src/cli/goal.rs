//! `dayfly goal`: what a site's owner wants visitors to do.

use aggregator::data::DataFolder;
use aggregator::error::Result;
use aggregator::store::NamedGoal;
use clap::{Args, Subcommand};
use shared::settings::GoalKind;

use super::with_site;

/// See the module.
#[derive(Subcommand)]
pub enum GoalCommand {
    /// Add a goal; it counts from now on.
    Add {
        /// The site's host name.
        domain: String,
        #[command(flatten)]
        what: What,
        /// How far to scroll on the page, percent of its height.
        #[arg(long, conflicts_with = "event")]
        scroll: Option<u8>,
        /// The name it is shown under; else one that says what it is.
        #[arg(long)]
        name: Option<String>,
    },
    /// List the goals: number, what completes it, name.
    List {
        /// The site's host name.
        domain: String,
    },
    /// Give a goal another name; what it has counted stays.
    Rename {
        /// The site's host name.
        domain: String,
        /// Its number.
        id: u32,
        /// The name it is shown under from now on.
        name: String,
    },
    /// Remove a goal that no funnel uses; what it has counted stays.
    Remove {
        /// The site's host name.
        domain: String,
        /// Its number.
        id: u32,
    },
}

/// What completes a goal.
#[derive(Args)]
#[group(required = true, multiple = false)]
pub struct What {
    /// A custom event of this name.
    #[arg(long)]
    event: Option<String>,
    /// A view of a page whose path matches: * is anything but a slash, ** anything.
    #[arg(long)]
    page: Option<String>,
}

impl What {
    fn kind(self, scroll: Option<u8>) -> GoalKind {
        match (self.event, self.page.unwrap_or_default(), scroll) {
            (Some(name), _, _) => GoalKind::Event { name },
            (None, path, None) => GoalKind::Page { path },
            (None, path, Some(percent)) => GoalKind::Scroll { path, percent },
        }
    }
}

/// A goal in a line: number, what completes it, name.
pub fn line(named: &NamedGoal) -> String {
    let what = match &named.goal.kind {
        GoalKind::Event { name } => format!("event {name}"),
        GoalKind::Page { path } => format!("page {path}"),
        GoalKind::Scroll { path, percent } => format!("scroll {percent}% on {path}"),
    };
    format!("{}\t{what}\t{}", named.goal.id, named.name)
}

impl GoalCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        match self {
            Self::Add {
                domain,
                what,
                scroll,
                name,
            } => {
                let kind = what.kind(scroll);
                with_site(data, &domain, async |store, site| {
                    let added = store.add_goal(site.id, kind, name.as_deref()).await?;
                    println!("{}", line(&added));
                    Ok(())
                })
                .await
            }
            Self::List { domain } => {
                with_site(data, &domain, async |store, site| {
                    for goal in store.goals(site.id).await? {
                        println!("{}", line(&goal));
                    }
                    Ok(())
                })
                .await
            }
            Self::Rename { domain, id, name } => {
                with_site(data, &domain, async |store, site| {
                    println!("{}", line(&store.rename_goal(site.id, id, &name).await?));
                    Ok(())
                })
                .await
            }
            Self::Remove { domain, id } => {
                with_site(data, &domain, async |store, site| {
                    store.remove_goal(site.id, id).await?;
                    println!("removed goal {id} of {}", site.domain);
                    Ok(())
                })
                .await
            }
        }
    }
}
