-- One tracked event of a person, and the one browser that works on it. Its tokens stand here as hashes.
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
  expires_at INTEGER NOT NULL,
  UNIQUE (environment_id, id),
  FOREIGN KEY (environment_id, app_id) REFERENCES apps (environment_id, id)
) STRICT;
CREATE UNIQUE INDEX actions_opening ON actions (opening_hash) WHERE opening_hash IS NOT NULL;
CREATE UNIQUE INDEX actions_working ON actions (working_hash);
CREATE UNIQUE INDEX actions_result ON actions (result_hash) WHERE result_hash IS NOT NULL;
CREATE INDEX actions_of_user ON actions (environment_id, user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX actions_by_expiry ON actions (environment_id, expires_at);

-- The action that a challenge belongs to: it is answered there and nowhere else.
ALTER TABLE challenges ADD COLUMN action_id TEXT;

-- Whether a browser without a backend may refresh its session, by a cookie.
ALTER TABLE apps ADD COLUMN public_refresh INTEGER NOT NULL DEFAULT 0;
