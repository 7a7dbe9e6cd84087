import type { User } from '../rows.ts'
import type { Line } from './lines.ts'
import { limitWords } from './reasons.ts'

/** What a story comes to, and what to do about it. */
export interface Conclusion {
  kind: Kind
  text: string
  /** Null: nothing has to be done. */
  advice: string | null
}

/** The closed list of conclusions, each with what to do. */
const ADVICE = {
  nothing: 'look at the spelling of the address, at --environment and, for earlier days, at --since',
  blocked: 'let them in again with: ostiary users unblock',
  limited: 'they can try again then; a mail that was sent before still works while its code is young',
  signedIn: null,
  refused: null,
  decoy:
    'nobody has proven this address: see “ostiary users list --email”, the userMode of the call and signUp in the settings',
  exhausted: 'they have to ask for a new code; three tabs and three codes are a common cause',
  passkeyRefused: 'they can sign in by mail instead; see docs/passkeys.md for the reason',
  wrongCode: 'the newest mail counts: its three letters stand on the page, too',
  bounced: 'the address does not take our mail: let them use another one, or mend the mailbox and try again',
  complained: 'the provider may not deliver to them any more: take the address off its suppression list',
  failed: 'see the reply; “ostiary send-test” tries the way out, “ostiary doctor” looks at the mail records',
  retried: 'the mail server is in trouble or asks to wait: see “ostiary doctor”',
  queued: 'if this stays so, no worker runs: see /readyz and the log of the server',
  opened: 'the link counts when the button on its page is pressed, in the browser that asked for it',
  taken:
    'nothing was tried with it: let them look in the spam folder, and see “ostiary doctor” for the mail records',
  unanswered: 'the passkey dialog was closed or found no passkey: they can sign in by mail instead',
} as const satisfies Record<string, string | null>

type Kind = keyof typeof ADVICE

/**
 * Why could they not sign in? Judged by the newest attempt; lines are newest first. What ended it says more than how its mail
 * went; of the mail the newest word counts, but for the scanner's look at a link.
 */
export function conclude(
  lines: readonly Line[],
  { user, now }: { user: Pick<User, 'status'> | null; now: number },
): Conclusion {
  const say = (kind: Kind, text: string, at?: number): Conclusion => ({
    kind,
    text: at === undefined ? text : `${text} (${ago(now - at)}).`,
    advice: ADVICE[kind],
  })
  if (user?.status === 'blocked') return say('blocked', 'The user is blocked.')
  const asked = lines.find(
    ({ type, data }) => type === 'challenge.created' && data.ceremony !== 'registration',
  )
  const limit = lines.find(({ type }) => type === 'limit.fired')
  if (limit && (!asked || limit.at >= asked.at) && Date.parse(String(limit.data.endsAt)) > now)
    return say(
      'limited',
      `A limit holds until ${limit.data.endsAt}: too many ${limitWords(limit.data.limit)}.`,
    )
  if (!asked) return say('nothing', 'Nobody asked to sign in with this address in this time.')
  return judge(
    asked,
    lines.filter(line => line.challengeId === asked.challengeId),
    say,
  )
}

function judge(
  asked: Line,
  lines: readonly Line[],
  say: (kind: Kind, text: string, at?: number) => Conclusion,
): Conclusion {
  const find = (type: Line['type']) => lines.find(line => line.type === type)
  const verified = find('challenge.verified')
  if (verified) return say('signedIn', 'The last attempt succeeded', verified.at)
  const refused = find('challenge.refused')
  if (refused) return say('refused', bare(refused.text), refused.at)
  if (asked.data.isDecoy === true)
    return say('decoy', 'The address leads to nobody who may come in, so nothing was sent', asked.at)
  const exhausted = find('challenge.exhausted')
  if (exhausted) return say('exhausted', 'The last code was typed wrong too often', exhausted.at)
  const last = lines.find(
    ({ type, data }) =>
      type !== 'challenge.created' &&
      type !== 'challenge.resent' &&
      !type.startsWith('action.') &&
      !(type === 'challenge.link_opened' && data.isLikelyScanner === true),
  )
  const detail = (line: Line) => wordsOf(line.data.detail ?? line.data.reply)
  switch (last?.type) {
    case 'challenge.attempt_failed':
      return last.data.reason === undefined
        ? say('wrongCode', `The last code was typed wrong; tries left: ${last.data.attemptsLeft}`, last.at)
        : say('passkeyRefused', bare(last.text), last.at)
    case 'message.bounced':
      return say('bounced', `The last mail bounced${detail(last)}`, last.at)
    case 'message.complained':
      return say('complained', 'The last mail was marked as spam', last.at)
    case 'message.failed':
      return say('failed', `The last mail could not be sent${detail(last)}`, last.at)
    case 'message.retried':
      return say('retried', `The last mail could not be sent yet${detail(last)}`, last.at)
    case 'message.queued':
      return say('queued', 'The last mail waits to be sent', last.at)
    case 'challenge.link_opened':
      return say('opened', 'The last link was opened and its button was not pressed', last.at)
    case 'message.delivered':
      return say('taken', 'The last mail was delivered', last.at)
    case 'message.sent':
      return say('taken', 'The mail server took the last mail', last.at)
    default:
      return say('unanswered', 'The last attempt was not answered', asked.at)
  }
}

/** A sentence that goes on. */
const bare = (text: string) => text.replace(/\.$/, '')
const wordsOf = (words: unknown) => (typeof words === 'string' && words !== '' ? `: ${bare(words)}` : '')

/** How long ago, in the largest unit that fits. */
export function ago(ms: number): string {
  const units: [name: string, ms: number][] = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
    ['second', 1_000],
  ]
  for (const [name, length] of units) {
    const count = Math.floor(ms / length)
    if (count >= 1) return `${count} ${name}${count === 1 ? '' : 's'} ago`
  }
  return 'just now'
}
