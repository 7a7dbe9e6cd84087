-- What signs the calls of an environment's hooks. More than one while a rotation overlaps: all of them sign.
CREATE TABLE hook_secrets (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  sealed text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  -- Null: the current one.
  expires_at bigint
);
CREATE INDEX hook_secrets_of_environment ON hook_secrets (environment_id, id);

-- What the hook added to the access tokens of a session: a JSON object.
ALTER TABLE sessions ADD COLUMN claims text COLLATE "C" NOT NULL DEFAULT '{}';
