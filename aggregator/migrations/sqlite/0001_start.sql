-- Sites, keys, what was delivered, and the four cubes.
--
-- No column here can hold an identity: counts are keyed by local date, hour and coarse attributes.
-- Dates are days since 1970-01-01; hours count from the start of the site's local day.

CREATE TABLE site (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: edges may still know a removed site
    domain TEXT NOT NULL UNIQUE,
    timezone TEXT NOT NULL,
    created_on INTEGER NOT NULL
) STRICT;

CREATE TABLE api_key (
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,
    prefix TEXT NOT NULL, -- what a person recognises the key by
    site_id INTEGER REFERENCES site (id) ON DELETE CASCADE, -- NULL: every site
    scope TEXT NOT NULL CHECK (scope IN ('stats', 'sites')),
    created_on INTEGER NOT NULL
) STRICT;

-- One life of one day object, and the last batch of it that was applied.
CREATE TABLE source (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    shard INTEGER NOT NULL,
    incarnation BLOB NOT NULL,
    last_seq INTEGER NOT NULL,
    hits_total INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    degraded INTEGER NOT NULL,
    UNIQUE (site_id, date, shard, incarnation)
) STRICT;

-- The dedupe marker of every applied batch.
CREATE TABLE batch (
    source_id INTEGER NOT NULL REFERENCES source (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    sha256 BLOB NOT NULL,
    PRIMARY KEY (source_id, seq)
) STRICT, WITHOUT ROWID;

-- Every string is stored once per site.
CREATE TABLE text (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    value TEXT NOT NULL,
    UNIQUE (site_id, value)
) STRICT;

CREATE TABLE visit_attrs (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    entry_page INTEGER NOT NULL,
    entry_host INTEGER NOT NULL,
    source INTEGER NOT NULL,
    referrer INTEGER NOT NULL,
    channel INTEGER NOT NULL,
    utm_source INTEGER NOT NULL,
    utm_medium INTEGER NOT NULL,
    utm_campaign INTEGER NOT NULL,
    utm_content INTEGER NOT NULL,
    utm_term INTEGER NOT NULL,
    UNIQUE (
        site_id, entry_page, entry_host, source, referrer, channel,
        utm_source, utm_medium, utm_campaign, utm_content, utm_term
    )
) STRICT;

CREATE TABLE client_attrs (
    id INTEGER PRIMARY KEY,
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    country INTEGER NOT NULL,
    device INTEGER NOT NULL,
    browser INTEGER NOT NULL,
    browser_version INTEGER NOT NULL,
    os INTEGER NOT NULL,
    os_version INTEGER NOT NULL,
    UNIQUE (site_id, country, device, browser, browser_version, os, os_version)
) STRICT;

CREATE TABLE visits (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    visit_attrs INTEGER NOT NULL,
    client_attrs INTEGER NOT NULL,
    visits INTEGER NOT NULL,
    active_visits INTEGER NOT NULL,
    ended_visits INTEGER NOT NULL,
    bounces INTEGER NOT NULL,
    duration_s INTEGER NOT NULL,
    ended_views INTEGER NOT NULL,
    day_visitors INTEGER NOT NULL,
    hour_visitors INTEGER NOT NULL,
    day_entry_page_visitors INTEGER NOT NULL,
    day_source_visitors INTEGER NOT NULL,
    day_referrer_visitors INTEGER NOT NULL,
    day_channel_visitors INTEGER NOT NULL,
    day_utm_source_visitors INTEGER NOT NULL,
    day_utm_medium_visitors INTEGER NOT NULL,
    day_utm_campaign_visitors INTEGER NOT NULL,
    day_utm_content_visitors INTEGER NOT NULL,
    day_utm_term_visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, hour, visit_attrs, client_attrs)
) STRICT, WITHOUT ROWID;

CREATE TABLE pages (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    page INTEGER NOT NULL,
    host INTEGER NOT NULL,
    visit_attrs INTEGER NOT NULL,
    client_attrs INTEGER NOT NULL,
    views INTEGER NOT NULL,
    page_visits INTEGER NOT NULL,
    engaged_ms INTEGER NOT NULL,
    engaged_count INTEGER NOT NULL,
    scroll_sum INTEGER NOT NULL,
    scroll_count INTEGER NOT NULL,
    day_page_visitors INTEGER NOT NULL,
    hour_page_visitors INTEGER NOT NULL,
    day_host_visitors INTEGER NOT NULL,
    day_page_source_visitors INTEGER NOT NULL,
    day_page_channel_visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, hour, page, host, visit_attrs, client_attrs)
) STRICT, WITHOUT ROWID;

CREATE TABLE exits (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    page INTEGER NOT NULL,
    visit_attrs INTEGER NOT NULL,
    client_attrs INTEGER NOT NULL,
    exits INTEGER NOT NULL,
    day_exit_page_visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, hour, page, visit_attrs, client_attrs)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    name INTEGER NOT NULL,
    page INTEGER NOT NULL,
    visit_attrs INTEGER NOT NULL,
    client_attrs INTEGER NOT NULL,
    events INTEGER NOT NULL,
    day_event_visitors INTEGER NOT NULL,
    hour_event_visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, hour, name, page, visit_attrs, client_attrs)
) STRICT, WITHOUT ROWID;
