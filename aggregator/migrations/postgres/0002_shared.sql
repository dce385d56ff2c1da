-- Views of a site that need no account: for everybody, and by a link. The same is in ../sqlite.

-- Sites whose numbers everybody may see; no row: nobody may.
CREATE TABLE public_view (
    site_id BIGINT PRIMARY KEY REFERENCES site (id) ON DELETE CASCADE,
    k BIGINT NOT NULL -- nothing is told of fewer visitors than this; 1: everything is told
);

CREATE TABLE shared_link (
    id BIGINT PRIMARY KEY, -- drawn at random
    sha256 BYTEA NOT NULL UNIQUE, -- of the link's token
    site_id BIGINT NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    name TEXT NOT NULL, -- what a person calls it
    password TEXT NOT NULL, -- bcrypt of a hash of it; empty: none is asked for
    k BIGINT NOT NULL, -- as above
    created_on BIGINT NOT NULL,
    works_until BIGINT, -- the last day it works (UTC); NULL: for good
    last_used_on BIGINT, -- written once a day at most
    UNIQUE (site_id, name)
);

-- Browsers that have given the password of a link. No backup has them.
CREATE TABLE shared_login (
    sha256 BYTEA PRIMARY KEY, -- of the cookie's token
    link_id BIGINT NOT NULL REFERENCES shared_link (id) ON DELETE CASCADE,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX shared_login_of_link ON shared_login (link_id);
