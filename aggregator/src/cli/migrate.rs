//! `dayfly migrate`.

use std::time::Duration;

use aggregator::clock::SystemClock;
use aggregator::data::DataFolder;
use aggregator::error::{Error, Result};
use aggregator::migrate::{self, Begin, Migration};
use aggregator::store::{Place, Store};
use clap::Args;
use shared::clock::Clock as _;
use sqlx::migrate::MigrateError;

/// A running server looks every second whether its database is being moved.
const UNTIL_SEEN: Duration = Duration::from_secs(2);

/// `dayfly migrate`.
#[derive(Args)]
pub struct MigrateCommand {
    /// An empty database of Postgres, postgres://user:password@host/name; or the word sqlite, for the
    /// file in the data folder.
    #[arg(long, required_unless_present = "take_back")]
    to: Option<String>,
    /// Make the old database the one in use again. What the new one has counted since does not come
    /// back with it, but for what edges still hold, of 48 hours.
    #[arg(long, conflicts_with = "to")]
    take_back: bool,
}

impl MigrateCommand {
    /// Runs it.
    pub async fn run(self, data: &DataFolder) -> Result<()> {
        if let Place::File(file) = data.database()
            && !file.exists()
        {
            return Err(Error::Invalid(format!(
                "there is no database {}; name the data folder with --data",
                file.display()
            )));
        }
        data.not_while_it_moves()?;
        let Some(to) = &self.to else {
            return take_back(data).await;
        };
        let to = migrate::target(to, &data.path().join("dayfly.sqlite"))?;
        if data.database() == &to {
            return Err(Error::Migrate {
                place: to.shown(),
                problem: "that is the database that is to be moved".into(),
            });
        }
        let from = Store::open_whatever_was_moved(data.database()).await?;
        let done = match open_target(&to).await {
            Ok(target) => {
                let done = move_all(data, (&from, data.database()), (&target, &to)).await;
                target.close().await;
                done
            }
            Err(error) => Err(error),
        };
        from.close().await;
        done
    }
}

async fn open_target(to: &Place) -> Result<Store> {
    Store::open_whatever_was_moved(to)
        .await
        .map_err(|error| Error::Migrate {
            place: to.shown(),
            problem: match error {
                Error::Database(problem)
                | Error::Migration(
                    MigrateError::Execute(problem) | MigrateError::ExecuteMigration(problem, _),
                ) => format!(
                    "{problem}; it must be there, and its user must be allowed to make tables in it"
                ),
                other => other.to_string(),
            },
        })
}

async fn move_all(data: &DataFolder, from: (&Store, &Place), to: (&Store, &Place)) -> Result<()> {
    let mut migration = Migration::new(from, to)?;
    let place = to.1.shown();
    // What is refused costs the running server nothing. Looked at again when nobody else moves it.
    migration.begin().await?;
    let _lock = data.lock_for_move()?;
    match migration.begin().await? {
        Begin::Done => {
            println!("everything was moved to {place} before");
            tell_what_follows(data, to.1);
            return Ok(());
        }
        Begin::Finish => {
            migration.finish().await?;
            println!("a move to {place} had broken off before its last step; it is done now");
            tell_what_follows(data, to.1);
            return Ok(());
        }
        Begin::Again => println!(
            "a move to {place} had broken off; what it has left there is deleted, and filled in anew"
        ),
        Begin::Fresh => println!("moving {} to {place}", from.1.shown()),
    }
    if data.is_served() {
        println!(
            "the running server takes nothing meanwhile: edges keep what they count, pages can be looked at"
        );
        #[allow(clippy::disallowed_methods)] // Waits for another process.
        tokio::time::sleep(UNTIL_SEEN).await;
    }
    let now_ms = SystemClock.now_ms();
    let copied = migration.copy(now_ms).await?;
    println!("copied {} rows", copied.rows());
    for site in migration.compare(&copied).await? {
        println!(
            "{}: {} hits, {} page views, the same in both",
            site.domain, site.hits, site.views
        );
    }
    migration.let_go(copied, now_ms).await?;
    migration.finish().await?;
    println!("moved: every row was read again, every count is sound");
    tell_what_follows(data, to.1);
    Ok(())
}

fn tell_what_follows(data: &DataFolder, to: &Place) {
    let folder = data.path().display();
    match to {
        Place::Url(_) => println!(
            "now set DAYFLY_DATABASE (or --database) to {}, with its password, for dayfly serve and for every other command, and restart dayfly serve",
            to.shown()
        ),
        Place::File(_) => println!(
            "now take DAYFLY_DATABASE (and --database) away, for dayfly serve and for every other command, and restart dayfly serve"
        ),
    }
    println!(
        "go on with the data folder {folder}: edge.key is in it and the day's salts are known by it; settings of mail, certificates and backups stay as they are"
    );
    println!(
        "the old database is refused from now on; dayfly migrate --take-back makes it the one in use again"
    );
}

async fn take_back(data: &DataFolder) -> Result<()> {
    let store = Store::open_whatever_was_moved(data.database()).await?;
    let moved = store.moved().await;
    let taken = store.take_move_back().await;
    store.close().await;
    let shown = data.database().shown();
    match (taken?, moved?) {
        (true, Some(moved)) => {
            println!(
                "{shown} is in use again: start dayfly serve with it, and stop every server on {}; within an hour edges send what they have delivered there, of the last 48 hours",
                moved.place
            );
            Ok(())
        }
        _ => Err(Error::Invalid(format!("{shown} was not moved anywhere"))),
    }
}
