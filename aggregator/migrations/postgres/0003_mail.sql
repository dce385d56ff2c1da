-- Mail about a site: who wants which, what was sent. Addresses are in the table account alone.

-- What somebody wants to be told of a site; NULL: not, else since when.
CREATE TABLE mail_wish (
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    account_id BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    weekly_ms BIGINT,
    monthly_ms BIGINT,
    spike_ms BIGINT,
    drop_ms BIGINT,
    spike_visitors BIGINT NOT NULL, -- from so many at once
    drop_visitors BIGINT NOT NULL, -- fewer than so many
    drop_hours BIGINT NOT NULL, -- in so many hours
    PRIMARY KEY (site_id, account_id)
);
CREATE INDEX mail_wish_of_account ON mail_wish (account_id);

-- The last mail of each kind: taken here before it is sent, so that of many servers one sends it.
CREATE TABLE mail_sent (
    site_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('weekly', 'monthly', 'spike', 'drop')),
    period BIGINT NOT NULL, -- a report: the first day it tells of; an alert: when it was, ms
    state TEXT NOT NULL CHECK (state IN ('sending', 'waiting', 'over')),
    began_ms BIGINT NOT NULL, -- when it was first taken
    next_ms BIGINT NOT NULL, -- waiting: not before this; sending: whoever does has ended by this
    PRIMARY KEY (site_id, account_id, kind),
    FOREIGN KEY (site_id, account_id) REFERENCES mail_wish (site_id, account_id) ON DELETE CASCADE
);

-- What links in mails that switch them off are signed with: one row, made when it is first needed.
CREATE TABLE mail_key (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    secret BYTEA NOT NULL
);
