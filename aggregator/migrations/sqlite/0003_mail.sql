-- Mail about a site: who wants which, what was sent. Addresses are in the table account alone.

-- What somebody wants to be told of a site; NULL: not, else since when.
CREATE TABLE mail_wish (
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    account_id INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    weekly_ms INTEGER,
    monthly_ms INTEGER,
    spike_ms INTEGER,
    drop_ms INTEGER,
    spike_visitors INTEGER NOT NULL, -- from so many at once
    drop_visitors INTEGER NOT NULL, -- fewer than so many
    drop_hours INTEGER NOT NULL, -- in so many hours
    PRIMARY KEY (site_id, account_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_wish_of_account ON mail_wish (account_id);

-- The last mail of each kind: taken here before it is sent, so that of many servers one sends it.
CREATE TABLE mail_sent (
    site_id INTEGER NOT NULL,
    account_id INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('weekly', 'monthly', 'spike', 'drop')),
    period INTEGER NOT NULL, -- a report: the first day it tells of; an alert: when it was, ms
    state TEXT NOT NULL CHECK (state IN ('sending', 'waiting', 'over')),
    began_ms INTEGER NOT NULL, -- when it was first taken
    next_ms INTEGER NOT NULL, -- waiting: not before this; sending: whoever does has ended by this
    PRIMARY KEY (site_id, account_id, kind),
    FOREIGN KEY (site_id, account_id) REFERENCES mail_wish (site_id, account_id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- What links in mails that switch them off are signed with: one row, made when it is first needed.
CREATE TABLE mail_key (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    secret BLOB NOT NULL
) STRICT;
