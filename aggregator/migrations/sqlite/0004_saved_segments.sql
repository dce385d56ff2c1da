-- Named sets of filters of a site. (The table segment has nothing to do with them: it holds counts.)

CREATE TABLE saved_segment (
    id INTEGER PRIMARY KEY, -- drawn at random, below 2^53: programs ask by it
    site_id INTEGER NOT NULL REFERENCES site (id) ON DELETE CASCADE,
    account_id INTEGER REFERENCES account (id) ON DELETE CASCADE, -- whose it is; NULL: the site's, for all members
    name TEXT NOT NULL,
    filters TEXT NOT NULL -- a JSON list, as the stats API takes it
) STRICT;
CREATE UNIQUE INDEX saved_segment_of_site ON saved_segment (site_id, name) WHERE account_id IS NULL;
CREATE UNIQUE INDEX saved_segment_of_account ON saved_segment (account_id, site_id, name)
    WHERE account_id IS NOT NULL;
CREATE INDEX saved_segment_by_site ON saved_segment (site_id);
