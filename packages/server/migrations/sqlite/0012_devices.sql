-- Browsers and phones that people sign in with, each proved by a token.
CREATE TABLE devices (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  -- Of the token that the device has now: it gets another one when another user signs in on it.
  token_hash TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_seen_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX devices_token ON devices (token_hash);
CREATE INDEX devices_last_seen ON devices (last_seen_at);

-- Whom a device knows. What one of them does to it says nothing of the others.
CREATE TABLE device_users (
  device_id TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
  user_id TEXT NOT NULL,
  environment_id TEXT NOT NULL,
  ip_address TEXT,
  user_agent TEXT,
  created_at INTEGER NOT NULL,
  last_sign_in_at INTEGER NOT NULL,
  remembered_until INTEGER,
  ended_at INTEGER,
  PRIMARY KEY (device_id, user_id),
  FOREIGN KEY (environment_id, user_id) REFERENCES users (environment_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX device_users_of_user ON device_users (user_id, environment_id, device_id);

-- The device of the browser that proved, for the session that the result opens.
ALTER TABLE actions ADD COLUMN device_id TEXT;
-- The hash of the device token that was told when it was tracked, '' for a browser that has none; NULL where nobody could tell.
ALTER TABLE actions ADD COLUMN presented_device TEXT;
