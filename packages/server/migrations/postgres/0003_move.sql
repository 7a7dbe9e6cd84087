-- What `ostiary copy` has done with this database: at most one row. The file that was left is `retired`, and whoever has
-- it open refuses; the PostgreSQL that is filled is `copying`, then `complete`, and `started` once something ran on it.
CREATE TABLE move (
  one integer PRIMARY KEY CHECK (one = 1),
  -- The same in both databases.
  id text COLLATE "C" NOT NULL,
  state text COLLATE "C" NOT NULL CHECK (state IN ('retired', 'copying', 'complete', 'started')),
  -- The other database, without credentials.
  peer text COLLATE "C" NOT NULL,
  since bigint NOT NULL
);
