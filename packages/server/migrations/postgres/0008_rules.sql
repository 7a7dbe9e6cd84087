-- Conditions with an outcome. `version` is that of the whole set at the last change of the row: its ETag.
CREATE TABLE rules (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  name text COLLATE "C" NOT NULL,
  -- Null: for actions of every name.
  action_name text COLLATE "C",
  priority integer NOT NULL,
  condition text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL,
  methods text COLLATE "C" NOT NULL,
  requires integer NOT NULL,
  mode text COLLATE "C" NOT NULL,
  is_active integer NOT NULL,
  enrolment_counts integer NOT NULL,
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE INDEX rules_of_environment ON rules (environment_id, id);

-- The whole set after each change, as JSON: it is read whole, to be looked at and to be gone back to.
CREATE TABLE rule_versions (
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  version integer NOT NULL,
  rules text COLLATE "C" NOT NULL,
  rules_count integer NOT NULL,
  change text COLLATE "C" NOT NULL,
  rule_id text COLLATE "C",
  actor text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (environment_id, version)
);

-- Texts that conditions look into by name. Read and written whole.
CREATE TABLE lists (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  name text COLLATE "C" NOT NULL,
  entries text COLLATE "C" NOT NULL,
  entries_count integer NOT NULL,
  -- Counts changes of this list: its ETag.
  version integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  UNIQUE (environment_id, name)
);
CREATE INDEX lists_of_environment ON lists (environment_id, id);

-- Count changes of all of them, so that a process reads them again only when there is something new.
ALTER TABLE environments ADD COLUMN rules_version integer NOT NULL DEFAULT 0;
ALTER TABLE environments ADD COLUMN lists_version integer NOT NULL DEFAULT 0;
