-- Sites, keys, accounts, what was delivered, and the counts of it.
--
-- No column here can hold a visitor's identity: counts are keyed by local date, hour and coarse
-- attributes. Accounts are of those who look at the counts.
-- Dates are days since 1970-01-01; hours and minutes count from the start of the site's local day.
-- Every key of what belongs to a site begins with it. The same tables are in ../sqlite.
-- Whole numbers are BIGINT throughout, so that one statement serves both engines.

CREATE TABLE site (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, -- never reused: edges may still know a removed site
    domain TEXT NOT NULL UNIQUE,
    timezone TEXT NOT NULL,
    created_on BIGINT NOT NULL,
    -- What the owner decided (shared::settings). Goals and funnels have tables; their numbers are
    -- counted here, so that none is given twice.
    settings TEXT NOT NULL DEFAULT '{}',
    last_goal BIGINT NOT NULL DEFAULT 0,
    last_funnel BIGINT NOT NULL DEFAULT 0,
    kept_months BIGINT NOT NULL DEFAULT 25, -- counts of older days are deleted
    -- The domain before the present one, '' for none: beacons for it count until this day (UTC) is over.
    former_domain TEXT NOT NULL DEFAULT '',
    former_until BIGINT NOT NULL DEFAULT 0,
    props TEXT NOT NULL DEFAULT '[]' -- the properties that are shown, a JSON array; empty: all
);

-- Sites that were removed: the number and the date, nothing else. Only of these are edges told to drop
-- what they hold.
CREATE TABLE erased (
    id BIGINT PRIMARY KEY,
    erased_on BIGINT NOT NULL
);

CREATE TABLE api_key (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sha256 BYTEA NOT NULL UNIQUE,
    prefix TEXT NOT NULL UNIQUE, -- what a person recognises the key by, and revokes it by
    name TEXT NOT NULL, -- what a person calls it; may be empty
    site_id BIGINT REFERENCES site (id) ON DELETE CASCADE, -- NULL: every site
    scope TEXT NOT NULL CHECK (scope IN ('stats', 'sites')),
    hourly_limit BIGINT NOT NULL, -- requests
    created_on BIGINT NOT NULL,
    works_until BIGINT, -- the last day it works (UTC); NULL: for good
    last_used_on BIGINT -- written once a day at most
);
CREATE INDEX api_key_of_site ON api_key (site_id);

-- People who may look, and log in by their mail address. Who visits a site has no row anywhere.
CREATE TABLE account (
    id BIGINT PRIMARY KEY, -- drawn at random, so that none is given twice
    mail TEXT NOT NULL UNIQUE, -- lower case
    name TEXT NOT NULL,
    is_admin BIGINT NOT NULL, -- of the whole server: opens every site
    password TEXT NOT NULL, -- bcrypt of a hash of it
    totp_secret BYTEA NOT NULL DEFAULT '', -- empty: no second step at log-in
    totp_pending BYTEA NOT NULL DEFAULT '', -- shown, but not confirmed by a code yet
    totp_last_step BIGINT NOT NULL DEFAULT 0, -- no code of this step or before is taken again
    created_on BIGINT NOT NULL
);

-- What opens an account in the place of a code, each once.
CREATE TABLE recovery_code (
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    sha256 BYTEA NOT NULL,
    PRIMARY KEY (account_id, sha256)
);

-- Who may do what at a site.
CREATE TABLE role (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    role TEXT NOT NULL CHECK (role IN ('owner', 'editor', 'viewer')),
    PRIMARY KEY (site_id, account_id)
);
CREATE INDEX role_of_account ON role (account_id);

-- Browsers that are logged in, or half-way. No backup has them.
CREATE TABLE login (
    id BIGINT PRIMARY KEY, -- drawn at random
    sha256 BYTEA NOT NULL UNIQUE, -- of the cookie's token
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    awaits_code BIGINT NOT NULL, -- the password was right, the code is still to come
    created_on BIGINT NOT NULL,
    last_used_on BIGINT NOT NULL, -- written once a day at most
    expires_ms BIGINT NOT NULL
);
CREATE INDEX login_of_account ON login (account_id);

-- Links that work once. No backup has them.
CREATE TABLE one_time_link (
    id BIGINT PRIMARY KEY, -- drawn at random
    sha256 BYTEA NOT NULL UNIQUE, -- of the link's token
    kind TEXT NOT NULL CHECK (kind IN ('first', 'invitation', 'reset')),
    mail TEXT NOT NULL, -- whom an invitation is for; else empty
    is_admin BIGINT NOT NULL, -- an invitation: to the whole server
    site_id BIGINT REFERENCES site (id) ON DELETE CASCADE, -- an invitation: to this site,
    role TEXT NOT NULL, -- with this role; else empty
    account_id BIGINT REFERENCES account (id) ON DELETE CASCADE, -- a reset: of this one
    expires_ms BIGINT NOT NULL
);
CREATE INDEX one_time_link_of_site ON one_time_link (site_id);
CREATE INDEX one_time_link_of_account ON one_time_link (account_id);

-- One life of one day object, or one import, and the last batch of it that was applied.
CREATE TABLE source (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    id BIGINT NOT NULL, -- within the site
    date BIGINT NOT NULL,
    shard BIGINT NOT NULL,
    incarnation BYTEA NOT NULL,
    last_seq BIGINT NOT NULL,
    hits_total BIGINT NOT NULL,
    set_aside BIGINT NOT NULL DEFAULT 0, -- of these hits: in dead letters at the edge, not counted here
    closed BIGINT NOT NULL,
    degraded BIGINT NOT NULL,
    PRIMARY KEY (site_id, id),
    UNIQUE (site_id, date, shard, incarnation)
);

-- The dedupe marker of every applied batch.
CREATE TABLE batch (
    site_id BIGINT NOT NULL,
    source_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    sha256 BYTEA NOT NULL,
    PRIMARY KEY (site_id, source_id, seq),
    FOREIGN KEY (site_id, source_id) REFERENCES source (site_id, id) ON DELETE CASCADE
);

-- The counts of one day that came with one batch, or with many that were merged. A day is the sum
-- of its segments (aggregator/src/segment).
CREATE TABLE segment (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date BIGINT NOT NULL,
    no BIGINT NOT NULL, -- within site and date
    level BIGINT NOT NULL, -- how often it was merged
    rows BIGINT NOT NULL,
    hourly BIGINT NOT NULL, -- whether its cubes tell the hours of the day
    totals BIGINT NOT NULL, -- whether its rollups hold what its cubes do not
    PRIMARY KEY (site_id, date, no)
);

-- The parts of segments: rows of a cube, attributes they name, rollups by one dimension.
CREATE TABLE part (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    part BIGINT NOT NULL,
    date BIGINT NOT NULL,
    no BIGINT NOT NULL,
    bytes BYTEA NOT NULL,
    PRIMARY KEY (site_id, part, date, no)
) PARTITION BY RANGE (date); -- a partition for each month, made when its first counts come
-- What is in it is packed already.
ALTER TABLE part ALTER COLUMN bytes SET STORAGE EXTERNAL;

-- Events that were not counted: how many, for which reason, nothing else.
CREATE TABLE dropped (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date BIGINT NOT NULL,
    reason TEXT NOT NULL,
    n BIGINT NOT NULL,
    PRIMARY KEY (site_id, date, reason)
);

-- The live view. No row of these two tables grows older than 24 hours.
CREATE TABLE minute (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date BIGINT NOT NULL,
    minute BIGINT NOT NULL,
    views BIGINT NOT NULL,
    visitors BIGINT NOT NULL,
    PRIMARY KEY (site_id, date, minute)
);

CREATE TABLE live (
    site_id BIGINT NOT NULL,
    source_id BIGINT NOT NULL,
    date BIGINT NOT NULL,
    minute BIGINT NOT NULL,
    visitors BIGINT NOT NULL, -- with an event in the five minutes up to and with this one
    PRIMARY KEY (site_id, source_id),
    FOREIGN KEY (site_id, source_id) REFERENCES source (site_id, id) ON DELETE CASCADE
);

CREATE TABLE goal (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    id BIGINT NOT NULL,
    name TEXT NOT NULL, -- as it is shown
    kind TEXT NOT NULL CHECK (kind IN ('event', 'page', 'scroll')),
    target TEXT NOT NULL, -- the event's name, or the pattern of pages
    percent BIGINT CHECK ((percent IS NOT NULL) = (kind = 'scroll')),
    PRIMARY KEY (site_id, id),
    UNIQUE (site_id, name)
);

CREATE TABLE funnel (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    id BIGINT NOT NULL,
    name TEXT NOT NULL,
    steps TEXT NOT NULL, -- a JSON array of numbers of goals
    PRIMARY KEY (site_id, id),
    UNIQUE (site_id, name)
);

-- From this local date on, so many day objects count the site, until a later row says otherwise.
-- Rows are added for tomorrow only and never changed: a day that has begun keeps its number.
CREATE TABLE shards (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date BIGINT NOT NULL,
    shards BIGINT NOT NULL,
    PRIMARY KEY (site_id, date)
);

-- Files that were imported, by their SHA-256, so that none is counted twice unasked.
CREATE TABLE import (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    sha256 BYTEA NOT NULL,
    name TEXT NOT NULL,
    started_on BIGINT NOT NULL,
    done BIGINT NOT NULL,
    times BIGINT NOT NULL, -- it was imported whole so often before
    settings TEXT NOT NULL, -- the site's when it was begun; empty when it is done
    PRIMARY KEY (site_id, sha256)
);
