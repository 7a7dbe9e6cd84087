-- The bucket of the device whose token is shown, with its id and whom it knows, where that is whom the address belongs to; else
-- NULL (`knownDevice` in store/sql/challenges.ts). Both are looked for, whatever the first look finds (promise 7).
CREATE FUNCTION ostiary.known_device(p jsonb, mail text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  env text := p ->> 'environmentId';
  shown jsonb := p -> 'known';
  holder text;
  holds text;
  found text;
BEGIN
  SELECT user_id, value INTO holder, holds FROM identifiers
  WHERE environment_id = env AND type = 'email' AND value >= mail AND verified_at IS NOT NULL
  ORDER BY value LIMIT 1;
  IF holds IS DISTINCT FROM mail THEN
    holder := '';
  END IF;
  SELECT devices.id INTO found FROM devices JOIN device_users ON device_id = devices.id
  WHERE token_hash = shown ->> 'tokenHash' AND devices.environment_id = env AND epoch = (p ->> 'epoch')::integer
    AND devices.ended_at IS NULL AND user_id = holder AND device_users.ended_at IS NULL;
  IF found IS NULL THEN
    RETURN NULL;
  END IF;
  RETURN shown -> 'own' || jsonb_build_object('deviceId', found, 'userId', holder, 'key', holder || ' ' || found,
    'id', (shown -> 'own' ->> 'id') || holder || ' ' || found);
END $$;

-- Notes the device of a sign-in (`signInOn` in store/sql/devices.ts), in the write of `ostiary.attempt`. Both null where none is told.
CREATE FUNCTION ostiary.sign_in_on(p jsonb, of_user text, it challenges, now bigint, OUT its_id text, OUT is_new boolean)
LANGUAGE plpgsql AS $$
DECLARE
  next jsonb := p -> 'device';
  remembered bigint := now + (next ->> 'rememberMs')::bigint;
  known device_users;
BEGIN
  IF jsonb_typeof(next) IS DISTINCT FROM 'object' THEN
    RETURN;
  END IF;
  SELECT id INTO its_id FROM devices
  WHERE token_hash = next ->> 'presentedHash' AND environment_id = it.environment_id AND epoch = it.epoch AND ended_at IS NULL
  FOR UPDATE;
  SELECT * INTO known FROM device_users WHERE device_id = its_id AND user_id = of_user;
  is_new := known.device_id IS NULL OR known.ended_at IS NOT NULL;
  IF NOT is_new THEN
    UPDATE devices SET last_seen_at = now WHERE id = its_id;
    UPDATE device_users SET last_sign_in_at = now, ip_address = p -> 'context' ->> 'ipAddress',
      user_agent = p -> 'context' ->> 'userAgent', remembered_until = greatest(remembered_until, remembered)
    WHERE device_id = its_id AND user_id = of_user;
    RETURN;
  END IF;
  -- A device that was ended for them stays so.
  IF its_id IS NOT NULL AND known.device_id IS NULL THEN
    UPDATE devices SET token_hash = next ->> 'tokenHash', last_seen_at = now WHERE id = its_id;
  ELSE
    its_id := next ->> 'id';
    INSERT INTO devices (id, environment_id, token_hash, epoch, created_at, last_seen_at)
    VALUES (its_id, it.environment_id, next ->> 'tokenHash', it.epoch, now, now);
  END IF;
  INSERT INTO device_users (device_id, user_id, environment_id, ip_address, user_agent, created_at, last_sign_in_at, remembered_until)
  VALUES (its_id, of_user, it.environment_id, p -> 'context' ->> 'ipAddress', p -> 'context' ->> 'userAgent', now, now, remembered);
  PERFORM ostiary.record(p, p -> 'eventIds' ->> 4, 'device.created', now,
    jsonb_build_object('app_id', it.app_id, 'user_id', of_user, 'challenge_id', it.id, 'context', p -> 'context'),
    jsonb_build_object('deviceId', its_id));
END $$;

-- Whether the user has as many as anybody may: then one is to be ended, which the shared statements do.
CREATE FUNCTION ostiary.has_no_room_for_device(p jsonb, of_user text) RETURNS boolean LANGUAGE sql AS $$
  SELECT jsonb_typeof(p -> 'device') = 'object' AND (
    SELECT count(*) FROM device_users
    WHERE user_id = of_user AND environment_id = p ->> 'environmentId' AND ended_at IS NULL) >= /*maxDevices*/
$$;
