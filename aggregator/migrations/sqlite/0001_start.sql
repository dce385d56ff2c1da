-- Sites, keys, accounts, what was delivered, and the counts of it.
--
-- No column here can hold a visitor's identity: counts are keyed by local date, hour and coarse
-- attributes. Accounts are of those who look at the counts.
-- Dates are days since 1970-01-01; hours and minutes count from the start of the site's local day.
-- Every key of what belongs to a site begins with it. The same tables are in ../postgres.

CREATE TABLE site (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: edges may still know a removed site
    domain TEXT NOT NULL UNIQUE,
    timezone TEXT NOT NULL,
    created_on INTEGER NOT NULL,
    -- What the owner decided (shared::settings). Goals and funnels have tables; their numbers are
    -- counted here, so that none is given twice.
    settings TEXT NOT NULL DEFAULT '{}',
    last_goal INTEGER NOT NULL DEFAULT 0,
    last_funnel INTEGER NOT NULL DEFAULT 0,
    kept_months INTEGER NOT NULL DEFAULT 25, -- counts of older days are deleted
    -- The domain before the present one, '' for none: beacons for it count until this day (UTC) is over.
    former_domain TEXT NOT NULL DEFAULT '',
    former_until INTEGER NOT NULL DEFAULT 0,
    props TEXT NOT NULL DEFAULT '[]' -- the properties that are shown, a JSON array; empty: all
) STRICT;

-- Sites that were removed: the number and the date, nothing else. Only of these are edges told to drop
-- what they hold.
CREATE TABLE erased (
    id INTEGER PRIMARY KEY,
    erased_on INTEGER NOT NULL
) STRICT;

CREATE TABLE api_key (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    prefix TEXT NOT NULL UNIQUE, -- what a person recognises the key by, and revokes it by
    name TEXT NOT NULL, -- what a person calls it; may be empty
    site_id INTEGER REFERENCES site (id) ON DELETE CASCADE, -- NULL: every site
    scope TEXT NOT NULL CHECK (scope IN ('stats', 'sites')),
    hourly_limit INTEGER NOT NULL, -- requests
    created_on INTEGER NOT NULL,
    works_until INTEGER, -- the last day it works (UTC); NULL: for good
    last_used_on INTEGER -- written once a day at most
) STRICT;
CREATE INDEX api_key_of_site ON api_key (site_id);

-- People who may look, and log in by their mail address. Who visits a site has no row anywhere.
CREATE TABLE account (
    id INTEGER PRIMARY KEY, -- drawn at random, so that none is given twice
    mail TEXT NOT NULL UNIQUE, -- lower case
    name TEXT NOT NULL,
    is_admin INTEGER NOT NULL, -- of the whole server: opens every site
    password TEXT NOT NULL, -- bcrypt of a hash of it
    totp_secret BLOB NOT NULL DEFAULT x'', -- empty: no second step at log-in
    totp_pending BLOB NOT NULL DEFAULT x'', -- shown, but not confirmed by a code yet
    totp_last_step INTEGER NOT NULL DEFAULT 0, -- no code of this step or before is taken again
    created_on INTEGER NOT NULL
) STRICT;

-- What opens an account in the place of a code, each once.
CREATE TABLE recovery_code (
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (account_id, sha256)
) STRICT, WITHOUT ROWID;

-- Who may do what at a site.
CREATE TABLE role (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
    PRIMARY KEY (site_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX role_of_account ON role (account_id);

-- Browsers that are logged in, or half-way. No backup has them.
CREATE TABLE login (
    id INTEGER PRIMARY KEY, -- drawn at random
    sha256 BLOB NOT NULL UNIQUE, -- of the cookie's token
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    awaits_code INTEGER NOT NULL, -- the password was right, the code is still to come
    created_on INTEGER NOT NULL,
    last_used_on INTEGER NOT NULL, -- written once a day at most
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX login_of_account ON login (account_id);

-- Links that work once. No backup has them.
CREATE TABLE one_time_link (
    id INTEGER PRIMARY KEY, -- drawn at random
    sha256 BLOB NOT NULL UNIQUE, -- of the link's token
    kind TEXT NOT NULL CHECK (kind IN ('first', 'invitation', 'reset')),
    mail TEXT NOT NULL, -- whom an invitation is for; else empty
    is_admin INTEGER NOT NULL, -- an invitation: to the whole server
    site_id INTEGER REFERENCES site (id) ON DELETE CASCADE, -- an invitation: to this site,
    role TEXT NOT NULL, -- with this role; else empty
    account_id INTEGER REFERENCES account (id) ON DELETE CASCADE, -- a reset: of this one
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX one_time_link_of_site ON one_time_link (site_id);
CREATE INDEX one_time_link_of_account ON one_time_link (account_id);

-- One life of one day object, or one import, and the last batch of it that was applied.
CREATE TABLE source (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    id INTEGER NOT NULL, -- within the site
    date INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    incarnation BLOB NOT NULL,
    last_seq INTEGER NOT NULL,
    hits_total INTEGER NOT NULL,
    set_aside INTEGER NOT NULL DEFAULT 0, -- of these hits: in dead letters at the edge, not counted here
    closed INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    PRIMARY KEY (site_id, id),
    UNIQUE (site_id, date, shard, incarnation)
) STRICT, WITHOUT ROWID;

-- The dedupe marker of every applied batch.
CREATE TABLE batch (
    site_id INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (site_id, source_id, seq),
    FOREIGN KEY (site_id, source_id) REFERENCES source (site_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The counts of one day that came with one batch, or with many that were merged. A day is the sum
-- of its segments (aggregator/src/segment).
CREATE TABLE segment (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    no INTEGER NOT NULL, -- within site and date
    level INTEGER NOT NULL, -- how often it was merged
    rows INTEGER NOT NULL,
    hourly INTEGER NOT NULL, -- whether its cubes tell the hours of the day
    totals INTEGER NOT NULL, -- whether its rollups hold what its cubes do not
    PRIMARY KEY (site_id, date, no)
) STRICT, WITHOUT ROWID;

-- The parts of segments: rows of a cube, attributes they name, rollups by one dimension.
CREATE TABLE part (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    part INTEGER NOT NULL,
    date INTEGER NOT NULL,
    no INTEGER NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (site_id, part, date, no)
) STRICT, WITHOUT ROWID;

-- Events that were not counted: how many, for which reason, nothing else.
CREATE TABLE dropped (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    reason TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, reason)
) STRICT, WITHOUT ROWID;

-- The live view. No row of these two tables grows older than 24 hours.
CREATE TABLE minute (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    views INTEGER NOT NULL,
    visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE live (
    site_id INTEGER NOT NULL,
    source_id INTEGER NOT NULL,
    date INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    visitors INTEGER NOT NULL, -- with an event in the five minutes up to and with this one
    PRIMARY KEY (site_id, source_id),
    FOREIGN KEY (site_id, source_id) REFERENCES source (site_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE goal (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    name TEXT NOT NULL, -- as it is shown
    kind TEXT NOT NULL CHECK (kind IN ('event', 'page', 'scroll')),
    target TEXT NOT NULL, -- the event's name, or the pattern of pages
    percent INTEGER CHECK ((percent IS NOT NULL) = (kind = 'scroll')),
    PRIMARY KEY (site_id, id),
    UNIQUE (site_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE funnel (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    id INTEGER NOT NULL,
    name TEXT NOT NULL,
    steps TEXT NOT NULL, -- a JSON array of numbers of goals
    PRIMARY KEY (site_id, id),
    UNIQUE (site_id, name)
) STRICT, WITHOUT ROWID;

-- From this local date on, so many day objects count the site, until a later row says otherwise.
-- Rows are added for tomorrow only and never changed: a day that has begun keeps its number.
CREATE TABLE shards (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    shards INTEGER NOT NULL,
    PRIMARY KEY (site_id, date)
) STRICT, WITHOUT ROWID;

-- Files that were imported, by their SHA-256, so that none is counted twice unasked.
CREATE TABLE import (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    sha256 BLOB NOT NULL,
    name TEXT NOT NULL,
    started_on INTEGER NOT NULL,
    done INTEGER NOT NULL,
    times INTEGER NOT NULL, -- it was imported whole so often before
    settings TEXT NOT NULL, -- the site's when it was begun; empty when it is done
    PRIMARY KEY (site_id, sha256)
) STRICT, WITHOUT ROWID;
