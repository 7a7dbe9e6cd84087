-- What the operations share. `p` is the input of an operation as JSON, made by store/postgres/operations.ts.

-- Until the transaction ends nobody else holds these names; in one order for all, so that two never wait for each other.
CREATE FUNCTION ostiary.lock(names text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  -- The subquery is sorted before the first lock is taken.
  PERFORM pg_advisory_xact_lock(name) FROM (
    SELECT DISTINCT hashtextextended(n, 0) AS name FROM unnest(names) AS n ORDER BY name OFFSET 0) AS sorted;
END $$;

-- What a connection of our own is set to once (store/postgres/database.ts). Behind a pooler it goes with each transaction:
-- without the first, what was answered could be lost when the machine stops.
CREATE FUNCTION ostiary.set_connection(p jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (p ->> 'isPooled')::boolean THEN
    PERFORM set_config('synchronous_commit', 'on', true), set_config('lock_timeout', p ->> 'lockMs', true),
      set_config('enable_seqscan', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true);
  END IF;
END $$;

-- The clock of the database; tests put theirs in its place.
CREATE FUNCTION ostiary.clock(p jsonb) RETURNS bigint LANGUAGE sql AS $$
  SELECT coalesce((p ->> 'clock')::bigint, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
$$;

-- Refuses a caller whose clock is more than two seconds off: judging by it could let something expired pass. What the call
-- waited for a connection is no fault of its clock.
CREATE FUNCTION ostiary.check_clock(p jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  ahead bigint := (p ->> 'now')::bigint + (p ->> 'waitedMs')::bigint - ostiary.clock(p);
BEGIN
  IF abs(ahead) > (p ->> 'maxSkewMs')::bigint THEN
    RAISE EXCEPTION 'the clock is % ms % the database', abs(ahead), CASE WHEN ahead > 0 THEN 'ahead of' ELSE 'behind' END
      USING ERRCODE = 'OSCLK';
  END IF;
END $$;

-- The instant to judge by, read after the locks are held: the later of the caller's now and the database's clock.
CREATE FUNCTION ostiary.judge_at(p jsonb) RETURNS bigint LANGUAGE sql AS $$
  SELECT greatest((p ->> 'now')::bigint, ostiary.clock(p))
$$;

-- Writes an event that is rare. `about` holds columns; what it leaves out comes from the origin.
CREATE FUNCTION ostiary.record(p jsonb, id text, type text, at bigint, about jsonb, data jsonb DEFAULT '{}')
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO events (id, type, environment_id, app_id, actor_type, actor_id, user_id, challenge_id, session_id,
    request_id, context, data, created_at)
  VALUES (id, type, p ->> 'environmentId', coalesce(about ->> 'app_id', p ->> 'appId'), p ->> 'actorType', p ->> 'actorId',
    about ->> 'user_id', about ->> 'challenge_id', about ->> 'session_id', p ->> 'requestId',
    coalesce(about ->> 'context', 'null'), data::text, at);
END $$;

-- Until the transaction ends the app is not deleted; it is an error when it was. The default app never is, and its row is
-- shared by everybody, so it is not locked.
CREATE FUNCTION ostiary.hold_app(app text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT is_default FROM apps WHERE id = app) = 1 THEN
    RETURN;
  END IF;
  PERFORM FROM apps WHERE id = app FOR KEY SHARE;
  IF NOT FOUND THEN
    RAISE EXCEPTION 'the app % was deleted', app USING ERRCODE = 'foreign_key_violation';
  END IF;
END $$;

-- The user with its addresses, as rows.
CREATE FUNCTION ostiary.user_of(user_id text) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('row', to_jsonb(users), 'identifiers', coalesce(
    (SELECT jsonb_agg(to_jsonb(i) ORDER BY is_primary DESC, created_at, value) FROM identifiers AS i WHERE i.user_id = users.id),
    '[]'))
  FROM users WHERE id = $1
$$;
