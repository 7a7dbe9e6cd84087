-- Usage figures: how often what happened, by UTC day, channel and way of proving. Counted from the events, each once, beside
-- the requests; they stay when the events are purged.
CREATE TABLE usage_counts (
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
  PRIMARY KEY (environment_id, day, metric, channel, method, detail)
) STRICT, WITHOUT ROWID;

-- The id of the last event that was counted.
ALTER TABLE environments ADD COLUMN usage_counted_to TEXT NOT NULL DEFAULT '';
