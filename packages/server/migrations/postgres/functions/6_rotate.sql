-- `Store.rotateRefresh` in one round trip: rotate, repeat within the grace time, or reuse (store/sql/sessions.ts).
CREATE FUNCTION ostiary.rotate(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  env text := p ->> 'environmentId';
  now bigint;
  it sessions;
  kind text;
  about jsonb;
BEGIN
  PERFORM ostiary.set_connection(p);
  PERFORM ostiary.check_clock(p);
  SELECT sessions.* INTO it FROM sessions WHERE id = p ->> 'sessionId' AND environment_id = env FOR UPDATE;
  now := ostiary.judge_at(p);
  IF it.id IS NULL OR it.revoked_at IS NOT NULL OR it.epoch <> (p ->> 'epoch')::integer OR it.expires_at <= now THEN
    RETURN '{"kind": "invalid"}';
  END IF;
  about := jsonb_build_object('app_id', it.app_id, 'user_id', it.user_id, 'session_id', it.id, 'context', p -> 'context');

  IF it.refresh_hash = p ->> 'presentedHash' THEN
    IF it.refresh_expires_at <= now OR NOT EXISTS (SELECT FROM users WHERE id = it.user_id AND status = 'active') THEN
      RETURN '{"kind": "invalid"}';
    END IF;
    kind := 'rotated';
    UPDATE sessions SET refresh_hash = p ->> 'nextHash', refresh_expires_at = least(now + (p ->> 'idleMs')::bigint, expires_at),
      last_used_at = now, previous_hash = refresh_hash, previous_salt = p ->> 'salt', previous_key_id = p ->> 'keyId',
      previous_ip_address = p -> 'context' ->> 'ipAddress', previous_user_agent = p -> 'context' ->> 'userAgent',
      rotated_at = now, repeats = 0
    WHERE id = it.id RETURNING * INTO it;
  ELSIF it.previous_hash = p ->> 'presentedHash' AND it.repeats < (p ->> 'maxRepeats')::integer
    AND now < it.rotated_at + (p ->> 'graceMs')::bigint
    AND it.previous_ip_address IS NOT DISTINCT FROM p -> 'context' ->> 'ipAddress'
    AND it.previous_user_agent IS NOT DISTINCT FROM p -> 'context' ->> 'userAgent'
    AND EXISTS (SELECT FROM users WHERE id = it.user_id AND status = 'active') THEN
    kind := 'repeated';
    UPDATE sessions SET repeats = repeats + 1 WHERE id = it.id RETURNING * INTO it;
  ELSIF NOT (p ->> 'isGenuine')::boolean THEN
    RETURN '{"kind": "invalid"}';
  ELSE
    UPDATE sessions SET revoked_at = now WHERE id = it.id;
    PERFORM ostiary.record(p, p -> 'eventIds' ->> 0, 'session.refresh_reused', now, about);
    PERFORM ostiary.record(p, p -> 'eventIds' ->> 1, 'session.revoked', now, about - 'context', '{"reason": "refresh_reused"}');
    RETURN '{"kind": "reused"}';
  END IF;
  PERFORM ostiary.record(p, p -> 'eventIds' ->> 0, 'session.refreshed', now, about,
    CASE kind WHEN 'repeated' THEN '{"isRepeat": true}' ELSE '{}' END::jsonb);
  RETURN jsonb_build_object('kind', kind, 'session', to_jsonb(it), 'user', ostiary.user_of(it.user_id));
END $$;
