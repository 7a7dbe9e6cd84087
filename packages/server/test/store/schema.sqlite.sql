CREATE TABLE actions (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  app_id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  name TEXT NOT NULL,
  outcome TEXT NOT NULL CHECK (outcome IN ('ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK')),
  state TEXT NOT NULL CHECK (state IN ('ALLOW', 'BLOCK', 'CHALLENGE_REQUIRED', 'CHALLENGE_SUCCEEDED', 'CHALLENGE_FAILED',
    'REVIEW_REQUIRED', 'REVIEW_SUCCEEDED', 'REVIEW_FAILED')),
  state_changed_at INTEGER NOT NULL,
  -- Why it failed: cancelled, blocked.
  reason TEXT,
  -- Told by a backend (POST /v1/actions), not begun by a browser.
  is_tracked INTEGER NOT NULL,
  -- The backend named who it is about: nobody else is proven in it.
  is_named INTEGER NOT NULL,
  -- Whom the backend named, later whom the proof led to.
  user_id TEXT,
  -- Traded once for the browser's cookie.
  opening_hash TEXT,
  working_hash TEXT NOT NULL,
  -- Identity form of the address, and as it was typed in this browser.
  address TEXT,
  requested_to TEXT,
  -- The challenge that is under way; an earlier one of the action is worth nothing.
  challenge_id TEXT,
  method TEXT,
  redirect_url TEXT,
  client_state TEXT,
  code_challenge TEXT,
  verifier_tries_left INTEGER NOT NULL,
  login_hint TEXT,
  locale TEXT,
  ip_address TEXT,
  user_agent TEXT,
  -- The approval that another device asked for: its number, and which browser may type it.
  approval_number TEXT,
  approval_hash TEXT,
  approval_expires_at INTEGER,
  -- The result token: in the answer to the last proof, for 60 seconds.
  result_hash TEXT,
  result_expires_at INTEGER,
  validated_at INTEGER,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, passkey_challenge_id TEXT, offers_passkey INTEGER NOT NULL DEFAULT 0, reference TEXT, asked_hash TEXT, intent TEXT, attributes TEXT NOT NULL DEFAULT '{}', demands TEXT NOT NULL DEFAULT '[]', proofs TEXT NOT NULL DEFAULT '[]', is_judged INTEGER NOT NULL DEFAULT 1, opens_session INTEGER NOT NULL DEFAULT 1, decision TEXT NOT NULL DEFAULT 'null', device_id TEXT, presented_device TEXT, remembers_device INTEGER NOT NULL DEFAULT 1,
  UNIQUE (environment_id, id),
  FOREIGN KEY (environment_id, app_id) REFERENCES apps (environment_id, id)
) STRICT;

CREATE INDEX actions_by_expiry ON actions (environment_id, expires_at);

CREATE INDEX actions_of_user ON actions (environment_id, user_id, id) WHERE user_id IS NOT NULL;

CREATE UNIQUE INDEX actions_opening ON actions (opening_hash) WHERE opening_hash IS NOT NULL;

CREATE UNIQUE INDEX actions_reference ON actions (reference, environment_id) WHERE reference IS NOT NULL;

CREATE UNIQUE INDEX actions_result ON actions (result_hash) WHERE result_hash IS NOT NULL;

CREATE UNIQUE INDEX actions_working ON actions (working_hash);

CREATE TABLE api_keys (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  hash TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  hint TEXT NOT NULL,
  scopes TEXT NOT NULL,
  is_development INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  revoked_at INTEGER
) STRICT;

CREATE INDEX api_keys_of_environment ON api_keys (environment_id, id);

CREATE TABLE apps (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  name TEXT NOT NULL,
  publishable_key TEXT NOT NULL UNIQUE,
  redirect_urls TEXT NOT NULL,
  origins TEXT NOT NULL,
  audience TEXT,
  is_default INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL, public_refresh INTEGER NOT NULL DEFAULT 0,
  UNIQUE (environment_id, id)
) STRICT;

CREATE UNIQUE INDEX apps_default ON apps (environment_id) WHERE is_default = 1;

CREATE TABLE authenticators (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL,
  -- Base64url, as the browser names it, and the public key (COSE) to check its signatures by.
  credential_id TEXT,
  public_key TEXT,
  sign_count INTEGER NOT NULL,
  transports TEXT NOT NULL,
  aaguid TEXT,
  -- The relying party that it was made for: it answers no other.
  rp_id TEXT,
  is_backup_eligible INTEGER NOT NULL,
  is_backed_up INTEGER NOT NULL,
  -- The person was verified (not only present) when it was enrolled.
  has_user_verification INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER,
  FOREIGN KEY (environment_id, user_id) REFERENCES users (environment_id, id) ON DELETE CASCADE
) STRICT;

CREATE UNIQUE INDEX authenticators_credential ON authenticators (environment_id, credential_id);

CREATE INDEX authenticators_of_user ON authenticators (environment_id, user_id, id);

CREATE TABLE challenge_links (
  hash TEXT PRIMARY KEY,
  challenge_id TEXT NOT NULL REFERENCES challenges (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX challenge_links_of_challenge ON challenge_links (challenge_id);

CREATE TABLE challenges (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  app_id TEXT NOT NULL,
  epoch INTEGER NOT NULL,
  purpose TEXT NOT NULL,
  channel TEXT NOT NULL,
  credential TEXT NOT NULL,
  address TEXT NOT NULL,
  requested_to TEXT NOT NULL,
  send_to TEXT NOT NULL,
  owner_id TEXT,
  user_id TEXT,
  user_mode TEXT NOT NULL,
  external_id TEXT,
  opens_session INTEGER NOT NULL,
  is_void INTEGER NOT NULL,
  is_strong INTEGER NOT NULL,
  code_length INTEGER,
  -- Hashes of the live codes, separated by spaces, and how many they are.
  code_hashes TEXT NOT NULL,
  live_codes INTEGER NOT NULL,
  -- Guesses × live codes that were judged so far (PROTOCOL section 1).
  exposure_spent INTEGER NOT NULL,
  tag TEXT NOT NULL,
  redirect_url TEXT,
  link_via TEXT NOT NULL,
  code_challenge TEXT,
  verifier_tries_left INTEGER NOT NULL,
  state TEXT,
  locale TEXT,
  template TEXT,
  template_variables TEXT NOT NULL,
  metadata TEXT NOT NULL,
  max_attempts INTEGER NOT NULL,
  attempts_left INTEGER NOT NULL CHECK (attempts_left >= 0),
  max_sends INTEGER NOT NULL,
  sends INTEGER NOT NULL,
  resend_at INTEGER NOT NULL,
  ip_address TEXT,
  user_agent TEXT,
  link_opens INTEGER NOT NULL,
  handover_hash TEXT,
  handover_expires_at INTEGER,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  verified_at INTEGER,
  proven_by TEXT,
  proof_event_id TEXT,
  ended_at INTEGER,
  claimed_at INTEGER,
  session_opened_at INTEGER, action_id TEXT, method TEXT, ceremony TEXT, user_verification TEXT, challenge_hash TEXT, proven_amr TEXT, device_id TEXT,
  UNIQUE (environment_id, id),
  FOREIGN KEY (environment_id, app_id) REFERENCES apps (environment_id, id)
) STRICT;

CREATE INDEX challenges_by_expiry ON challenges (environment_id, expires_at);

CREATE UNIQUE INDEX challenges_handover ON challenges (handover_hash) WHERE handover_hash IS NOT NULL;

CREATE INDEX challenges_of_address ON challenges (environment_id, address, expires_at);

CREATE INDEX challenges_of_device ON challenges (device_id, owner_id, expires_at) WHERE device_id IS NOT NULL;

CREATE INDEX challenges_of_user ON challenges (environment_id, user_id, id) WHERE user_id IS NOT NULL;

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

CREATE INDEX devices_last_seen ON devices (last_seen_at);

CREATE UNIQUE INDEX devices_token ON devices (token_hash);

CREATE TABLE environments (
  id TEXT PRIMARY KEY,
  slug TEXT NOT NULL UNIQUE,
  mode TEXT NOT NULL CHECK (mode IN ('test', 'live')),
  settings TEXT NOT NULL,
  settings_version INTEGER NOT NULL,
  -- Set while weak codes are off for the whole environment.
  protection_raised_at INTEGER,
  -- The last message that send_counts has counted.
  sends_counted_to TEXT NOT NULL DEFAULT '',
  created_at INTEGER NOT NULL
, templates_version INTEGER NOT NULL DEFAULT 0, rules_version INTEGER NOT NULL DEFAULT 0, lists_version INTEGER NOT NULL DEFAULT 0, usage_counted_to TEXT NOT NULL DEFAULT '') STRICT;

CREATE TRIGGER events_queue_webhooks AFTER INSERT ON events
WHEN EXISTS (SELECT 1 FROM webhook_endpoints WHERE environment_id = NEW.environment_id AND status = 'enabled')
BEGIN
  INSERT INTO webhook_deliveries (id, environment_id, endpoint_id, event_id, event_type, status, attempt, failures, due_at,
    leased_until, created_at)
  SELECT 'dlv_' || substr(NEW.id, 5, 10) || 'e' || lower(hex(randomblob(1))) || '8' || lower(hex(randomblob(6))),
    NEW.environment_id, id, NEW.id, NEW.type, 'pending', 0, 0, NEW.created_at, 0, NEW.created_at
  FROM webhook_endpoints
  WHERE environment_id = NEW.environment_id AND status = 'enabled'
    AND (event_types = 'null' OR instr(event_types, '"' || NEW.type || '"') > 0);
END;

CREATE TABLE events (
  id TEXT PRIMARY KEY,
  type TEXT NOT NULL,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  app_id TEXT,
  actor_type TEXT NOT NULL,
  actor_id TEXT,
  user_id TEXT,
  challenge_id TEXT,
  action_id TEXT,
  session_id TEXT,
  organization_id TEXT,
  request_id TEXT,
  context TEXT,
  data TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX events_of_action ON events (action_id, id) WHERE action_id IS NOT NULL;

CREATE INDEX events_of_challenge ON events (challenge_id, id) WHERE challenge_id IS NOT NULL;

CREATE INDEX events_of_environment ON events (environment_id, id);

CREATE INDEX events_of_session ON events (session_id, id) WHERE session_id IS NOT NULL;

CREATE INDEX events_of_type ON events (environment_id, type, id);

CREATE UNIQUE INDEX events_of_user ON events (environment_id, user_id, id);

CREATE TABLE hook_secrets (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  sealed TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  -- Null: the current one.
  expires_at INTEGER
) STRICT;

CREATE INDEX hook_secrets_of_environment ON hook_secrets (environment_id, id);

CREATE TABLE idempotency (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  body_hash TEXT NOT NULL,
  sealed TEXT NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE TABLE identifiers (
  environment_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  type TEXT NOT NULL CHECK (type IN ('email', 'phone')),
  value TEXT NOT NULL,
  spelling TEXT NOT NULL,
  verified_at INTEGER,
  is_primary INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (user_id, type, value),
  FOREIGN KEY (environment_id, user_id) REFERENCES users (environment_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX identifiers_of_address ON identifiers (environment_id, type, value);

CREATE UNIQUE INDEX identifiers_primary ON identifiers (user_id, type) WHERE is_primary = 1;

CREATE UNIQUE INDEX identifiers_proven ON identifiers (environment_id, type, value) WHERE verified_at IS NOT NULL;

CREATE TABLE instance (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  epoch INTEGER NOT NULL,
  -- The highest instant committed: judgements use the later of it and the caller's now.
  last_instant INTEGER NOT NULL
) STRICT;

CREATE TABLE limits (
  id TEXT PRIMARY KEY,
  hits TEXT NOT NULL,
  -- The one event that tells of refusals in the running window.
  fired_event_id TEXT,
  fired_at INTEGER,
  fired INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX limits_by_expiry ON limits (expires_at);

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

CREATE TABLE "messages" (
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

CREATE INDEX messages_due ON messages (due_at) WHERE status = 'queued';

CREATE INDEX messages_kept ON messages (keep_sealed_until) WHERE keep_sealed_until IS NOT NULL;

CREATE INDEX messages_of_challenge ON messages (environment_id, challenge_id);

CREATE INDEX messages_of_environment ON messages (environment_id, id);

CREATE INDEX notices_of_address ON messages (address, environment_id) WHERE address IS NOT NULL;

CREATE TABLE migrations (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, applied_at TEXT NOT NULL) STRICT;

CREATE TABLE move (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  -- The same in both databases.
  id TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('retired', 'copying', 'complete', 'started')),
  -- The other database, without credentials.
  peer TEXT NOT NULL,
  since INTEGER NOT NULL
) STRICT;

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

CREATE TABLE secrets (
  key_id TEXT PRIMARY KEY,
  last_used_at INTEGER NOT NULL
) STRICT;

CREATE TABLE send_counts (
  environment_id TEXT NOT NULL,
  hour INTEGER NOT NULL,
  sends INTEGER NOT NULL,
  PRIMARY KEY (environment_id, hour)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  app_id TEXT NOT NULL,
  user_id TEXT NOT NULL,
  -- The proof: an event of the same environment and user. A session without a proof cannot be written.
  proof_event_id TEXT NOT NULL,
  methods TEXT NOT NULL,
  amr TEXT NOT NULL,
  auth_time INTEGER NOT NULL,
  ip_address TEXT,
  user_agent TEXT,
  device_id TEXT,
  epoch INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  last_used_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  revoked_at INTEGER,
  refresh_hash TEXT NOT NULL,
  refresh_expires_at INTEGER NOT NULL,
  -- The token before the current one, for answers that were lost: who used it, and how to make the current one again.
  previous_hash TEXT,
  previous_salt TEXT,
  previous_key_id TEXT,
  previous_ip_address TEXT,
  previous_user_agent TEXT,
  rotated_at INTEGER,
  repeats INTEGER NOT NULL, seen_as TEXT, claims TEXT NOT NULL DEFAULT '{}',
  FOREIGN KEY (environment_id, user_id) REFERENCES users (environment_id, id) ON DELETE CASCADE,
  FOREIGN KEY (environment_id, app_id) REFERENCES apps (environment_id, id),
  FOREIGN KEY (environment_id, user_id, proof_event_id) REFERENCES events (environment_id, user_id, id)
) STRICT;

CREATE INDEX sessions_by_expiry ON sessions (environment_id, expires_at);

CREATE INDEX sessions_of_proof ON sessions (environment_id, user_id, proof_event_id);

CREATE INDEX sessions_of_user ON sessions (environment_id, user_id, id);

CREATE TABLE signing_keys (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  public_jwk TEXT NOT NULL,
  sealed_private_jwk TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  activates_at INTEGER NOT NULL
) STRICT;

CREATE INDEX signing_keys_of_environment ON signing_keys (environment_id, activates_at);

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

CREATE TABLE "usage_counts" (
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

CREATE TABLE users (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  external_id TEXT,
  name TEXT,
  username TEXT,
  locale TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'blocked')),
  metadata TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  last_sign_in_at INTEGER, passkey_offered_at INTEGER,
  UNIQUE (environment_id, id)
) STRICT;

CREATE UNIQUE INDEX users_external_id ON users (environment_id, external_id) WHERE external_id IS NOT NULL;

CREATE UNIQUE INDEX users_username ON users (environment_id, username) WHERE username IS NOT NULL;

CREATE TABLE weak_guesses (
  environment_id TEXT NOT NULL,
  minute INTEGER NOT NULL,
  guesses INTEGER NOT NULL,
  PRIMARY KEY (environment_id, minute)
) STRICT, WITHOUT ROWID;

CREATE TABLE webhook_deliveries (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  endpoint_id TEXT NOT NULL,
  -- Null: a test, whose payload is made up.
  event_id TEXT,
  event_type TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  -- Counts claims, and so names a lease; failures counts tries that ended, and so tells when to try again.
  attempt INTEGER NOT NULL,
  failures INTEGER NOT NULL,
  due_at INTEGER NOT NULL,
  leased_until INTEGER NOT NULL,
  -- The last try: when, how long, the answer's status and first bytes, or why there was none.
  tried_at INTEGER,
  duration_ms INTEGER,
  answer_status INTEGER,
  answer TEXT,
  error TEXT,
  created_at INTEGER NOT NULL,
  delivered_at INTEGER
) STRICT;

CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at) WHERE status = 'pending';

CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint_id, id);

CREATE UNIQUE INDEX webhook_deliveries_of_event ON webhook_deliveries (endpoint_id, event_id) WHERE event_id IS NOT NULL;

CREATE TABLE webhook_endpoints (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  url TEXT NOT NULL,
  -- A JSON list of names, or 'null': all.
  event_types TEXT NOT NULL,
  status TEXT NOT NULL CHECK (status IN ('enabled', 'disabled')),
  disabled_reason TEXT CHECK (disabled_reason IN ('manual', 'gone', 'failing', 'secret_replaced')),
  -- Null once the secret of the server that sealed it was replaced.
  sealed_secret TEXT,
  sealed_previous TEXT,
  previous_until INTEGER,
  -- The first failure since the last success.
  first_failed_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE INDEX webhook_endpoints_enabled ON webhook_endpoints (environment_id) WHERE status = 'enabled';

CREATE INDEX webhook_endpoints_of_environment ON webhook_endpoints (environment_id, id);
