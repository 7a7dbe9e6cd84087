-- Tells a user of a sign-in from where they never signed in (`insertSession` in store/sql/sessions.ts), in the write of
-- `ostiary.attempt` and before its session is there to be found. Whether it did.
CREATE FUNCTION ostiary.notice_new_device(p jsonb, owner users, app text, now bigint) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  notice jsonb := p -> 'notice';
  mail identifiers;
BEGIN
  IF jsonb_typeof(notice) IS DISTINCT FROM 'object' OR owner.last_sign_in_at IS NULL OR EXISTS (
    SELECT FROM (SELECT seen_as, user_agent FROM sessions WHERE environment_id = owner.environment_id AND user_id = owner.id
      ORDER BY id DESC LIMIT /*remembered*/) AS newest
    WHERE seen_as = p -> 'session' ->> 'seen_as'
      OR seen_as IS NULL AND user_agent = p -> 'session' ->> 'user_agent') THEN
    RETURN false;
  END IF;
  SELECT * INTO mail FROM identifiers WHERE user_id = owner.id AND type = 'email' AND verified_at IS NOT NULL
  ORDER BY is_primary DESC, created_at, value LIMIT 1;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  INSERT INTO messages (id, environment_id, channel, recipient, domain, sealed, is_void, status, attempt, due_at, leased_until,
    created_at, expires_at, notice, user_id, address)
  VALUES (notice ->> 'id', owner.environment_id, 'email', mail.spelling, lower(substring(mail.spelling from '[^@]*$')),
    notice ->> 'sealed', 0, 'queued', 0, now, 0, now, (notice ->> 'expiresAt')::bigint, notice ->> 'kind', owner.id, mail.value);
  PERFORM ostiary.record(p, p -> 'eventIds' ->> 3, 'message.queued', now,
    jsonb_build_object('app_id', app, 'user_id', owner.id),
    jsonb_build_object('messageId', notice -> 'id', 'notice', notice -> 'kind'));
  RETURN true;
END $$;
