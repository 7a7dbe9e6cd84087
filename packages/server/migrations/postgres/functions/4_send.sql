-- `Store.createChallenge` in one round trip: limits, challenge, sealed message and events (store/sql/challenges.ts).
CREATE FUNCTION ostiary.send(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  env text := p ->> 'environmentId';
  asked jsonb := p -> 'row';
  mail text := asked ->> 'address';
  names text[] := ARRAY(SELECT jsonb_array_elements_text(p -> 'names'));
  now bigint;
  refused jsonb;
  -- The device that knows the owner of the address, with its bucket.
  known jsonb;
  requested users;
  has_proven boolean;
  v_owner_id text;
  v_owner_status text;
  v_send_to text;
  v_proven text;
  v_void boolean := false;
  v_strong boolean := false;
  has_code boolean := (p ->> 'hasCode')::boolean;
  code jsonb;
  made challenges;
BEGIN
  PERFORM ostiary.set_connection(p);
  PERFORM ostiary.check_clock(p);
  IF jsonb_typeof(p -> 'known') = 'object' THEN
    known := ostiary.known_device(p, mail);
  END IF;
  IF known IS NOT NULL THEN
    names := names || (known ->> 'id');
  END IF;
  PERFORM ostiary.lock(names);
  now := ostiary.judge_at(p);
  -- Looked at again behind the lock: a device that is another by now, or whose token is, counts as none.
  IF known IS NOT NULL AND ostiary.known_device(p, mail) IS DISTINCT FROM known THEN
    known := NULL;
  END IF;
  IF known IS NOT NULL THEN
    p := p || jsonb_build_object('limits', (p -> 'known' -> 'limits') || jsonb_build_array(known));
  END IF;
  refused := ostiary.pass_limits(p, true, now);
  IF refused IS NOT NULL THEN
    RETURN refused;
  END IF;

  IF p ->> 'userId' IS NOT NULL THEN
    SELECT * INTO requested FROM users WHERE id = p ->> 'userId' AND environment_id = env;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM identifiers WHERE user_id = requested.id AND value = mail) THEN
      RETURN '{"kind": "userUnknown"}';
    END IF;
    has_proven := EXISTS (SELECT FROM identifiers WHERE user_id = requested.id AND verified_at IS NOT NULL);
  END IF;
  -- The proven address that comes next is read where nobody has proven this one (holderOf in store/sql/users.ts).
  SELECT users.id, users.status, spelling, value INTO v_owner_id, v_owner_status, v_send_to, v_proven
  FROM identifiers JOIN users ON users.id = user_id
  WHERE identifiers.environment_id = env AND type = 'email' AND value >= mail AND verified_at IS NOT NULL
  ORDER BY value LIMIT 1;
  IF v_proven IS DISTINCT FROM mail THEN
    v_owner_id := NULL;
    v_owner_status := NULL;
    v_send_to := NULL;
  END IF;

  -- A decoy: the challenge can never succeed (isDecoy in store/sql/challenges.ts).
  IF asked ->> 'user_mode' <> 'none' THEN
    v_void := CASE
      WHEN coalesce(requested.status, v_owner_status) = 'blocked' THEN true
      WHEN requested.id IS NOT NULL AND v_owner_id IS NOT NULL THEN v_owner_id <> requested.id
      WHEN requested.id IS NOT NULL THEN
        ((asked ->> 'opens_session')::integer = 1 OR asked ->> 'purpose' = 'signIn') AND has_proven
      ELSE v_owner_id IS NULL AND (asked ->> 'user_mode' = 'existing' OR NOT (p ->> 'isSignUpOpen')::boolean)
    END;
  END IF;
  IF has_code THEN
    IF known IS NULL THEN
      v_strong := ostiary.would_expose(p, mail, (asked ->> 'max_attempts')::integer, now);
    ELSE
      v_strong := ostiary.would_expose_device(p, known, (asked ->> 'max_attempts')::integer, now);
    END IF;
    v_strong := v_strong OR ostiary.is_protected(p, now);
  END IF;
  PERFORM ostiary.hold_app(asked ->> 'app_id');
  code := p -> CASE WHEN v_strong THEN 'strong' ELSE 'weak' END;

  INSERT INTO challenges (/*challenges*/) SELECT /*challenges*/ FROM jsonb_populate_record(NULL::challenges, asked || jsonb_build_object(
    'owner_id', v_owner_id, 'device_id', known -> 'deviceId', 'user_id', coalesce(requested.id, p ->> 'claimantId'), 'is_void', v_void::integer, 'is_strong', v_strong::integer,
    'code_length', CASE WHEN has_code THEN code -> 'length' END,
    'send_to', coalesce(v_send_to, mail), 'attempts_left', asked -> 'max_attempts',
    'code_hashes', CASE WHEN NOT has_code THEN '' WHEN v_void THEN repeat('*', 43) ELSE code ->> 'hash' END,
    'live_codes', has_code::integer, 'exposure_spent', 0, 'verifier_tries_left', 5, 'link_opens', 0))
  RETURNING * INTO made;
  INSERT INTO messages (id, environment_id, challenge_id, channel, recipient, domain, sealed, is_void, status, attempt,
    due_at, leased_until, created_at, expires_at)
  VALUES (p ->> 'messageId', env, made.id, made.channel, made.send_to,
    lower(substring(made.send_to from '[^@]*$')), code ->> 'sealed', made.is_void, 'queued', 0, now, 0, now, made.expires_at);
  IF p ->> 'linkHash' IS NOT NULL THEN
    INSERT INTO challenge_links (hash, challenge_id) VALUES (p ->> 'linkHash', made.id);
  END IF;
  INSERT INTO events (id, type, environment_id, app_id, actor_type, actor_id, user_id, challenge_id, request_id, context, data, created_at)
  VALUES (p -> 'eventIds' ->> 0, 'challenge.created', env, made.app_id, p ->> 'actorType', p ->> 'actorId', made.user_id, made.id,
      p ->> 'requestId', p ->> 'context',
      jsonb_build_object('purpose', made.purpose, 'channel', made.channel, 'credential', made.credential,
        'isStrong', v_strong, 'isDecoy', v_void, 'country', p -> 'country')::text, now),
    (p -> 'eventIds' ->> 1, 'message.queued', env, made.app_id, p ->> 'actorType', p ->> 'actorId', made.user_id, made.id,
      p ->> 'requestId', 'null', jsonb_build_object('messageId', p -> 'messageId')::text, now);
  -- The caller knows the rest: it made it.
  RETURN jsonb_build_object('kind', 'created', 'ownerId', made.owner_id, 'deviceId', made.device_id, 'userId', made.user_id, 'isVoid', v_void,
    'isStrong', v_strong, 'codeLength', made.code_length, 'sendTo', made.send_to);
END $$;
