-- Enrolled means of proof. What only a passkey has is null for others.
CREATE TABLE authenticators (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C" NOT NULL,
  type text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  -- Base64url, as the browser names it, and the public key (COSE) to check its signatures by.
  credential_id text COLLATE "C",
  public_key text COLLATE "C",
  sign_count bigint NOT NULL,
  transports text COLLATE "C" NOT NULL,
  aaguid text COLLATE "C",
  -- The relying party that it was made for: it answers no other.
  rp_id text COLLATE "C",
  is_backup_eligible integer NOT NULL,
  is_backed_up integer NOT NULL,
  -- The person was verified (not only present) when it was enrolled.
  has_user_verification integer NOT NULL,
  created_at bigint NOT NULL,
  last_used_at bigint,
  FOREIGN KEY (environment_id, user_id) REFERENCES users (environment_id, id) ON DELETE CASCADE
);
-- One credential leads to one user.
CREATE UNIQUE INDEX authenticators_credential ON authenticators (credential_id, environment_id);
CREATE INDEX authenticators_of_user ON authenticators (user_id, environment_id, id);

-- A passkey challenge has no address: its rows hold '' there.
ALTER TABLE challenges ADD COLUMN method text COLLATE "C";
ALTER TABLE challenges ADD COLUMN ceremony text COLLATE "C";
ALTER TABLE challenges ADD COLUMN user_verification text COLLATE "C";
-- Of the random bytes that the authenticator signs, which stand in the answer alone.
ALTER TABLE challenges ADD COLUMN challenge_hash text COLLATE "C";
-- What the proof showed (RFC 8176), where that is not the same for every proof of its kind.
ALTER TABLE challenges ADD COLUMN proven_amr text COLLATE "C";

-- When the person was last asked whether they want a passkey.
ALTER TABLE users ADD COLUMN passkey_offered_at bigint;

-- The passkey challenge beside the one under way, and whether the result waits for what becomes of the offer of a passkey.
ALTER TABLE actions ADD COLUMN passkey_challenge_id text COLLATE "C";
ALTER TABLE actions ADD COLUMN offers_passkey integer NOT NULL DEFAULT 0;
