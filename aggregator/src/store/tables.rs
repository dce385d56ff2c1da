//! The tables and their columns: what a backup holds, what a move takes along, what neither does.

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Int,
    Text,
    Bytes,
}
use Kind::{Bytes, Int, Text};

/// A table and its columns.
pub(super) type Table = (&'static str, &'static [(&'static str, Kind)]);

/// Tables in an order in which they can be filled.
pub(super) const TABLES: [Table; 21] = [
    (
        "site",
        &[
            ("id", Int),
            ("domain", Text),
            ("timezone", Text),
            ("created_on", Int),
            ("settings", Text),
            ("last_goal", Int),
            ("last_funnel", Int),
            ("kept_months", Int),
            ("former_domain", Text),
            ("former_until", Int),
            ("props", Text),
        ],
    ),
    ("erased", &[("id", Int), ("erased_on", Int)]),
    (
        "account",
        &[
            ("id", Int),
            ("mail", Text),
            ("name", Text),
            ("is_admin", Int),
            ("password", Text),
            ("totp_secret", Bytes),
            ("totp_pending", Bytes),
            ("totp_last_step", Int),
            ("created_on", Int),
        ],
    ),
    ("recovery_code", &[("account_id", Int), ("sha256", Bytes)]),
    (
        "role",
        &[("site_id", Int), ("account_id", Int), ("role", Text)],
    ),
    (
        "mail_wish",
        &[
            ("site_id", Int),
            ("account_id", Int),
            ("weekly_ms", Int),
            ("monthly_ms", Int),
            ("spike_ms", Int),
            ("drop_ms", Int),
            ("spike_visitors", Int),
            ("drop_visitors", Int),
            ("drop_hours", Int),
        ],
    ),
    (
        "mail_sent",
        &[
            ("site_id", Int),
            ("account_id", Int),
            ("kind", Text),
            ("period", Int),
            ("state", Text),
            ("began_ms", Int),
            ("next_ms", Int),
        ],
    ),
    ("mail_key", &[("id", Int), ("secret", Bytes)]),
    (
        "api_key",
        &[
            ("sha256", Bytes),
            ("prefix", Text),
            ("name", Text),
            ("site_id", Int),
            ("scope", Text),
            ("hourly_limit", Int),
            ("created_on", Int),
            ("works_until", Int),
            ("last_used_on", Int),
        ],
    ),
    ("public_view", &[("site_id", Int), ("k", Int)]),
    (
        "shared_link",
        &[
            ("id", Int),
            ("sha256", Bytes),
            ("site_id", Int),
            ("name", Text),
            ("password", Text),
            ("k", Int),
            ("created_on", Int),
            ("works_until", Int),
            ("last_used_on", Int),
        ],
    ),
    (
        "saved_segment",
        &[
            ("id", Int),
            ("site_id", Int),
            ("account_id", Int),
            ("name", Text),
            ("filters", Text),
        ],
    ),
    (
        "source",
        &[
            ("site_id", Int),
            ("id", Int),
            ("date", Int),
            ("shard", Int),
            ("incarnation", Bytes),
            ("last_seq", Int),
            ("hits_total", Int),
            ("set_aside", Int),
            ("closed", Int),
            ("degraded", Int),
        ],
    ),
    (
        "batch",
        &[
            ("site_id", Int),
            ("source_id", Int),
            ("seq", Int),
            ("sha256", Bytes),
        ],
    ),
    (
        "segment",
        &[
            ("site_id", Int),
            ("date", Int),
            ("no", Int),
            ("level", Int),
            ("rows", Int),
            ("hourly", Int),
            ("totals", Int),
        ],
    ),
    (
        "part",
        &[
            ("site_id", Int),
            ("part", Int),
            ("date", Int),
            ("no", Int),
            ("bytes", Bytes),
        ],
    ),
    (
        "dropped",
        &[
            ("site_id", Int),
            ("date", Int),
            ("reason", Text),
            ("n", Int),
        ],
    ),
    (
        "goal",
        &[
            ("site_id", Int),
            ("id", Int),
            ("name", Text),
            ("kind", Text),
            ("target", Text),
            ("percent", Int),
        ],
    ),
    (
        "funnel",
        &[
            ("site_id", Int),
            ("id", Int),
            ("name", Text),
            ("steps", Text),
        ],
    ),
    (
        "shards",
        &[("site_id", Int), ("date", Int), ("shards", Int)],
    ),
    (
        "import",
        &[
            ("site_id", Int),
            ("sha256", Bytes),
            ("name", Text),
            ("started_on", Int),
            ("done", Int),
            ("times", Int),
            ("settings", Text),
        ],
    ),
];

/// Tables that a backup leaves out: of the live view, whose rows live for a day only, and what opens
/// accounts or links without a password. In an order in which they can be filled, after the others.
pub(super) const LEFT_OUT: [Table; 5] = [
    (
        "login",
        &[
            ("id", Int),
            ("sha256", Bytes),
            ("account_id", Int),
            ("awaits_code", Int),
            ("created_on", Int),
            ("last_used_on", Int),
            ("expires_ms", Int),
        ],
    ),
    (
        "one_time_link",
        &[
            ("id", Int),
            ("sha256", Bytes),
            ("kind", Text),
            ("mail", Text),
            ("is_admin", Int),
            ("site_id", Int),
            ("role", Text),
            ("account_id", Int),
            ("expires_ms", Int),
        ],
    ),
    (
        "shared_login",
        &[("sha256", Bytes), ("link_id", Int), ("expires_ms", Int)],
    ),
    (
        "live",
        &[
            ("site_id", Int),
            ("source_id", Int),
            ("date", Int),
            ("minute", Int),
            ("visitors", Int),
        ],
    ),
    (
        "minute",
        &[
            ("site_id", Int),
            ("date", Int),
            ("minute", Int),
            ("views", Int),
            ("visitors", Int),
        ],
    ),
];

/// What is of one database and no other: no backup has it, and no move takes it along.
pub(super) const OF_ONE: [(&str, &[&str]); 2] = [
    ("moved", &["id", "move", "state", "place", "at_ms"]),
    (
        "salt_keeper",
        &["id", "instance", "name", "epoch", "renewed_s"],
    ),
];

/// Every table that a move takes along, in an order in which they can be filled.
pub(super) fn moved_tables() -> impl DoubleEndedIterator<Item = Table> {
    TABLES.into_iter().chain(LEFT_OUT)
}

/// Whether the schema has this column. That of the migrations is sqlx's own.
pub(super) fn is_known(table: &str, column: &str) -> bool {
    let of = moved_tables().find(|(known, _)| *known == table);
    let is_moved = of.is_some_and(|(_, all)| all.iter().any(|(known, _)| *known == column));
    let of = OF_ONE.iter().find(|(known, _)| *known == table);
    let is_of_one = of.is_some_and(|(_, all)| all.contains(&column));
    let is_own_number = table == "api_key" && column == "id";
    is_moved || is_of_one || is_own_number || table == "_sqlx_migrations"
}
