-- The operator's own mails, by name. Content stands as JSON: it is read and written whole.
CREATE TABLE templates (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  name text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  locales text COLLATE "C" NOT NULL,
  -- Counts changes of this template: its ETag.
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  UNIQUE (environment_id, name)
);
CREATE INDEX templates_of_environment ON templates (environment_id, id);

-- Counts changes of all its templates, so that a process reads them again only when there is something new.
ALTER TABLE environments ADD COLUMN templates_version integer NOT NULL DEFAULT 0;
