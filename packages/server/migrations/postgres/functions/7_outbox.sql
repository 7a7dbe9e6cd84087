-- `Store.settleMessages` in one round trip (store/sql/messages.ts): what is settled already changes nothing and writes no
-- second event.
CREATE FUNCTION ostiary.settle(p jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  one jsonb;
  it record;
  told jsonb := '[]';
BEGIN
  PERFORM ostiary.set_connection(p);
  FOR one IN SELECT jsonb_array_elements(p -> 'outcomes') LOOP
    IF one ->> 'kind' = 'retry' THEN
      UPDATE messages SET due_at = (one ->> 'at')::bigint, leased_until = 0, reply = one ->> 'error'
      WHERE id = one ->> 'id' AND status = 'queued' AND leased_until <> 0 AND attempt = (one ->> 'attempt')::integer
      RETURNING id, environment_id, challenge_id, user_id, attempt INTO it;
    ELSE
      UPDATE messages SET status = one ->> 'kind', reply = coalesce(one ->> 'reply', one ->> 'error'),
        sent_at = CASE WHEN one ->> 'kind' = 'sent' THEN (one ->> 'now')::bigint END, leased_until = 0,
        keep_sealed_until = (one ->> 'keepSealedUntil')::bigint,
        sealed = CASE WHEN one ->> 'keepSealedUntil' IS NULL THEN NULL ELSE sealed END
      WHERE id = one ->> 'id' AND (status = 'queued' AND (one ->> 'kind' = 'sent' OR attempt = (one ->> 'attempt')::integer)
        OR status = 'failed' AND one ->> 'kind' = 'sent')
      RETURNING id, environment_id, challenge_id, user_id, attempt INTO it;
    END IF;
    IF FOUND THEN
      told := told || (one || to_jsonb(it));
    END IF;
  END LOOP;
  INSERT INTO events (id, type, environment_id, actor_type, challenge_id, user_id, context, data, created_at)
  SELECT e ->> 'eventId', CASE e ->> 'kind' WHEN 'retry' THEN 'message.retried' ELSE 'message.' || (e ->> 'kind') END,
    e ->> 'environment_id', 'system', e ->> 'challenge_id', e ->> 'user_id', 'null',
    jsonb_build_object('messageId', e -> 'id', 'attempt', e -> 'attempt', 'reply', coalesce(e -> 'reply', e -> 'error'))::text,
    (e ->> 'now')::bigint
  FROM jsonb_array_elements(told) AS e;
  RETURN '{}';
END $$;
