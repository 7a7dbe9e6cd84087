-- Figures by country: '' where nobody knows, as for all that was counted before. SQLite cannot change a primary key, so the
-- table is made anew; nothing refers to it.
CREATE TABLE usage_counts_anew (
  environment_id TEXT NOT NULL REFERENCES environments (id),
  -- Days since 1970-01-01 UTC.
  day INTEGER NOT NULL,
  metric TEXT NOT NULL,
  -- '' where there is none.
  channel TEXT NOT NULL,
  method TEXT NOT NULL,
  -- Why it failed, or for how long it took: seconds, of the bucket that it falls in. '' for all else.
  detail TEXT NOT NULL,
  happened INTEGER NOT NULL,
  -- ISO 3166, of whoever asked for the challenge.
  country TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (environment_id, day, metric, channel, method, detail, country)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_counts_anew (environment_id, day, metric, channel, method, detail, happened)
  SELECT environment_id, day, metric, channel, method, detail, happened FROM usage_counts;
DROP TABLE usage_counts;
ALTER TABLE usage_counts_anew RENAME TO usage_counts;

-- Notices to those who run an app belong to no user. A CHECK cannot be changed either.
CREATE TABLE messages_anew (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  challenge_id TEXT,
  channel TEXT NOT NULL,
  recipient TEXT NOT NULL,
  domain TEXT NOT NULL,
  sealed TEXT,
  keep_sealed_until INTEGER,
  is_void INTEGER NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('queued', 'sent', 'failed')),
  attempt INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  leased_until INTEGER NOT NULL,
  reply TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  sent_at INTEGER,
  -- Of a notice alone: what it tells, whose it is (null: an operator's), and the identity form of its address.
  notice TEXT,
  user_id TEXT,
  address TEXT,
  CHECK ((challenge_id IS NULL) = (notice IS NOT NULL AND address IS NOT NULL)),
  CHECK (user_id IS NULL OR challenge_id IS NULL),
  FOREIGN KEY (environment_id, challenge_id) REFERENCES challenges (environment_id, id) ON DELETE CASCADE
) STRICT;
INSERT INTO messages_anew SELECT id, environment_id, challenge_id, channel, recipient, domain, sealed, keep_sealed_until, is_void,
  status, attempt, due_at, leased_until, reply, created_at, expires_at, sent_at, notice, user_id, address FROM messages;
DROP TABLE messages;
ALTER TABLE messages_anew RENAME TO messages;
CREATE INDEX messages_due ON messages (due_at) WHERE status = 'queued';
CREATE INDEX messages_kept ON messages (keep_sealed_until) WHERE keep_sealed_until IS NOT NULL;
CREATE INDEX messages_of_environment ON messages (environment_id, id);
CREATE INDEX messages_of_challenge ON messages (environment_id, challenge_id);
CREATE INDEX notices_of_address ON messages (address, environment_id) WHERE address IS NOT NULL;
