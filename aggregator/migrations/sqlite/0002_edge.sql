-- What the edge decides and counts beyond page views: more visitor marks, properties, revenue,
-- goals and funnels, what was dropped, the live view, and what a site's owner has decided.

-- Marks that came with it: 0 in rows from before.
ALTER TABLE visits ADD COLUMN hour_source_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE visits ADD COLUMN hour_channel_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pages ADD COLUMN day_prefix1_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pages ADD COLUMN day_prefix2_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pages ADD COLUMN day_prefix3_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pages ADD COLUMN day_host_page_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pages ADD COLUMN day_host_source_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN day_event_page_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN day_event_source_visitors INTEGER NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN day_event_channel_visitors INTEGER NOT NULL DEFAULT 0;

CREATE TABLE props (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    name INTEGER NOT NULL, -- of the event
    key INTEGER NOT NULL,
    value INTEGER NOT NULL,
    visit_attrs INTEGER NOT NULL,
    client_attrs INTEGER NOT NULL,
    prop_events INTEGER NOT NULL,
    day_prop_visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, hour, name, key, value, visit_attrs, client_attrs)
) STRICT, WITHOUT ROWID;

CREATE TABLE revenue (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    name INTEGER NOT NULL, -- of the event
    currency INTEGER NOT NULL,
    visit_attrs INTEGER NOT NULL,
    client_attrs INTEGER NOT NULL,
    revenue_milli INTEGER NOT NULL, -- thousandths of the currency's unit
    revenue_events INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, hour, name, currency, visit_attrs, client_attrs)
) STRICT, WITHOUT ROWID;

CREATE TABLE goals (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    goal INTEGER NOT NULL, -- a text like all others: the goal's number in digits
    page INTEGER NOT NULL,
    visit_attrs INTEGER NOT NULL,
    client_attrs INTEGER NOT NULL,
    completions INTEGER NOT NULL,
    day_goal_visitors INTEGER NOT NULL,
    hour_goal_visitors INTEGER NOT NULL,
    day_goal_page_visitors INTEGER NOT NULL,
    day_goal_source_visitors INTEGER NOT NULL,
    day_goal_channel_visitors INTEGER NOT NULL,
    day_goal_campaign_visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, hour, goal, page, visit_attrs, client_attrs)
) STRICT, WITHOUT ROWID;

CREATE TABLE funnels (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    funnel INTEGER NOT NULL, -- a text: the funnel's number in digits
    step INTEGER NOT NULL, -- a text: the step in digits, from 1
    visit_attrs INTEGER NOT NULL,
    client_attrs INTEGER NOT NULL,
    funnel_visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, hour, funnel, step, visit_attrs, client_attrs)
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
    minute INTEGER NOT NULL, -- since the start of the site's local day
    views INTEGER NOT NULL,
    visitors INTEGER NOT NULL,
    PRIMARY KEY (site_id, date, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE live (
    source_id INTEGER PRIMARY KEY REFERENCES source (id) ON DELETE CASCADE,
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    date INTEGER NOT NULL,
    minute INTEGER NOT NULL,
    visitors INTEGER NOT NULL -- with an event in the five minutes up to and with this one
) STRICT;
CREATE INDEX live_of_site ON live (site_id, date, minute);

-- What the owner decided (shared::settings): GPC, DNT, clean-up of paths, shields. Goals and
-- funnels have tables; their numbers are counted here, so that none is given twice.
ALTER TABLE site ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
ALTER TABLE site ADD COLUMN last_goal INTEGER NOT NULL DEFAULT 0;
ALTER TABLE site ADD COLUMN last_funnel INTEGER NOT NULL DEFAULT 0;

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
