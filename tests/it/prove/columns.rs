//! That the aggregator has nowhere to put a visitor (I1, I2): each column, and what it may hold.

use std::collections::BTreeSet;

use sqlx::postgres::PgPool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};

use super::table::{Outcome, Promise};
use crate::system::System;

/// See the name.
pub const COLUMNS: Promise = Promise {
    name: "prove_no_column_can_hold_a_visitor",
    promise: "The database has no column for a visitor's address, browser, hash, session or history.",
    tried: "The columns of the running database are read from its own catalogue and compared with a \
            list that says what each may hold; what is not on the list fails. Every value is looked \
            at in the canary's search above.",
};

/// What visits are counted in: table, columns, what their texts and bytes are. The others are numbers
/// (of sites, days, hours, minutes, batches) and counts.
const COUNTS: [(&str, &str, &str); 7] = [
    (
        "source",
        "site_id id date shard incarnation last_seq hits_total set_aside closed degraded",
        "incarnation: random, of a day object's storage",
    ),
    (
        "batch",
        "site_id source_id seq sha256",
        "sha256: of a batch, so that none counts twice",
    ),
    (
        "segment",
        "site_id date no level rows hourly totals",
        "none",
    ),
    (
        "part",
        "site_id part date no bytes",
        "bytes: packed counts, and the strings of a batch",
    ),
    ("dropped", "site_id date reason n", "reason: one of a list"),
    (
        "minute",
        "site_id date minute views visitors",
        "none; deleted after a day",
    ),
    (
        "live",
        "site_id source_id date minute visitors",
        "none; deleted after a day",
    ),
];

/// What owners decide, and who of them may look.
const OWNERS: [(&str, &str); 21] = [
    (
        "site",
        "id domain timezone created_on settings last_goal last_funnel kept_months former_domain \
         former_until props",
    ),
    ("erased", "id erased_on"),
    (
        "api_key",
        "id sha256 prefix name site_id scope hourly_limit created_on works_until last_used_on",
    ),
    (
        "account",
        "id mail name is_admin password totp_secret totp_pending totp_last_step created_on",
    ),
    ("recovery_code", "account_id sha256"),
    ("role", "site_id account_id role"),
    (
        "login",
        "id sha256 account_id awaits_code created_on last_used_on expires_ms",
    ),
    (
        "one_time_link",
        "id sha256 kind mail is_admin site_id role account_id expires_ms",
    ),
    ("goal", "site_id id name kind target percent"),
    ("saved_segment", "id site_id account_id name filters"),
    ("funnel", "site_id id name steps"),
    ("shards", "site_id date shards"),
    (
        "import",
        "site_id sha256 name started_on done times settings",
    ),
    ("public_view", "site_id k"),
    (
        "shared_link",
        "id sha256 site_id name password k created_on works_until last_used_on",
    ),
    ("shared_login", "sha256 link_id expires_ms"),
    (
        "mail_wish",
        "site_id account_id weekly_ms monthly_ms spike_ms drop_ms spike_visitors drop_visitors \
         drop_hours",
    ),
    (
        "mail_sent",
        "site_id account_id kind period state began_ms next_ms",
    ),
    ("mail_key", "id secret"),
    ("moved", "id move state place at_ms"),
    ("salt_keeper", "id instance name epoch renewed_s"),
];

/// Tables of the engines and of sqlx, which hold nothing of ours.
const FOREIGN: [&str; 2] = ["_sqlx_migrations", "sqlite_sequence"];

fn known() -> BTreeSet<String> {
    let counts = COUNTS.iter().map(|(table, columns, _)| (*table, *columns));
    let all = counts.chain(OWNERS);
    all.flat_map(|(table, columns)| {
        let columns = columns.split_whitespace();
        columns.map(move |column| format!("{table}.{column}"))
    })
    .collect()
}

/// Compares the list with the columns of a system's database.
pub async fn check(system: &System) -> Outcome {
    let columns: Vec<(String, String)> = match &system.database {
        None => {
            let file = system.data.path().join("dayfly.sqlite");
            let pool = SqlitePool::connect_with(SqliteConnectOptions::new().filename(file));
            let pool = pool.await.unwrap();
            let columns = sqlx::query_as(
                "SELECT s.name, c.name FROM sqlite_schema s JOIN pragma_table_xinfo(s.name) c \
                 WHERE s.type = 'table'",
            );
            let columns = columns.fetch_all(&pool).await.unwrap();
            pool.close().await;
            columns
        }
        Some(url) => {
            let pool = PgPool::connect(url).await.unwrap();
            // A partition has the columns of its table.
            let columns = sqlx::query_as(
                "SELECT c.relname::text, a.attname::text FROM pg_attribute a \
                 JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
                 WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') \
                 AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
                 AND a.attnum > 0 AND NOT a.attisdropped",
            );
            let columns = columns.fetch_all(&pool).await.unwrap();
            pool.close().await;
            columns
        }
    };
    let own = columns
        .iter()
        .filter(|(table, _)| !FOREIGN.contains(&&**table));
    let own: BTreeSet<String> = own
        .map(|(table, column)| format!("{table}.{column}"))
        .collect();
    let known = known();
    match own.symmetric_difference(&known).next() {
        None => Ok(format!(
            "{} columns of {} tables, of which {} hold counts, the others what owners decide and \
             who of them may look",
            own.len(),
            COUNTS.len() + OWNERS.len(),
            COUNTS.len(),
        )),
        Some(column) if own.contains(column) => Err(format!("nobody has said what {column} holds")),
        Some(column) => Err(format!("{column} is not there")),
    }
}
