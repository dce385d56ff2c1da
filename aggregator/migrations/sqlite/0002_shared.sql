-- Views of a site that need no account: for everybody, and by a link. The same is in ../postgres.

-- Sites whose numbers everybody may see; no row: nobody may.
CREATE TABLE public_view (
    site_id INTEGER PRIMARY KEY REFERENCES site (id) ON DELETE CASCADE,
    k INTEGER NOT NULL -- nothing is told of fewer visitors than this; 1: everything is told
) STRICT;

CREATE TABLE shared_link (
    id INTEGER PRIMARY KEY, -- drawn at random
    sha256 BLOB NOT NULL UNIQUE, -- of the link's token
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    name TEXT NOT NULL, -- what a person calls it
    password TEXT NOT NULL, -- bcrypt of a hash of it; empty: none is asked for
    k INTEGER NOT NULL, -- as above
    created_on INTEGER NOT NULL,
    works_until INTEGER, -- the last day it works (UTC); NULL: for good
    last_used_on INTEGER, -- written once a day at most
    UNIQUE (site_id, name)
) STRICT;

-- Browsers that have given the password of a link. No backup has them.
CREATE TABLE shared_login (
    sha256 BLOB PRIMARY KEY, -- of the cookie's token
    link_id INTEGER NOT NULL REFERENCES shared_link (id) ON DELETE CASCADE,
    expires_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX shared_login_of_link ON shared_login (link_id);
