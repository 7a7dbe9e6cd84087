-- `Store.attempt` for a code, in one round trip: spend, judge, prove, find or make the user, open the session, record
-- (store/sql/attempts.ts). Where the proof leads to an adoption, a refusal or an externalId it answers 'general' before
-- anything is written, and the shared statements do it: that is rare, and one set of rules for it is enough.
CREATE FUNCTION ostiary.attempt(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  env text := p ->> 'environmentId';
  names text[] := ARRAY(SELECT jsonb_array_elements_text(p -> 'names'));
  now bigint;
  refused jsonb;
  it challenges;
  owner users;
  is_right boolean;
  is_up boolean;
  is_new boolean := false;
  about jsonb;
  session sessions;
  is_noticed boolean := false;
  -- Without a session at hand the proof is written alone: a hook decides on the session.
  opens boolean := false;
  its_device text;
  is_device_new boolean;
BEGIN
  PERFORM ostiary.set_connection(p);
  PERFORM ostiary.check_clock(p);
  -- The address of a challenge never changes, so it may be read before its lock.
  SELECT id, address INTO it.id, it.address FROM challenges
  WHERE id = p ->> 'challengeId' AND environment_id = env AND purpose = p ->> 'purpose';
  IF FOUND THEN
    names := names || (env || ':address:' || it.address);
  END IF;
  PERFORM ostiary.lock(names);
  -- The owner before the challenge: blocking and deleting hold the user, so they come before this or after it.
  SELECT users.* INTO owner FROM identifiers JOIN users ON users.id = user_id
  WHERE identifiers.environment_id = env AND type = 'email' AND value = it.address AND verified_at IS NOT NULL
  FOR UPDATE OF users;
  SELECT * INTO it FROM challenges WHERE id = it.id FOR UPDATE;
  now := ostiary.judge_at(p);

  refused := ostiary.pass_limits(p, false, now);
  IF refused IS NOT NULL THEN
    RETURN refused;
  END IF;
  -- A challenge of an action is answered there (attemptInAction), by the shared statements.
  IF it.id IS NULL OR it.code_length IS NULL OR it.action_id IS NOT NULL THEN
    RETURN '{"kind": "notFound"}';
  END IF;
  IF it.verified_at IS NOT NULL THEN
    RETURN '{"kind": "used"}';
  END IF;
  IF it.ended_at IS NOT NULL OR it.expires_at <= now OR it.epoch <> (p ->> 'epoch')::integer THEN
    RETURN '{"kind": "expired"}';
  END IF;
  IF it.attempts_left = 0 THEN
    RETURN '{"kind": "exhausted"}';
  END IF;

  opens := it.opens_session = 1 AND jsonb_typeof(p -> 'session') = 'object';
  is_right := EXISTS (
    SELECT FROM jsonb_array_elements_text(p -> 'hashes') AS hash WHERE position(hash IN it.code_hashes) > 0);
  about := jsonb_build_object('app_id', it.app_id, 'challenge_id', it.id, 'context', p -> 'context');
  IF NOT is_right THEN
    -- While protection is up, a weak code that is already out is judged at most once more.
    is_up := it.is_strong = 0 AND ostiary.is_protected(p, now);
    UPDATE challenges SET attempts_left = CASE WHEN is_up THEN 0 ELSE attempts_left - 1 END,
      exposure_spent = exposure_spent + CASE WHEN is_strong = 1 THEN 0 ELSE live_codes END
    WHERE id = it.id RETURNING * INTO it;
    about := about || jsonb_build_object('user_id', it.user_id);
    PERFORM ostiary.record(p, p -> 'eventIds' ->> 0, 'challenge.attempt_failed', now, about,
      jsonb_build_object('attemptsLeft', it.attempts_left));
    IF it.attempts_left = 0 THEN
      PERFORM ostiary.record(p, p -> 'eventIds' ->> 1, 'challenge.exhausted', now, about - 'context');
    END IF;
    PERFORM ostiary.count_hit(ostiary.hits_of(one), one, now) FROM jsonb_array_elements(p -> 'limits') AS one;
    IF it.is_strong = 0 THEN
      PERFORM ostiary.count_weak_guess(p, now);
    END IF;
    RETURN jsonb_build_object('kind', 'incorrect', 'attemptsLeft', it.attempts_left);
  END IF;

  IF it.user_mode = 'none' THEN
    UPDATE challenges SET verified_at = now, proven_by = 'code', attempts_left = attempts_left - 1, handover_hash = NULL
    WHERE id = it.id RETURNING * INTO it;
    PERFORM ostiary.record(p, p -> 'eventIds' ->> 0, 'challenge.verified', now, about, '{"by": "code"}');
    RETURN jsonb_build_object('kind', 'verified', 'challenge', to_jsonb(it), 'user', NULL, 'isNewUser', false, 'session', NULL);
  END IF;

  IF owner.id IS NULL THEN
    is_new := true;
    IF it.owner_id IS NOT NULL OR it.user_id IS NOT NULL OR it.user_mode <> 'create' OR it.external_id IS NOT NULL
      OR NOT (p ->> 'isSignUpOpen')::boolean
      OR EXISTS (SELECT FROM identifiers WHERE environment_id = env AND type = 'email' AND value = it.address) THEN
      RETURN '{"kind": "general"}';
    END IF;
    INSERT INTO users (id, environment_id, locale, status, metadata, created_at, updated_at, last_sign_in_at)
    VALUES (p ->> 'newUserId', env, it.locale, 'active', '{}', now, now, CASE WHEN opens THEN now END)
    RETURNING * INTO owner;
    INSERT INTO identifiers (environment_id, user_id, type, value, spelling, verified_at, is_primary, created_at)
    VALUES (env, owner.id, 'email', it.address, it.send_to, now, 1, now);
  ELSIF it.owner_id IS DISTINCT FROM owner.id OR coalesce(it.user_id, owner.id) <> owner.id OR owner.status <> 'active'
    OR (it.external_id IS NOT NULL AND it.external_id IS DISTINCT FROM owner.external_id)
    OR EXISTS (SELECT FROM identifiers
      WHERE environment_id = env AND type = 'email' AND value = it.address AND user_id <> owner.id)
    OR (opens AND ostiary.has_no_room_for_device(p, owner.id)) THEN
    RETURN '{"kind": "general"}';
  END IF;

  -- The proof, who it made, and the session that it opens. The session points at its proof.
  INSERT INTO events (id, type, environment_id, app_id, actor_type, actor_id, user_id, challenge_id, session_id, request_id,
    context, data, created_at)
  SELECT p -> 'eventIds' ->> n, kind, env, CASE WHEN n = 1 THEN p ->> 'appId' ELSE it.app_id END, p ->> 'actorType',
    p ->> 'actorId', owner.id, it.id, CASE WHEN n = 2 THEN p -> 'session' ->> 'id' END, p ->> 'requestId',
    CASE WHEN n = 1 THEN 'null' ELSE p ->> 'context' END, CASE WHEN n = 0 THEN '{"by": "code"}' ELSE '{}' END, now
  FROM (VALUES (0, 'challenge.verified', true), (1, 'user.created', is_new), (2, 'session.created', opens))
    AS one (n, kind, happened)
  WHERE happened;
  IF opens THEN
    PERFORM ostiary.hold_app(it.app_id);
    SELECT one.its_id, one.is_new INTO its_device, is_device_new FROM ostiary.sign_in_on(p, owner.id, it, now) AS one;
    is_noticed := NOT is_new AND ostiary.notice_new_device(p, owner, it.app_id, now);
    INSERT INTO sessions (/*sessions*/) SELECT /*sessions*/ FROM jsonb_populate_record(NULL::sessions, p -> 'session' || jsonb_build_object(
      'app_id', it.app_id, 'user_id', owner.id, 'auth_time', now, 'proof_event_id', p -> 'eventIds' ->> 0,
      'epoch', it.epoch, 'created_at', now, 'last_used_at', now, 'device_id', its_device))
    RETURNING * INTO session;
    IF NOT is_new THEN
      UPDATE users SET last_sign_in_at = now WHERE id = owner.id;
    END IF;
  END IF;
  UPDATE challenges SET verified_at = now, proven_by = 'code', attempts_left = attempts_left - 1, user_id = owner.id,
    proof_event_id = p -> 'eventIds' ->> 0, handover_hash = NULL,
    session_opened_at = CASE WHEN opens THEN now END
  WHERE id = it.id RETURNING * INTO it;
  RETURN jsonb_build_object('kind', 'verified', 'challenge', to_jsonb(it), 'user', ostiary.user_of(owner.id),
    'isNewUser', is_new, 'session', CASE WHEN session.id IS NULL THEN NULL ELSE to_jsonb(session) END,
    'isNoticed', is_noticed, 'isDeviceNew', coalesce(is_device_new, false));
END $$;
