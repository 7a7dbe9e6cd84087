-- Sliding windows, as store/sql/limits.ts keeps them: hits are [[instant, count], ...], oldest first.

-- How long until the limit lets a call pass; 0 when it does.
CREATE FUNCTION ostiary.limit_wait(hits jsonb, one jsonb, now bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  grain bigint := (one ->> 'grain')::bigint;
  span jsonb;
  counted integer;
  leaves_at bigint;
  worst bigint := 0;
BEGIN
  FOR span IN SELECT jsonb_array_elements(one -> 'windows') LOOP
    counted := 0;
    FOR n IN REVERSE jsonb_array_length(hits) - 1 .. 0 LOOP
      leaves_at := (hits -> n ->> 0)::bigint + grain + (span ->> 'ms')::bigint;
      EXIT WHEN leaves_at <= now;
      counted := counted + (hits -> n ->> 1)::integer;
      IF counted >= (span ->> 'max')::integer THEN
        worst := greatest(worst, leaves_at - now);
        EXIT;
      END IF;
    END LOOP;
  END LOOP;
  RETURN worst;
END $$;

-- Counts one more on the limit, and forgets what has left all its windows.
CREATE FUNCTION ostiary.count_hit(hits jsonb, one jsonb, now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  grain bigint := (one ->> 'grain')::bigint;
  longest bigint := (one ->> 'longest')::bigint;
  at bigint := now - now % grain;
  kept jsonb := '[]';
  last integer;
BEGIN
  FOR n IN 0 .. jsonb_array_length(hits) - 1 LOOP
    IF (hits -> n ->> 0)::bigint + grain + longest > now THEN
      kept := kept || jsonb_build_array(hits -> n);
    END IF;
  END LOOP;
  last := jsonb_array_length(kept) - 1;
  IF last >= 0 AND (kept -> last ->> 0)::bigint >= at THEN
    kept := jsonb_set(kept, ARRAY[last::text, '1'], to_jsonb((kept -> last ->> 1)::integer + 1));
  ELSE
    kept := kept || jsonb_build_array(jsonb_build_array(at, 1));
  END IF;
  INSERT INTO limits (id, hits, fired, expires_at) VALUES (one ->> 'id', kept::text, 0, now + longest + grain)
  ON CONFLICT (id) DO UPDATE SET hits = excluded.hits, expires_at = excluded.expires_at;
END $$;

CREATE FUNCTION ostiary.hits_of(one jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
BEGIN
  RETURN coalesce((SELECT hits::jsonb FROM limits WHERE id = one ->> 'id'), '[]');
END $$;

-- Null when all limits let the call pass (then one is taken from each, if asked for); else the one with the longest wait.
CREATE FUNCTION ostiary.pass_limits(p jsonb, takes boolean, now bigint) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  one jsonb;
  all_hits jsonb[] := '{}';
  hits jsonb;
  wait bigint;
  worst bigint := 0;
  fired jsonb;
BEGIN
  FOR one IN SELECT jsonb_array_elements(p -> 'limits') LOOP
    hits := ostiary.hits_of(one);
    all_hits := all_hits || hits;
    wait := ostiary.limit_wait(hits, one, now);
    IF wait > worst THEN
      worst := wait;
      fired := one;
    END IF;
  END LOOP;
  IF fired IS NOT NULL THEN
    PERFORM ostiary.tell_fired(p, fired, now, worst);
    RETURN jsonb_build_object('kind', 'limited', 'limit', fired -> 'name', 'retryAfterMs', worst);
  END IF;
  IF takes THEN
    FOR n IN 1 .. cardinality(all_hits) LOOP
      PERFORM ostiary.count_hit(all_hits[n], p -> 'limits' -> (n - 1), now);
    END LOOP;
  END IF;
  RETURN NULL;
END $$;

-- One event per limit, key and window, whose count of refusals grows.
CREATE FUNCTION ostiary.tell_fired(p jsonb, one jsonb, now bigint, wait bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  state limits;
  told jsonb := jsonb_build_object('limit', one -> 'name', 'key', one -> 'key', 'refusals', 1,
    'endsAt', to_char(to_timestamp((now + wait) / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'));
BEGIN
  SELECT * INTO state FROM limits WHERE id = one ->> 'id';
  IF state.fired_event_id IS NOT NULL AND state.fired_at + (one ->> 'shortest')::bigint > now THEN
    UPDATE limits SET fired = fired + 1 WHERE id = state.id;
    UPDATE events SET data = (told || jsonb_build_object('refusals', state.fired + 1))::text WHERE id = state.fired_event_id;
  ELSE
    PERFORM ostiary.record(p, p ->> 'limitEventId', 'limit.fired', now, '{}', told);
    UPDATE limits SET fired_event_id = p ->> 'limitEventId', fired_at = now, fired = 1 WHERE id = one ->> 'id';
  END IF;
END $$;
