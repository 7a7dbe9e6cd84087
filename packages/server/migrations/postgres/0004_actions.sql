-- One tracked event of a person, and the one browser that works on it. Its tokens stand here as hashes.
CREATE TABLE actions (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL,
  app_id text COLLATE "C" NOT NULL,
  epoch integer NOT NULL,
  name text COLLATE "C" NOT NULL,
  outcome text COLLATE "C" NOT NULL CHECK (outcome IN ('ALLOW', 'CHALLENGE', 'REVIEW', 'BLOCK')),
  state text COLLATE "C" NOT NULL CHECK (state IN ('ALLOW', 'BLOCK', 'CHALLENGE_REQUIRED', 'CHALLENGE_SUCCEEDED', 'CHALLENGE_FAILED',
    'REVIEW_REQUIRED', 'REVIEW_SUCCEEDED', 'REVIEW_FAILED')),
  state_changed_at bigint NOT NULL,
  -- Why it failed: cancelled, blocked.
  reason text COLLATE "C",
  -- Told by a backend (POST /v1/actions), not begun by a browser.
  is_tracked integer NOT NULL,
  -- The backend named who it is about: nobody else is proven in it.
  is_named integer NOT NULL,
  -- Whom the backend named, later whom the proof led to.
  user_id text COLLATE "C",
  -- Traded once for the browser's cookie.
  opening_hash text COLLATE "C",
  working_hash text COLLATE "C" NOT NULL,
  -- Identity form of the address, and as it was typed in this browser.
  address text COLLATE "C",
  requested_to text COLLATE "C",
  -- The challenge that is under way; an earlier one of the action is worth nothing.
  challenge_id text COLLATE "C",
  method text COLLATE "C",
  redirect_url text COLLATE "C",
  client_state text COLLATE "C",
  code_challenge text COLLATE "C",
  verifier_tries_left integer NOT NULL,
  login_hint text COLLATE "C",
  locale text COLLATE "C",
  ip_address text COLLATE "C",
  user_agent text COLLATE "C",
  -- The approval that another device asked for: its number, and which browser may type it.
  approval_number text COLLATE "C",
  approval_hash text COLLATE "C",
  approval_expires_at bigint,
  -- The result token: in the answer to the last proof, for 60 seconds.
  result_hash text COLLATE "C",
  result_expires_at bigint,
  validated_at bigint,
  created_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  -- No foreign key to the app: see challenges.
  UNIQUE (environment_id, id)
);
CREATE UNIQUE INDEX actions_opening ON actions (opening_hash) WHERE opening_hash IS NOT NULL;
CREATE UNIQUE INDEX actions_working ON actions (working_hash);
CREATE UNIQUE INDEX actions_result ON actions (result_hash) WHERE result_hash IS NOT NULL;
CREATE INDEX actions_of_user ON actions (user_id, environment_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX actions_by_expiry ON actions (expires_at);

-- The action that a challenge belongs to: it is answered there and nowhere else.
ALTER TABLE challenges ADD COLUMN action_id text COLLATE "C";

-- Whether a browser without a backend may refresh its session, by a cookie.
ALTER TABLE apps ADD COLUMN public_refresh integer NOT NULL DEFAULT 0;
