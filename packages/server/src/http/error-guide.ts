import type { ErrorCode } from '../core/errors.ts'

/** What the caller does about each refusal. Shown on `/docs/errors` and in docs/errors.md, which is made from it. */
export const WHAT_TO_DO: Record<ErrorCode, string> = {
  invalid_request:
    'Read errors[]: each entry names a path, what is wrong there and, where it can be guessed, the name that was meant.',
  malformed_json: 'Send a body that is one JSON value in UTF-8.',
  cursor_invalid: 'Use nextCursor as it was given, with the same filters; else start again without a cursor.',
  redirect_url_not_allowed: 'Put the URL on redirectUrls of the app; detail says what is wrong with it.',
  template_invalid:
    'Read errors[]. At a send: name a template that exists, shows what the credential gives, and has a value for each of its variables. At a save: each entry names a text and what it cannot hold.',
  code_incorrect: 'Let the person try again; attemptsLeft says how often.',
  link_invalid:
    'The token is unknown, replaced, of another kind (mailed olk_, hand-over oht_), purpose or challenge, or the codeVerifier is missing or wrong. Let the person ask for a new link.',
  token_invalid:
    'Use the token of the kind that this call takes, in time: an opening token once; a result token (oht_) within 60 seconds, for its own app, action and user, with the codeVerifier of its action or with none. Of a passkey: it is unknown, another user’s, from a page that is on no list, or its signature or counter is wrong; the event challenge.attempt_failed has the reason. Begin a new challenge.',
  unauthorized:
    'Send a secret key of this environment as Authorization: Bearer osk_… To /client/v1 send the publishable key (opk_…) to begin, and the token of the action (oat_…) afterwards. To /hooks/mail the provider proves itself, by the secret or token that both sides are set up with; /metrics takes METRICS_TOKEN.',
  session_invalid: 'The person has to sign in again.',
  refresh_invalid: 'The person has to sign in again.',
  refresh_reused:
    'The token was used before, by a thief or by a client that lost an answer. The session is revoked: the person has to sign in again.',
  scope_insufficient: 'Use a key with one of the scopes that detail names.',
  origin_not_allowed:
    'Put the origin on origins of the app. A call that works by Ostiary’s cookie is taken from pages of Ostiary alone.',
  fresh_proof_required: 'Let the person prove who they are, then call again.',
  sign_up_closed: 'Only known users may come in; open sign-up in the settings, or create the user first.',
  user_blocked: 'An operator has blocked this user.',
  hook_denied: 'The app’s own hook refused the sign-in.',
  not_found:
    'Check the id, and that the key belongs to the same environment. Something foreign answers like something unknown.',
  method_not_allowed: 'Use one of the methods in the Allow header.',
  not_acceptable: 'Accept application/json.',
  challenge_expired: 'Start a new challenge. It ran out, or the address or its owner changed since.',
  challenge_used:
    'Somebody answered it already, perhaps the person in another tab. Start a new challenge if they are not signed in.',
  attempts_exhausted: 'Start a new challenge.',
  sends_exhausted: 'Start a new challenge.',
  resend_too_late: 'Start a new challenge: a message now would arrive with too little time to use it.',
  already_exists: 'Use the one that is there; detail says what clashes.',
  external_id_taken: 'Another user has this externalId: look it up with GET /v1/users?externalId=…',
  state_conflict: 'Read the object again and decide by its state; detail says what stands in the way.',
  already_claimed: 'It can be done once, and was.',
  idempotency_in_progress:
    'The first request with this key is still running: try again in a moment with the same key.',
  precondition_failed: 'Read the object again, apply the change to it, and send the new ETag as If-Match.',
  body_too_large: 'Send at most 64 KB; a template may take 256 KB, rules that are tried 512 KB, a list 3 MB.',
  unsupported_media_type: 'Send the body as Content-Type: application/json.',
  idempotency_key_reused: 'Use a new Idempotency-Key for another body.',
  destination_not_allowed: 'The settings (emailDomains) do not let mail go there.',
  rate_limited: 'Wait retryAfterSeconds; limit names the limit, which is explained in the settings.',
  internal_error: 'Report it with the requestId. Nothing of the request took effect.',
  unavailable: 'Try again after Retry-After. Nothing of the request took effect.',
  outcome_unknown:
    'Try again with the same Idempotency-Key, or read the object: the request may have taken effect.',
}
