import { EVENT_TYPES, type EventType } from '../src/core/rows.ts'

/** What each event tells, and what stands in its `data`. A type without a line here does not compile. */
const GUIDE: Record<EventType, readonly [what: string, data?: string]> = {
  'challenge.created': ['A challenge was asked for', '`purpose channel isStrong isDecoy country`'],
  'challenge.resent': ['Its message was sent once more', '`earlierCodes isStrong`'],
  'challenge.refused': ['A right answer led to nothing: sign-up closed, user blocked', '`reason`'],
  'challenge.attempt_failed': ['A wrong answer', '`attemptsLeft`'],
  'challenge.exhausted': ['No attempt is left'],
  'challenge.verified': ['Proven', '`by`: code or link'],
  'challenge.claimed': ['A challenge of userMode `none` was bound to a user'],
  'challenge.link_opened': [
    'Its link page was opened, by a person or a scanner',
    '`network isLikelyScanner`',
  ],
  'challenge.link_approved': ['A link was approved for another browser'],
  'message.queued': ['A message waits to be sent', '`messageId notice`'],
  'message.sent': ['The provider took it', '`messageId attempt reply`'],
  'message.retried': ['It was not taken, and is tried again', '`messageId attempt reply`'],
  'message.failed': ['It will not be sent', '`messageId attempt reply`'],
  'message.delivered': ['The provider reports that it arrived', '`messageId detail`'],
  'message.bounced': ['The provider reports that it did not', '`messageId detail`'],
  'message.complained': ['The recipient called it spam', '`messageId detail`'],
  'user.created': ['A user: by a first proof or by the API', '`isImported`'],
  'user.updated': ['Fields of a user were changed', '`changed`'],
  'user.blocked': ['A user was shut out'],
  'user.unblocked': ['A user was let in again'],
  'user.deleted': ['A user was deleted with all that was theirs'],
  'user.adopted': ['A first proof took over a user with nothing proven'],
  'identifier.added': ['An address was added', '`type value isVerified`'],
  'identifier.verified': ['An address was proven', '`type value`'],
  'identifier.updated': ['An address was made the primary one', '`type value isPrimary`'],
  'identifier.removed': ['An address was removed', '`type value reason`'],
  'authenticator.created': ['A passkey was registered or imported', '`authenticatorId type`'],
  'authenticator.updated': ['It was renamed', '`authenticatorId changed`'],
  'authenticator.deleted': ['It was removed', '`authenticatorId type reason`'],
  'authenticator.used': ['It proved a challenge', '`authenticatorId`'],
  'authenticator.counter_regressed': ['Its counter went back: it may be a copy', '`authenticatorId`'],
  'device.created': ['A user signed in on a device that did not know them', '`deviceId`'],
  'device.remembered': ['Your backend said until when it counts as remembered', '`deviceId rememberedUntil`'],
  'device.ended': ['It is not known to this user any more', '`deviceId reason`'],
  'session.created': ['Somebody signed in'],
  'session.refreshed': ['A session goes on', '`isRepeat`'],
  'session.revoked': ['A session was ended before its time', '`reason`'],
  'session.refresh_reused': ['A refresh token was used twice: its session is revoked'],
  'action.tracked': ['An action was tracked', '`name outcome isTracked rules decidedBy version`'],
  'action.challenge_started': ['A challenge was sent within an action'],
  'action.challenge_succeeded': ['It was proven'],
  'action.challenge_failed': ['It was cancelled or refused', '`reason`'],
  'action.step_succeeded': ['A proof was given, and it is not done yet', '`method`'],
  'action.review_required': ['It waits for a review', '`rules version`'],
  'action.reviewed': ['Somebody decided the review', '`state`'],
  'action.validated': ['The backend took the result'],
  'limit.fired': [
    'A limit refused; one event a window, whose count rises',
    '`limit key refusals`, or `isAlarm thisHour`',
  ],
  'protection.raised': ['Too many wrong guesses in the environment: codes are long for a while'],
  'protection.lifted': ['The usual codes are back'],
  'api_key.created': ['A secret key was made', '`keyId name scopes`'],
  'api_key.revoked': ['A secret key was revoked', '`keyId`'],
  'app.created': ['An app was made'],
  'app.updated': ['An app was changed', '`changed`'],
  'app.deleted': ['An app was deleted'],
  'environment.created': ['An environment was made'],
  'settings.updated': ['Settings were changed', '`changed`'],
  'template.updated': ['A template was made, changed or deleted', '`templateId name change changed`'],
  'rule.created': ['A rule was made; `version` is that of the set', '`ruleId name version`'],
  'rule.updated': ['A rule was changed', '`ruleId name version changed`'],
  'rule.deleted': ['A rule was deleted', '`ruleId name version`'],
  'rule.failed': ['A rule erred when an action was judged', '`ruleId outcome message`'],
  'rule.rolled_back': ['The set of rules was made what it was in version `to`', '`version to`'],
  'list.created': ['A list of rules was made', '`listId name entriesCount`'],
  'list.updated': ['It was changed', '`listId name entriesCount changed`'],
  'list.deleted': ['It was deleted', '`listId name entriesCount`'],
  'hook.denied': ['The hook said no: the proof is worth nothing any more', '`hook reason`'],
  'hook.failed': [
    'The hook gave no answer that counts',
    '`hook reason detail onFailure`: noSecret, busy, timeout, notCalled, unreachable, status, tooLarge, malformed',
  ],
  'webhook_endpoint.created': ['A webhook endpoint was made', '`webhookEndpointId`'],
  'webhook_endpoint.updated': ['It was changed, enabled, or has a new secret', '`webhookEndpointId changed`'],
  'webhook_endpoint.deleted': ['It was deleted', '`webhookEndpointId`'],
  'webhook_endpoint.disabled': [
    'Nothing more is sent to it',
    '`webhookEndpointId reason`: manual, gone, failing, secret_replaced',
  ],
  'signing_key.rotated': ['Access tokens get a new key', '`keyId activatesAt`'],
  'secret.rotated': ['The secret of the server was replaced after a leak', '`keyId ended`'],
}

export function eventsPage(): string {
  const rows = EVENT_TYPES.map(type => {
    const [what, data = ''] = GUIDE[type]
    return `| \`${type}\` | ${what} | ${data} |`
  })
  return `<!-- Made from the code by: npm run docs -->
# Events

What happened, in one list for audit, timelines and [webhooks](webhooks.md): \`GET /v1/events\`, \`ostiary events\`. Every event
has \`id type createdAt environmentId appId actor userId challengeId actionId sessionId organizationId requestId context data\`;
those that do not apply are null. No event holds a code, a link or a token. Later versions add types: ignore what you do
not know.

| type | when | data |
|---|---|---|
${rows.join('\n')}
`
}
