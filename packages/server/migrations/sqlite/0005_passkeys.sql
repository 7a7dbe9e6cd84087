-- Enrolled means of proof. What only a passkey has is null for others.
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
-- One credential leads to one user.
CREATE UNIQUE INDEX authenticators_credential ON authenticators (environment_id, credential_id);
CREATE INDEX authenticators_of_user ON authenticators (environment_id, user_id, id);

-- A passkey challenge has no address: its rows hold '' there.
ALTER TABLE challenges ADD COLUMN method TEXT;
ALTER TABLE challenges ADD COLUMN ceremony TEXT;
ALTER TABLE challenges ADD COLUMN user_verification TEXT;
-- Of the random bytes that the authenticator signs, which stand in the answer alone.
ALTER TABLE challenges ADD COLUMN challenge_hash TEXT;
-- What the proof showed (RFC 8176), where that is not the same for every proof of its kind.
ALTER TABLE challenges ADD COLUMN proven_amr TEXT;

-- When the person was last asked whether they want a passkey.
ALTER TABLE users ADD COLUMN passkey_offered_at INTEGER;

-- The passkey challenge beside the one under way, and whether the result waits for what becomes of the offer of a passkey.
ALTER TABLE actions ADD COLUMN passkey_challenge_id TEXT;
ALTER TABLE actions ADD COLUMN offers_passkey INTEGER NOT NULL DEFAULT 0;
