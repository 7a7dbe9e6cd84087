-- Where an environment's events are posted to. Secrets are sealed; the previous one signs beside the current until it ends.
CREATE TABLE webhook_endpoints (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL REFERENCES environments (id),
  url text COLLATE "C" NOT NULL,
  -- A JSON list of names, or 'null': all.
  event_types text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL CHECK (status IN ('enabled', 'disabled')),
  disabled_reason text COLLATE "C" CHECK (disabled_reason IN ('manual', 'gone', 'failing', 'secret_replaced')),
  -- Null once the secret of the server that sealed it was replaced.
  sealed_secret text COLLATE "C",
  sealed_previous text COLLATE "C",
  previous_until bigint,
  -- The first failure since the last success.
  first_failed_at bigint,
  created_at bigint NOT NULL,
  updated_at bigint NOT NULL
);
CREATE INDEX webhook_endpoints_of_environment ON webhook_endpoints (environment_id, id);
CREATE INDEX webhook_endpoints_enabled ON webhook_endpoints (environment_id) WHERE status = 'enabled';

-- One event on its way to one endpoint, and what became of it. No foreign keys: an event may be purged before it is
-- replayed, and an endpoint with many rows is deleted in one short write; retention removes what is left.
CREATE TABLE webhook_deliveries (
  id text COLLATE "C" PRIMARY KEY,
  environment_id text COLLATE "C" NOT NULL,
  endpoint_id text COLLATE "C" NOT NULL,
  -- Null: a test, whose payload is made up.
  event_id text COLLATE "C",
  event_type text COLLATE "C" NOT NULL,
  status text COLLATE "C" NOT NULL CHECK (status IN ('pending', 'delivered', 'failed')),
  -- Counts claims, and so names a lease; failures counts tries that ended, and so tells when to try again.
  attempt integer NOT NULL,
  failures integer NOT NULL,
  due_at bigint NOT NULL,
  leased_until bigint NOT NULL,
  -- The last try: when, how long, the answer's status and first bytes, or why there was none.
  tried_at bigint,
  duration_ms integer,
  answer_status integer,
  answer text COLLATE "C",
  error text COLLATE "C",
  created_at bigint NOT NULL,
  delivered_at bigint
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (endpoint_id, due_at) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint_id, id);
CREATE UNIQUE INDEX webhook_deliveries_of_event ON webhook_deliveries (endpoint_id, event_id) WHERE event_id IS NOT NULL;

-- Every statement that writes events also queues them, in the same write: ids of events do not rise in the order of their
-- commits, so whoever reads behind a cursor would miss some. Once a statement, because send writes two events in one. The id
-- has the instant of the event's, then e (version 7), two random digits, 8 (variant), and twelve random digits: a UUIDv7 as
-- `newId` makes them.
CREATE FUNCTION queue_webhooks() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM webhook_endpoints WHERE status = 'enabled') THEN
    RETURN NULL;
  END IF;
  INSERT INTO webhook_deliveries (id, environment_id, endpoint_id, event_id, event_type, status, attempt, failures, due_at,
    leased_until, created_at)
  SELECT 'dlv_' || substr(event.id, 5, 10) || 'e' || left(gen_random_uuid()::text, 2) || '8' || right(gen_random_uuid()::text, 12),
    event.environment_id, endpoint.id, event.id, event.type, 'pending', 0, 0, event.created_at, 0, event.created_at
  FROM inserted AS event
  JOIN webhook_endpoints AS endpoint ON endpoint.environment_id = event.environment_id AND endpoint.status = 'enabled'
    AND (endpoint.event_types = 'null' OR position('"' || event.type || '"' IN endpoint.event_types) > 0);
  RETURN NULL;
END $$;
CREATE TRIGGER events_queue_webhooks AFTER INSERT ON events REFERENCING NEW TABLE AS inserted
FOR EACH STATEMENT EXECUTE FUNCTION queue_webhooks();
