-- For a database that is moved, and for several servers on one. The same is in ../sqlite.

-- What a move has made of this database; no row: nothing.
CREATE TABLE moved (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    move TEXT NOT NULL, -- drawn at random, the same in both databases of a move
    state TEXT NOT NULL CHECK (state IN ('filling', 'gone')), -- being filled; not to be written to any more
    place TEXT NOT NULL, -- the other database, without its password
    at_ms BIGINT NOT NULL
);

-- Which server keeps the salts, where several use the database. Nothing of a salt is here.
CREATE TABLE salt_keeper (
    id BIGINT PRIMARY KEY CHECK (id = 1),
    instance TEXT NOT NULL, -- drawn at random, kept in RAM beside the salts
    name TEXT NOT NULL, -- the machine's
    epoch BIGINT NOT NULL, -- one higher with every keeper that took over
    renewed_s BIGINT NOT NULL -- by the database's clock
);
