-- The tables of the SQLite schema, column for column, so that statements and copies read the same on both. Ids are text
-- (prefix + UUIDv7) in the C collation, by which their order is the order of creation; instants bigint epoch milliseconds,
-- JSON and lists text, flags integer 0 or 1.
-- Secrets are hashes or sealed; nothing that opens a door stands here in clear.

-- One row: what holds for the whole store.
CREATE TABLE instance (
  one integer PRIMARY KEY CHECK (one = 1),
  epoch integer NOT NULL,
  -- Stays 0: PostgreSQL judges by its own clock, and one row that every node writes would be their bottleneck.
  last_instant bigint NOT NULL
);
INSERT INTO instance (one, epoch, last_instant) VALUES (1, 0, 0);

-- Every secret that rows may still need, by key id.
CREATE TABLE secrets (
  key_id text COLLATE "C" PRIMARY KEY,
  last_used_at bigint NOT NULL
);

CREATE TABLE environments (
  id text COLLATE "C" PRIMARY KEY,
  slug text COLLATE "C" NOT NULL UNIQUE,
  mode text COLLATE "C" NOT NULL CHECK (mode IN ('test', 'live')),
  settings text COLLATE "C" NOT NULL,
  settings_version integer NOT NULL,
  -- Set while weak codes are off for the whole environment.
  protection_raised_at bigint,
  -- The last message that send_counts has counted.
  sends_counted_to text COLLATE "C" NOT NULL DEFAULT '',
  created_at bigint NOT NULL
);

CREATE TABLE apps (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  name text COLLATE "C" NOT NULL,
  publishable_key text COLLATE "C" NOT NULL UNIQUE,
  redirect_urls text COLLATE "C" NOT NULL,
  origins text COLLATE "C" NOT NULL,
  audience text COLLATE "C",
  is_default integer NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  UNIQUE (environment_id, id)
);
CREATE UNIQUE INDEX apps_default ON apps (environment_id) WHERE is_default = 1;

CREATE TABLE api_keys (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  hash text COLLATE "C" NOT NULL UNIQUE,
  name text COLLATE "C" NOT NULL,
  hint text COLLATE "C" NOT NULL,
  scopes text COLLATE "C" NOT NULL,
  is_development integer NOT NULL,
  created_at bigint NOT NULL,
  revoked_at bigint
);
CREATE INDEX api_keys_of_environment ON api_keys (environment_id, id);

CREATE TABLE signing_keys (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  public_jwk text COLLATE "C" NOT NULL,
  sealed_private_jwk text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  activates_at bigint NOT NULL
);
CREATE INDEX signing_keys_of_environment ON signing_keys (environment_id, activates_at);

CREATE TABLE users (
  id text COLLATE "C" PRIMARY KEY,
  -- No foreign key: environments are never removed, and each user, as each event, would lock the one row that all share.
  environment_id text COLLATE "C" NOT NULL,
  external_id text COLLATE "C",
  name text COLLATE "C",
  username text COLLATE "C",
  locale text COLLATE "C",
  status text COLLATE "C" NOT NULL CHECK (status IN ('active', 'blocked')),
  metadata text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL,
  last_sign_in_at bigint,
  UNIQUE (environment_id, id)
);
CREATE UNIQUE INDEX users_external_id ON users (environment_id, external_id) WHERE external_id IS NOT NULL;
CREATE UNIQUE INDEX users_username ON users (environment_id, username) WHERE username IS NOT NULL;

CREATE TABLE identifiers (
  environment_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL CHECK (type IN ('email', 'phone')),
  value text COLLATE "C" NOT NULL,
  spelling text COLLATE "C" NOT NULL,
  verified_at bigint,
  is_primary integer NOT NULL,
  created_at bigint NOT NULL,
  PRIMARY KEY (user_id, type, value),
  FOREIGN KEY (environment_id, user_id) REFERENCES users (environment_id, id) ON DELETE CASCADE
);
-- A proven address leads to one user; an unproven one is unique to none.
CREATE UNIQUE INDEX identifiers_proven ON identifiers (environment_id, type, value) WHERE verified_at IS NOT NULL;
CREATE INDEX identifiers_of_address ON identifiers (environment_id, type, value);
CREATE UNIQUE INDEX identifiers_primary ON identifiers (user_id, type) WHERE is_primary = 1;

CREATE TABLE challenges (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL,
  app_id text COLLATE "C" NOT NULL,
  epoch integer NOT NULL,
  purpose text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  credential text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  requested_to text COLLATE "C" NOT NULL,
  send_to text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C",
  user_id text COLLATE "C",
  user_mode text COLLATE "C" NOT NULL,
  external_id text COLLATE "C",
  opens_session integer NOT NULL,
  is_void integer NOT NULL,
  is_strong integer NOT NULL,
  code_length integer,
  -- Hashes of the live codes, separated by spaces, and how many they are.
  code_hashes text COLLATE "C" NOT NULL,
  live_codes integer NOT NULL,
  -- Guesses × live codes that were judged so far (PROTOCOL section 1).
  exposure_spent integer NOT NULL,
  tag text COLLATE "C" NOT NULL,
  redirect_url text COLLATE "C",
  link_via text COLLATE "C" NOT NULL,
  code_challenge text COLLATE "C",
  verifier_tries_left integer NOT NULL,
  state text COLLATE "C",
  locale text COLLATE "C",
  template text COLLATE "C",
  template_variables text COLLATE "C" NOT NULL,
  metadata text COLLATE "C" NOT NULL,
  max_attempts integer NOT NULL,
  attempts_left integer NOT NULL CHECK (attempts_left >= 0),
  max_sends integer NOT NULL,
  sends integer NOT NULL,
  resend_at bigint NOT NULL,
  ip_address text COLLATE "C",
  user_agent text COLLATE "C",
  link_opens integer NOT NULL,
  handover_hash text COLLATE "C",
  handover_expires_at bigint,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  verified_at bigint,
  proven_by text COLLATE "C",
  proof_event_id text COLLATE "C",
  ended_at bigint,
  claimed_at bigint,
  session_opened_at bigint,
  -- No foreign key to the app, here and in sessions: each row would lock the one row of the default app, which nobody can
  -- delete. Of any other app the row is locked by the operation (hold_app).
  UNIQUE (environment_id, id)
);
-- Indexes begin with what narrows, not with the environment: a planner that has no statistics yet cannot tell two that
-- begin alike from each other, and keeps the plan that it chose.
CREATE INDEX challenges_of_address ON challenges (address, environment_id, expires_at);
CREATE INDEX challenges_of_user ON challenges (user_id, environment_id, id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX challenges_handover ON challenges (handover_hash) WHERE handover_hash IS NOT NULL;
CREATE INDEX challenges_by_expiry ON challenges (expires_at);

-- The mailed links of a challenge: one for each send.
CREATE TABLE challenge_links (
  hash text COLLATE "C" PRIMARY KEY,
  challenge_id text COLLATE "C" NOT NULL REFERENCES challenges (id) ON DELETE CASCADE
);
CREATE INDEX challenge_links_of_challenge ON challenge_links (challenge_id);

CREATE TABLE messages (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL,
  challenge_id text COLLATE "C" NOT NULL,
  channel text COLLATE "C" NOT NULL,
  recipient text COLLATE "C" NOT NULL,
  domain text COLLATE "C" NOT NULL,
  sealed text COLLATE "C",
  keep_sealed_until bigint,
  is_void integer NOT NULL,
  status text COLLATE "C" NOT NULL CHECK (status IN ('queued', 'sent', 'failed')),
  attempt integer NOT NULL,
  due_at bigint NOT NULL,
  leased_until bigint NOT NULL,
  reply text COLLATE "C",
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  sent_at bigint,
  FOREIGN KEY (environment_id, challenge_id) REFERENCES challenges (environment_id, id) ON DELETE CASCADE
);
CREATE INDEX messages_due ON messages (due_at) WHERE status = 'queued';
CREATE INDEX messages_kept ON messages (keep_sealed_until) WHERE keep_sealed_until IS NOT NULL;
CREATE INDEX messages_of_environment ON messages (environment_id, id);
CREATE INDEX messages_of_challenge ON messages (challenge_id);

CREATE TABLE events (
  id text COLLATE "C" PRIMARY KEY,
  type text COLLATE "C" NOT NULL,
  -- No foreign key: environments are never removed, and each event would lock the one row that all events share.
  environment_id text COLLATE "C" NOT NULL,
  app_id text COLLATE "C",
  actor_type text COLLATE "C" NOT NULL,
  actor_id text COLLATE "C",
  user_id text COLLATE "C",
  challenge_id text COLLATE "C",
  action_id text COLLATE "C",
  session_id text COLLATE "C",
  organization_id text COLLATE "C",
  request_id text COLLATE "C",
  context text COLLATE "C",
  data text COLLATE "C" NOT NULL,
  created_at bigint NOT NULL
);
-- Unique so that sessions can point at their proof; it serves the list of a user's events too.
CREATE UNIQUE INDEX events_of_user ON events (environment_id, user_id, id);
CREATE INDEX events_of_type ON events (type, environment_id, id);
CREATE INDEX events_of_environment ON events (environment_id, id);
CREATE INDEX events_of_challenge ON events (challenge_id, id) WHERE challenge_id IS NOT NULL;
CREATE INDEX events_of_action ON events (action_id, id) WHERE action_id IS NOT NULL;
CREATE INDEX events_of_session ON events (session_id, id) WHERE session_id IS NOT NULL;

CREATE TABLE sessions (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL,
  app_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  -- The proof: an event of the same environment and user. A session without a proof cannot be written.
  proof_event_id text COLLATE "C" NOT NULL,
  methods text COLLATE "C" NOT NULL,
  amr text COLLATE "C" NOT NULL,
  auth_time bigint NOT NULL,
  ip_address text COLLATE "C",
  user_agent text COLLATE "C",
  device_id text COLLATE "C",
  epoch integer NOT NULL,
  created_at bigint NOT NULL,
  last_used_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  revoked_at bigint,
  refresh_hash text COLLATE "C" NOT NULL,
  refresh_expires_at bigint NOT NULL,
  -- The token before the current one, for answers that were lost: who used it, and how to make the current one again.
  previous_hash text COLLATE "C",
  previous_salt text COLLATE "C",
  previous_key_id text COLLATE "C",
  previous_ip_address text COLLATE "C",
  previous_user_agent text COLLATE "C",
  rotated_at bigint,
  repeats integer NOT NULL,
  FOREIGN KEY (environment_id, user_id) REFERENCES users (environment_id, id) ON DELETE CASCADE,
  FOREIGN KEY (environment_id, user_id, proof_event_id) REFERENCES events (environment_id, user_id, id)
);
CREATE INDEX sessions_of_user ON sessions (environment_id, user_id, id);
CREATE INDEX sessions_of_proof ON sessions (environment_id, user_id, proof_event_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

-- Sliding windows: for each key the instants of what passed, newest last, each with a count.
CREATE TABLE limits (
  id text COLLATE "C" PRIMARY KEY,
  hits text COLLATE "C" NOT NULL,
  -- The one event that tells of refusals in the running window.
  fired_event_id text COLLATE "C",
  fired_at bigint,
  fired integer NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX limits_by_expiry ON limits (expires_at);

-- Wrong guesses at weak codes by minute, for the protection of a whole environment.
CREATE TABLE weak_guesses (
  environment_id text COLLATE "C" NOT NULL,
  minute bigint NOT NULL,
  guesses integer NOT NULL,
  PRIMARY KEY (environment_id, minute)
);

-- Sends by hour of a week, for the alarm about an unusual number of them.
CREATE TABLE send_counts (
  environment_id text COLLATE "C" NOT NULL,
  hour bigint NOT NULL,
  sends integer NOT NULL,
  PRIMARY KEY (environment_id, hour)
);

CREATE TABLE idempotency (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL,
  body_hash text COLLATE "C" NOT NULL,
  sealed text COLLATE "C" NOT NULL,
  expires_at bigint NOT NULL
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);
