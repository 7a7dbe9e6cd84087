-- Messages without a challenge: security notices. SQLite cannot let a column be null afterwards, so the table is made anew;
-- nothing refers to it.
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
  -- Of a notice alone: what it tells, whose it is, and the identity form of its address.
  notice TEXT,
  user_id TEXT,
  address TEXT,
  CHECK ((challenge_id IS NULL) = (notice IS NOT NULL AND user_id IS NOT NULL AND address IS NOT NULL)),
  FOREIGN KEY (environment_id, challenge_id) REFERENCES challenges (environment_id, id) ON DELETE CASCADE
) STRICT;
INSERT INTO messages_anew (id, environment_id, challenge_id, channel, recipient, domain, sealed, keep_sealed_until, is_void,
    status, attempt, due_at, leased_until, reply, created_at, expires_at, sent_at)
  SELECT id, environment_id, challenge_id, channel, recipient, domain, sealed, keep_sealed_until, is_void,
    status, attempt, due_at, leased_until, reply, created_at, expires_at, sent_at FROM messages;
DROP TABLE messages;
ALTER TABLE messages_anew RENAME TO messages;
CREATE INDEX messages_due ON messages (due_at) WHERE status = 'queued';
CREATE INDEX messages_kept ON messages (keep_sealed_until) WHERE keep_sealed_until IS NOT NULL;
CREATE INDEX messages_of_environment ON messages (environment_id, id);
CREATE INDEX messages_of_challenge ON messages (environment_id, challenge_id);
CREATE INDEX notices_of_address ON messages (address, environment_id) WHERE address IS NOT NULL;

-- Browser, system and network of a session, in the words that a later one is compared by; null where nobody told.
ALTER TABLE sessions ADD COLUMN seen_as TEXT;
