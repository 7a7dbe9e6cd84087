-- Where an environment's events are posted to. Secrets are sealed; the previous one signs beside the current until it ends.
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
CREATE INDEX webhook_endpoints_of_environment ON webhook_endpoints (environment_id, id);
CREATE INDEX webhook_endpoints_enabled ON webhook_endpoints (environment_id) WHERE status = 'enabled';

-- One event on its way to one endpoint, and what became of it. No foreign keys: an event may be purged before it is
-- replayed, and an endpoint with many rows is deleted in one short write; retention removes what is left.
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

-- Every statement that writes an event also queues it, in the same write: ids of events do not rise in the order of their
-- commits, so whoever reads behind a cursor would miss some. The id has the instant of the event's, then e (version 7), two
-- random digits, 8 (variant), and twelve random digits: a UUIDv7 as `newId` makes them.
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
