import { deviceOf } from '../device.ts'
import type { Event, EventContext, EventType } from '../rows.ts'
import { limitWords, reasonWords } from './reasons.ts'

/** One line of a story: what happened, in plain words for whoever helps people. */
export interface Line {
  eventId: string
  type: EventType
  at: number
  text: string
  challengeId: string | null
  actionId: string | null
  sessionId: string | null
  context: EventContext | null
  data: Record<string, string | number | boolean | null>
}

type Data = Record<string, unknown>

/** Which data of the event a line holds, and its words. */
interface Form {
  keys: readonly string[]
  text(data: Data, event: Event): string
}

const says = (text: string, ...keys: string[]): Form => ({ keys, text: () => text })
const QUOTE_LENGTH = 300

/** A provider's own words, which the store has cleaned and cut. */
const quoted = (words: unknown) =>
  typeof words === 'string' && words !== '' ? `: ${words.slice(0, QUOTE_LENGTH)}` : ''
const because = (reason: unknown) => {
  const words = reasonWords(reason)
  return words === null ? '' : `, because ${words}`
}
const thing = (data: Data) => (typeof data.notice === 'string' ? 'security notice' : 'mail')
const count = (number: unknown, one: string, many: string) => `${number} ${number === 1 ? one : many}`

function device({ context }: Event): string {
  const { browser, system } = deviceOf(context?.userAgent ?? null)
  const named = [browser, system].filter(name => name !== null).join(' on ')
  return named === '' ? '' : ` in ${named}`
}

const PROVEN: Record<string, string> = { code: 'The code was right', link: 'The link was used' }
const REVOKED: Record<string, string> = {
  refresh_reused: 'because a refresh token was used a second time: it may have been stolen',
  secret_replaced: 'because the server’s secret was replaced',
  user_blocked: 'because the user was blocked',
  adopted: 'because the account got a proven owner',
}
const DEVICE_ENDED: Record<string, string> = {
  signed_out: 'because they signed out everywhere',
  adopted: 'because the account got a proven owner',
  user_blocked: 'because the user was blocked',
  secret_replaced: 'because the server’s secret was replaced',
  too_many: 'because newer ones took its place',
}
const why = (reasons: Record<string, string>, reason: unknown) =>
  typeof reason === 'string' && Object.hasOwn(reasons, reason) ? ` ${reasons[reason]}` : ''

/**
 * The words of every event, one form a type: the compiler refuses a type without one. A form names the data that its line
 * may hold; all else of an event (keys of limits, which may be somebody's address; names; other users) stays out.
 */
export const FORMS: Record<EventType, Form> = {
  'challenge.created': {
    keys: ['purpose', 'channel', 'method', 'credential', 'ceremony', 'isStrong', 'isDecoy'],
    text({ isDecoy, method, ceremony, credential }) {
      if (isDecoy === true)
        return 'A proof was asked for that can never succeed: the address leads to nobody who may come in. Nothing is sent.'
      if (method === 'passkey')
        return ceremony === 'registration' ? 'A new passkey was begun.' : 'A passkey was asked for.'
      if (credential === 'link') return 'A link was asked for.'
      return credential === 'codeAndLink' ? 'A code and a link were asked for.' : 'A code was asked for.'
    },
  },
  'challenge.resent': {
    keys: ['earlierCodes', 'isStrong'],
    text: ({ earlierCodes }) =>
      earlierCodes === 'replaced'
        ? 'Another mail was asked for; earlier codes do not work any more.'
        : 'Another mail was asked for; earlier codes still work.',
  },
  'challenge.refused': {
    keys: ['reason'],
    text: ({ reason }) => `The answer was right and was refused${because(reason)}.`,
  },
  'challenge.attempt_failed': {
    keys: ['attemptsLeft', 'reason'],
    text: ({ attemptsLeft, reason }) =>
      reason === undefined
        ? `A wrong code was typed${typeof attemptsLeft === 'number' ? `; ${count(attemptsLeft, 'try', 'tries')} left` : ''}.`
        : `A passkey was refused${because(reason)}.`,
  },
  'challenge.exhausted': says('No tries are left: this code is over, a new one has to be asked for.'),
  'challenge.verified': {
    keys: ['by', 'ceremony'],
    text: ({ by, ceremony }, event) =>
      by === 'passkey'
        ? `The passkey ${ceremony === 'registration' ? 'was taken' : 'signed'}${device(event)}.`
        : `${PROVEN[String(by)] ?? 'The answer was right'}${device(event)}.`,
  },
  'challenge.claimed': says('The proven address was bound to a user.'),
  'challenge.link_opened': {
    keys: ['network', 'isLikelyScanner'],
    text: ({ isLikelyScanner }, event) =>
      isLikelyScanner === true
        ? 'The link was opened, it seems by a mail scanner and not by the person. It still works.'
        : `The link was opened${device(event)}; it counts when its button is pressed.`,
  },
  'challenge.link_approved': says('The sign-in was approved from another device.'),
  'message.queued': {
    keys: ['messageId', 'notice'],
    text: data => `A ${thing(data)} waits to be sent.`,
  },
  'message.sent': {
    keys: ['messageId', 'attempt', 'reply'],
    text: ({ reply }) => `The mail server took the mail${quoted(reply)}`,
  },
  'message.retried': {
    keys: ['messageId', 'attempt', 'reply'],
    text: ({ reply }) => `The mail could not be sent; it will be tried again${quoted(reply)}`,
  },
  'message.failed': {
    keys: ['messageId', 'attempt', 'reply', 'reason'],
    text: ({ reply }) => `The mail could not be sent and is given up${quoted(reply)}`,
  },
  'message.delivered': {
    keys: ['messageId', 'detail'],
    text: ({ detail }) => `The provider says that the mail was delivered${quoted(detail)}`,
  },
  'message.bounced': {
    keys: ['messageId', 'detail'],
    text: ({ detail }) => `The mail came back${quoted(detail)}`,
  },
  'message.complained': {
    keys: ['messageId', 'detail'],
    text: ({ detail }) => `The person marked the mail as spam${quoted(detail)}`,
  },
  'user.created': {
    keys: ['isImported'],
    text: ({ isImported }) => (isImported === true ? 'The user was imported.' : 'The user was created.'),
  },
  'user.updated': says('The user was changed.'),
  'user.blocked': says('The user was blocked: no sign-in succeeds until they are unblocked.'),
  'user.unblocked': says('The user was unblocked.'),
  'user.deleted': says('The user was deleted.'),
  'user.adopted': says(
    'The account got its first proven owner; what was on it before (sessions, passkeys) ended.',
  ),
  'identifier.added': says('An address was added.'),
  'identifier.verified': says('An address was proven.'),
  'identifier.updated': says('Another address became the primary one.'),
  'identifier.removed': says('An address was removed.'),
  'authenticator.created': says('A passkey was added.', 'authenticatorId'),
  'authenticator.updated': says('A passkey was renamed.', 'authenticatorId'),
  'authenticator.deleted': says('A passkey was removed.', 'authenticatorId'),
  'authenticator.used': says('A passkey was used.', 'authenticatorId'),
  'authenticator.counter_regressed': says(
    'A passkey answered with a counter that did not rise: it may have been copied.',
    'authenticatorId',
  ),
  'device.created': {
    keys: ['deviceId'],
    text: (_data, event) => `The person signed in on a device that did not know them${device(event)}.`,
  },
  'device.remembered': says('The app changed until when the device counts as remembered.', 'deviceId'),
  'device.ended': {
    keys: ['deviceId', 'reason'],
    text: ({ reason }) => `A device stopped knowing the person${why(DEVICE_ENDED, reason)}.`,
  },
  'session.created': { keys: [], text: (_data, event) => `A session began${device(event)}.` },
  'session.refreshed': says('The session was renewed.', 'isRepeat'),
  'session.revoked': {
    keys: ['reason'],
    text: ({ reason }) => `The session was ended${why(REVOKED, reason)}.`,
  },
  'session.refresh_reused': says('A refresh token was used a second time: it may have been stolen.'),
  'action.tracked': {
    keys: ['outcome', 'rules', 'decidedBy'],
    text: ({ name, outcome, decidedBy }) =>
      (name === 'signIn' ? 'A sign-in began.' : 'An action began.') +
      (outcome === 'BLOCK' ? ` It was blocked${decidedBy ? ' by a rule' : ''}.` : ''),
  },
  'action.challenge_started': says('The sign-in asked for a proof.'),
  'action.challenge_succeeded': says('The sign-in got its proof.'),
  'action.challenge_failed': {
    keys: ['reason'],
    text: ({ reason }) =>
      reason === 'cancelled'
        ? 'The person cancelled the sign-in.'
        : `The sign-in failed${because(reason === 'blocked' ? 'userBlocked' : reason)}.`,
  },
  'action.step_succeeded': says('One of the proofs that it takes was given; another is asked for.'),
  'action.review_required': says('The rules left it to a person: it waits for a review.'),
  'action.reviewed': {
    keys: ['state'],
    text: ({ state }) => (state === 'REVIEW_SUCCEEDED' ? 'The review said yes.' : 'The review said no.'),
  },
  'rule.failed': {
    keys: ['ruleId', 'outcome', 'message'],
    text: ({ message }) => `A rule could not be answered${quoted(message)}. It counted as if it held.`,
  },
  'action.validated': says('The app took the result of the sign-in.'),
  'limit.fired': {
    keys: ['limit', 'refusals', 'endsAt'],
    text({ limit, refusals, endsAt }) {
      const until = typeof endsAt === 'string' ? ` The next one passes at ${endsAt}.` : ''
      const times = typeof refusals === 'number' ? `, ${count(refusals, 'time', 'times')}` : ''
      return `A limit refused it${times}: too many ${limitWords(limit)}.${until}`
    },
  },
  'hook.denied': {
    keys: ['reason'],
    text: ({ reason }) => `The app’s hook said no to the sign-in${quoted(reason)}.`,
  },
  'hook.failed': {
    keys: ['reason', 'onFailure'],
    text: ({ onFailure }) =>
      `The app’s hook gave no answer that counts; ${onFailure === 'allow' ? 'the sign-in went on without it' : 'nobody was let in'}.`,
  },
  'protection.raised': says('Codes are being guessed in this environment: all new codes are longer for now.'),
  'protection.lifted': says('Codes have their usual length again.'),
  'api_key.created': says('An API key was created.'),
  'api_key.revoked': says('An API key was revoked.'),
  'app.created': says('An app was created.'),
  'app.updated': says('An app was changed.'),
  'app.deleted': says('An app was deleted.'),
  'environment.created': says('The environment was created.'),
  'settings.updated': says('The settings were changed.'),
  'template.updated': says('A template was changed.'),
  'rule.created': says('A rule was created.'),
  'rule.updated': says('A rule was changed.'),
  'rule.deleted': says('A rule was deleted.'),
  'rule.rolled_back': says('The rules went back to an earlier version.'),
  'list.created': says('A list for rules was created.'),
  'list.updated': says('A list for rules was changed.'),
  'list.deleted': says('A list for rules was deleted.'),
  'webhook_endpoint.created': says('A webhook endpoint was created.'),
  'webhook_endpoint.updated': says('A webhook endpoint was changed.'),
  'webhook_endpoint.deleted': says('A webhook endpoint was deleted.'),
  'webhook_endpoint.disabled': says('A webhook endpoint was disabled.'),
  'signing_key.rotated': says('The signing key was replaced.'),
  'secret.rotated': says('The server’s secret was replaced.'),
}

/** The event as a line: its words and, of its data, what its form names. */
export function lineOf(event: Event): Line {
  const { id, type, createdAt, challengeId, actionId, sessionId, context } = event
  const form = FORMS[type]
  return {
    eventId: id,
    type,
    at: createdAt,
    text: form.text(event.data, event),
    challengeId,
    actionId,
    sessionId,
    context: context && { ipAddress: context.ipAddress, userAgent: context.userAgent },
    data: Object.fromEntries(
      form.keys
        .filter(key => Object.hasOwn(event.data, key))
        .map(key => [key, scalar(event.data[key])] as const),
    ),
  }
}

const scalar = (value: unknown) =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
