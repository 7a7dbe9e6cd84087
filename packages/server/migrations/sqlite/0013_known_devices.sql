-- The device that a challenge was begun on, where that knew the owner of the address: its guesses are bounded there.
ALTER TABLE challenges ADD COLUMN device_id TEXT;
CREATE INDEX challenges_of_device ON challenges (device_id, owner_id, expires_at) WHERE device_id IS NOT NULL;
