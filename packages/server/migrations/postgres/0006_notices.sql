-- Messages without a challenge: security notices.
ALTER TABLE messages ALTER COLUMN challenge_id DROP NOT NULL;
-- Of a notice alone: what it tells, whose it is, and the identity form of its address.
ALTER TABLE messages ADD COLUMN notice text COLLATE "C";
ALTER TABLE messages ADD COLUMN user_id text COLLATE "C";
ALTER TABLE messages ADD COLUMN address text COLLATE "C";
ALTER TABLE messages ADD CONSTRAINT messages_of_something CHECK (
  (challenge_id IS NULL) = (notice IS NOT NULL AND user_id IS NOT NULL AND address IS NOT NULL));
CREATE INDEX notices_of_address ON messages (address, environment_id) WHERE address IS NOT NULL;

-- Browser, system and network of a session, in the words that a later one is compared by; null where nobody told.
ALTER TABLE sessions ADD COLUMN seen_as text COLLATE "C";
