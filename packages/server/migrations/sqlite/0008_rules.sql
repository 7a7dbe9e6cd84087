-- Conditions with an outcome. `version` is that of the whole set at the last change of the row: its ETag.
CREATE TABLE rules (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  name TEXT NOT NULL,
  -- Null: for actions of every name.
  action_name TEXT,
  priority INTEGER NOT NULL,
  condition TEXT NOT NULL,
  outcome TEXT NOT NULL,
  methods TEXT NOT NULL,
  requires INTEGER NOT NULL,
  mode TEXT NOT NULL,
  is_active INTEGER NOT NULL,
  enrolment_counts INTEGER NOT NULL,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX rules_of_environment ON rules (environment_id, id);

-- The whole set after each change, as JSON: it is read whole, to be looked at and to be gone back to.
CREATE TABLE rule_versions (
  environment_id TEXT NOT NULL REFERENCES environments (id),
  version INTEGER NOT NULL,
  rules TEXT NOT NULL,
  rules_count INTEGER NOT NULL,
  change TEXT NOT NULL,
  rule_id TEXT,
  actor TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (environment_id, version)
) STRICT;

-- Texts that conditions look into by name. Read and written whole.
CREATE TABLE lists (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  name TEXT NOT NULL,
  entries TEXT NOT NULL,
  entries_count INTEGER NOT NULL,
  -- Counts changes of this list: its ETag.
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (environment_id, name)
) STRICT;
CREATE INDEX lists_of_environment ON lists (environment_id, id);

-- Count changes of all of them, so that a process reads them again only when there is something new.
ALTER TABLE environments ADD COLUMN rules_version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE environments ADD COLUMN lists_version INTEGER NOT NULL DEFAULT 0;
