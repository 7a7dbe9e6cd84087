-- What signs the calls of an environment's hooks. More than one while a rotation overlaps: all of them sign.
CREATE TABLE hook_secrets (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  sealed TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- Null: the current one.
  expires_at INTEGER
) STRICT;
CREATE INDEX hook_secrets_of_environment ON hook_secrets (environment_id, id);

-- What the hook added to the access tokens of a session: a JSON object.
ALTER TABLE sessions ADD COLUMN claims TEXT NOT NULL DEFAULT '{}';
