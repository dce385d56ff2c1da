//! `dayfly doctor`: looks at a running installation from end to end, and says of each thing that is
//! wrong what to do about it. It changes nothing.
//!
//! | file | what is looked at |
//! |---|---|
//! | `here.rs` | settings, data folder, database, salts, room on the disk, backups |
//! | `reach.rs` | the server, the edge and what they say of each other; the way in from outside; the SMTP server |

mod here;
mod reach;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::ExitCode;

use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use clap::Args;
use serde::Serialize;

use super::serve::ServeCommand;

/// Exit status when something is wrong.
const WRONG: u8 = 3;

/// `dayfly doctor`. Exit status 0: nothing is wrong, though there may be warnings. 3: something is.
#[derive(Args)]
pub struct DoctorCommand {
    /// Where the running server answers; else on this machine, at --port.
    #[arg(long, env = "DAYFLY_SERVER")]
    server: Option<String>,
    /// Tell it as JSON.
    #[arg(long)]
    json: bool,
    /// With the settings that the server is started with: the same options, the same environment.
    #[command(flatten)]
    serve: ServeCommand,
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Level {
    Ok,
    Skipped,
    Warning,
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    level: Level,
    found: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

/// What was found so far.
#[derive(Debug, Default)]
struct Checks(Vec<Check>);

impl Checks {
    fn add(&mut self, level: Level, name: &'static str, found: String, todo: Option<String>) {
        self.0.push(Check {
            name,
            level,
            found,
            todo,
        });
    }

    fn ok(&mut self, name: &'static str, found: impl Into<String>) {
        self.add(Level::Ok, name, found.into(), None);
    }

    fn skip(&mut self, name: &'static str, why: impl Into<String>) {
        self.add(Level::Skipped, name, why.into(), None);
    }

    fn warn(&mut self, name: &'static str, found: impl Into<String>, todo: impl Into<String>) {
        self.add(Level::Warning, name, found.into(), Some(todo.into()));
    }

    fn wrong(&mut self, name: &'static str, found: impl Into<String>, todo: impl Into<String>) {
        self.add(Level::Problem, name, found.into(), Some(todo.into()));
    }

    fn count(&self, level: Level) -> usize {
        self.0.iter().filter(|check| check.level == level).count()
    }

    fn print(&self) {
        for check in &self.0 {
            let word = match check.level {
                Level::Ok => "ok",
                Level::Skipped => "skipped",
                Level::Warning => "warning",
                Level::Problem => "PROBLEM",
            };
            println!("{word:<8} {:<14} {}", check.name, check.found);
            if let Some(todo) = &check.todo {
                println!("{:<8} {:<14} → {todo}", "", "");
            }
        }
        println!(
            "\n{} checks: {} problems, {} warnings, {} skipped",
            self.0.len(),
            self.count(Level::Problem),
            self.count(Level::Warning),
            self.count(Level::Skipped)
        );
    }
}

impl DoctorCommand {
    /// Looks at everything; `known` are the variables that some command takes.
    pub async fn run(
        self,
        data: &Path,
        database: Option<&str>,
        known: &BTreeSet<String>,
    ) -> Result<ExitCode> {
        let mut checks = Checks::default();
        let folder = DataFolder::at(data, database);
        here::settings(&self.serve, known, &mut checks);
        let may_look = here::data_folder(&folder, &mut checks);
        here::database(&folder, may_look, &mut checks).await;
        here::salts(&self.serve.salts, &mut checks);
        here::room(data, &mut checks);
        here::backups(&self.serve, &mut checks);
        reach::all(&self.serve, self.server.as_deref(), &folder, &mut checks).await;
        match self.json {
            true => {
                let told = serde_json::json!({
                    "problems": checks.count(Level::Problem),
                    "warnings": checks.count(Level::Warning),
                    "checks": checks.0,
                });
                let text = serde_json::to_string_pretty(&told);
                println!(
                    "{}",
                    text.map_err(|error| Error::Invalid(error.to_string()))?
                );
            }
            false => checks.print(),
        }
        Ok(match checks.count(Level::Problem) {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::from(WRONG),
        })
    }
}
