-- The operator's own mails, by name. Content stands as JSON: it is read and written whole.
CREATE TABLE templates (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  name TEXT NOT NULL,
  channel TEXT NOT NULL,
  locales TEXT NOT NULL,
  -- Counts changes of this template: its ETag.
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  UNIQUE (environment_id, name)
) STRICT;
CREATE INDEX templates_of_environment ON templates (environment_id, id);

-- Counts changes of all its templates, so that a process reads them again only when there is something new.
ALTER TABLE environments ADD COLUMN templates_version INTEGER NOT NULL DEFAULT 0;
