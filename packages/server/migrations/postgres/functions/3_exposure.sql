-- How guesses at weak codes are bounded (PROTOCOL section 1), as store/sql/exposure.ts does it.

CREATE FUNCTION ostiary.would_expose(p jsonb, address text, added integer, now bigint) RETURNS boolean LANGUAGE sql AS $$
  SELECT coalesce(sum(CASE WHEN expires_at > now - 3600000 THEN share ELSE 0 END), 0) + added > (p -> 'exposure' -> 'perAddress' ->> 'hour')::integer
      OR coalesce(sum(share), 0) + added > (p -> 'exposure' -> 'perAddress' ->> 'day')::integer
  FROM (
    SELECT expires_at, exposure_spent + CASE
      WHEN is_strong = 0 AND verified_at IS NULL AND ended_at IS NULL AND expires_at > now THEN attempts_left * live_codes ELSE 0
    END AS share
    FROM challenges AS c
    -- The address finds the rows: a planner without statistics must not begin with anything else.
    WHERE c.environment_id || '' = p ->> 'environmentId' AND c.address = $2 AND c.device_id IS NULL
      AND expires_at + 0 > now - 86400000
  ) AS shares
$$;

-- The same of a device that knows the owner (ostiary.known_device): what was begun there has a bound of its own.
CREATE FUNCTION ostiary.would_expose_device(p jsonb, known jsonb, added integer, now bigint) RETURNS boolean LANGUAGE sql AS $$
  SELECT coalesce(sum(CASE WHEN expires_at > now - 3600000 THEN share ELSE 0 END), 0) + added > (p -> 'exposure' -> 'perAddress' ->> 'hour')::integer
      OR coalesce(sum(share), 0) + added > (p -> 'exposure' -> 'perAddress' ->> 'day')::integer
  FROM (
    SELECT expires_at, exposure_spent + CASE
      WHEN is_strong = 0 AND verified_at IS NULL AND ended_at IS NULL AND expires_at > now THEN attempts_left * live_codes ELSE 0
    END AS share
    FROM challenges
    WHERE device_id = known ->> 'deviceId' AND owner_id = known ->> 'userId' AND expires_at > now - 86400000
  ) AS shares
$$;

-- True while protection is up: wrong guesses of the last ten minutes against min(cap, max(floor, factor × median)).
CREATE FUNCTION ostiary.is_protected(p jsonb, now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  bounds jsonb := p -> 'exposure' -> 'perEnvironment';
  this_minute bigint := now / 60000;
  recent bigint;
  median bigint;
BEGIN
  SELECT coalesce(sum(guesses), 0) INTO recent FROM weak_guesses
  WHERE environment_id = p ->> 'environmentId' AND minute > this_minute - 11;
  IF recent < least((bounds ->> 'tenMinutes')::bigint, (bounds ->> 'cap')::bigint) THEN
    RETURN false;
  END IF;
  SELECT sum(guesses) INTO median FROM weak_guesses
  WHERE environment_id = p ->> 'environmentId' AND minute <= this_minute - 10 AND minute > this_minute - 10 - 10080
  GROUP BY minute / 10 ORDER BY 1 DESC OFFSET 504 LIMIT 1;
  RETURN recent >= least((bounds ->> 'cap')::numeric,
    greatest((bounds ->> 'tenMinutes')::numeric, (bounds ->> 'factor')::numeric * coalesce(median, 0)));
END $$;

-- Of one told network at most five guesses count in ten minutes; those whose network was not told all count.
CREATE FUNCTION ostiary.count_weak_guess(p jsonb, now bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  this_minute bigint := now / 60000;
  counted jsonb;
BEGIN
  IF p ->> 'guesser' IS NOT NULL THEN
    SELECT coalesce(jsonb_agg(at), '[]') INTO counted
    FROM jsonb_array_elements(coalesce((SELECT hits::jsonb FROM limits WHERE id = p ->> 'guesser'), '[]')) AS at
    WHERE (at #>> '{}')::bigint > this_minute - 10;
    IF jsonb_array_length(counted) >= 5 THEN
      RETURN;
    END IF;
    INSERT INTO limits (id, hits, fired, expires_at)
    VALUES (p ->> 'guesser', (counted || to_jsonb(this_minute))::text, 0, now + 600000)
    ON CONFLICT (id) DO UPDATE SET hits = excluded.hits, expires_at = excluded.expires_at;
  END IF;
  INSERT INTO weak_guesses (environment_id, minute, guesses) VALUES (p ->> 'environmentId', this_minute, 1)
  ON CONFLICT (environment_id, minute) DO UPDATE SET guesses = weak_guesses.guesses + 1;
  IF ostiary.is_protected(p, now) THEN
    UPDATE environments SET protection_raised_at = now WHERE id = p ->> 'environmentId' AND protection_raised_at IS NULL;
    IF FOUND THEN
      PERFORM ostiary.record(p, p ->> 'protectionEventId', 'protection.raised', now, '{}');
    END IF;
  END IF;
END $$;
