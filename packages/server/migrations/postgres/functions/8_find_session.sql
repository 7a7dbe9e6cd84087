-- `Store.findSessionNow` in one round trip: a session, its user, and the instant by which to judge them.
CREATE FUNCTION ostiary.find_session(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  it sessions;
BEGIN
  PERFORM ostiary.check_clock(p);
  SELECT * INTO it FROM sessions WHERE id = p ->> 'id' AND environment_id = p ->> 'environmentId';
  RETURN jsonb_build_object('session', CASE WHEN FOUND THEN to_jsonb(it) END, 'user', ostiary.user_of(it.user_id),
    'at', ostiary.judge_at(p));
END $$;
