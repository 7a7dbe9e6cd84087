-- Usage figures: how often what happened, by UTC day, channel and way of proving. Counted from the events, each once, beside
-- the requests; they stay when the events are purged.
CREATE TABLE usage_counts (
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  -- Days since 1970-01-01 UTC.
  day bigint NOT NULL,
  metric text COLLATE "C" NOT NULL,
  -- '' where there is none.
  channel text COLLATE "C" NOT NULL,
  method text COLLATE "C" NOT NULL,
  -- Why it failed, or for how long it took: seconds, of the bucket that it falls in. '' for all else.
  detail text COLLATE "C" NOT NULL,
  happened bigint NOT NULL,
  PRIMARY KEY (environment_id, day, metric, channel, method, detail)
);

-- The id of the last event that was counted.
ALTER TABLE environments ADD COLUMN usage_counted_to text COLLATE "C" NOT NULL DEFAULT '';
