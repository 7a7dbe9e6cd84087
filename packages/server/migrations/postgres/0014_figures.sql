-- Figures by country: ISO 3166, of whoever asked for the challenge; '' where nobody knows, as for all that was counted before.
ALTER TABLE usage_counts ADD COLUMN country text COLLATE "C" NOT NULL DEFAULT '';
ALTER TABLE usage_counts DROP CONSTRAINT usage_counts_pkey,
  ADD PRIMARY KEY (environment_id, day, metric, channel, method, detail, country);

-- Notices to those who run an app belong to no user.
ALTER TABLE messages DROP CONSTRAINT messages_of_something;
ALTER TABLE messages ADD CONSTRAINT messages_of_something CHECK (
  (challenge_id IS NULL) = (notice IS NOT NULL AND address IS NOT NULL)),
  ADD CONSTRAINT messages_of_one CHECK (user_id IS NULL OR challenge_id IS NULL);
