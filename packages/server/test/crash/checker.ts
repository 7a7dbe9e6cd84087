import { ERRORS } from '../../src/core/errors.ts'
import { MAX_REPEATS } from '../../src/store/sql/sessions.ts'
import type { Entry, Op } from './history.ts'

/** A change on one node holds on the others after this (Directory), and what a machine under load adds to it. */
const SPREAD_MS = 1000
const MARGIN_MS = 700
/** No answer later than this, however the database behaves: its own silence limit, and a wait for a connection. */
const LATEST_MS = 16_000
const SKEW_MS = 2000

/** Where the highest instant stands that a clock is held against: its own clock, or what was committed last. */
export type ClockRule = 'database' | 'highest'

/**
 * Holds what the clients were told against the promises (DESIGN section 4), in the order of real time. Returns what
 * breaks one, in words.
 */
export function checkHistory(history: readonly Entry[], clockRule: ClockRule): string[] {
  return [
    ...oneEffect(history),
    ...oneSuccessor(history),
    ...sameForOneKey(history),
    ...attemptsSpentOnce(history),
    ...refusedThoughLive(history),
    ...overIsOver(history),
    ...lostSessions(history),
    ...revokedKeys(history),
    ...settingsHold(history),
    ...answersFromTheList(history),
    ...skewedClocks(history, clockRule),
  ]
}

const of = (history: readonly Entry[], ...ops: Op[]) => history.filter(entry => ops.includes(entry.op))
const isOk = (entry: Entry) => entry.outcome === 'ok'
const grouped = (entries: Entry[]) => Map.groupBy(entries, entry => entry.on)
const at = ({ op, on, node, invokedAt, returnedAt, outcome, code, key }: Entry) =>
  `${op} ${on.slice(0, 40)} on node ${node} at ${invokedAt.toFixed(0)}-${returnedAt.toFixed(0)}: ${outcome} ${code ?? ''}${key ? ` (${key})` : ''}`

/** Promise 1: every yes to one challenge names the same session; without a matching key there is one. */
function oneEffect(history: readonly Entry[]): string[] {
  const found: string[] = []
  for (const [challenge, entries] of grouped(of(history, 'prove').filter(isOk))) {
    if (new Set(entries.map(({ named }) => named)).size > 1)
      found.push(`challenge ${challenge} opened two sessions: ${entries.map(at).join('; ')}`)
    const effects = entries.filter(({ isReplayed }) => !isReplayed)
    if (effects.length > 1)
      found.push(`challenge ${challenge} was proven twice: ${effects.map(at).join('; ')}`)
  }
  return found
}

/** Promise 1: one successor of a refresh token, told again at most three times. */
function oneSuccessor(history: readonly Entry[]): string[] {
  const found: string[] = []
  for (const [, entries] of grouped(of(history, 'refresh').filter(isOk))) {
    if (new Set(entries.map(({ named }) => named)).size > 1)
      found.push(`a refresh token has two successors: ${entries.map(at).join('; ')}`)
    if (entries.filter(({ isReplayed }) => !isReplayed).length > 1 + MAX_REPEATS)
      found.push(`a refresh was repeated too often: ${entries.map(at).join('; ')}`)
  }
  return found
}

/** One Idempotency-Key, one thing. */
function sameForOneKey(history: readonly Entry[]): string[] {
  const keyed = history.filter(entry => isOk(entry) && entry.key !== null)
  return [...Map.groupBy(keyed, ({ op, key }) => `${op} ${key}`)]
    .filter(([, entries]) => new Set(entries.map(({ named }) => named)).size > 1)
    .map(([key, entries]) => `${key} made ${new Set(entries.map(({ named }) => named)).size} things`)
}

/** Promise 2: no two wrong answers are told the same number of attempts left, and there are no more than there were. */
function attemptsSpentOnce(history: readonly Entry[]): string[] {
  const found: string[] = []
  const given = new Map(
    of(history, 'send')
      .filter(isOk)
      .map(({ named, attempts }) => [named, attempts]),
  )
  for (const [challenge, entries] of grouped(of(history, 'wrong', 'prove'))) {
    const judged = entries.filter(({ op, code }) => op === 'wrong' && code === 'code_incorrect')
    if (new Set(judged.map(({ attempts }) => attempts)).size < judged.length)
      found.push(`an attempt at ${challenge} was spent twice: ${judged.map(at).join('; ')}`)
    const successes = entries.some(entry => entry.op === 'prove' && isOk(entry)) ? 1 : 0
    const max = given.get(challenge) ?? Number.POSITIVE_INFINITY
    if (judged.length + successes > max)
      found.push(`challenge ${challenge} took ${judged.length + successes} answers of ${max}`)
  }
  return found
}

/** What a store in trouble, or another call with the key, may say of anything. */
const PASSING = new Set(['unavailable', 'outcome_unknown', 'idempotency_in_progress'])

/** Promises 4 and 9: a right answer to a live challenge is not refused, unless another one may have used it. */
function refusedThoughLive(history: readonly Entry[]): string[] {
  const found: string[] = []
  for (const [, entries] of grouped(of(history, 'prove'))) {
    for (const entry of entries) {
      if (entry.outcome !== 'fail' || PASSING.has(entry.code ?? '')) continue
      const mayBeUsed = entries.some(
        other => other !== entry && other.outcome !== 'fail' && other.invokedAt < entry.returnedAt,
      )
      if (!mayBeUsed) found.push(`a live challenge refused its answer: ${at(entry)}`)
    }
  }
  return found
}

/** The ends of sessions; a refresh token used again counts, when it was told. */
const ends = (history: readonly Entry[]) =>
  history.filter(
    ({ op, code }) => op === 'revoke' || op === 'block' || (op === 'refresh' && code === 'refresh_reused'),
  )

/** Promise 6: after an end was answered nothing that begins later gets a yes, on any node. */
function overIsOver(history: readonly Entry[]): string[] {
  const found: string[] = []
  const overAt = new Map<string, Entry>()
  for (const entry of ends(history)) {
    if (entry.session === null || (entry.outcome !== 'ok' && entry.code !== 'refresh_reused')) continue
    const known = overAt.get(entry.session)
    if (!known || entry.returnedAt < known.returnedAt) overAt.set(entry.session, entry)
  }
  for (const entry of of(history, 'check', 'refresh')) {
    const end = overAt.get(entry.session ?? '')
    const isYes = isOk(entry) && entry.named !== null && !entry.isReplayed
    if (end && isYes && entry.invokedAt > end.returnedAt)
      found.push(`a session lives after its end: ${at(end)}, then ${at(entry)}`)
  }
  return found
}

/** A session that was answered is there, until something may have ended it. */
function lostSessions(history: readonly Entry[]): string[] {
  const mayBeOverAt = new Map<string, number>()
  for (const { op, session, invokedAt, on } of history) {
    if (session === null) continue
    const isEnd =
      op === 'revoke' || op === 'block' || (op === 'refresh' && isTradedBefore(history, on, invokedAt))
    if (isEnd)
      mayBeOverAt.set(session, Math.min(mayBeOverAt.get(session) ?? Number.POSITIVE_INFINITY, invokedAt))
  }
  return of(history, 'check')
    .filter(
      ({ outcome, named, session, returnedAt }) =>
        outcome === 'ok' &&
        named === null &&
        (mayBeOverAt.get(session ?? '') ?? Number.POSITIVE_INFINITY) > returnedAt,
    )
    .map(entry => `an acknowledged session is gone: ${at(entry)}`)
}

/** A repeat of a refresh may come too late or too often, and then it ends the session. */
const isTradedBefore = (history: readonly Entry[], token: string, before: number) =>
  (refreshesOf(history).get(token) ?? []).some(({ invokedAt }) => invokedAt < before)

const indexed = new WeakMap<readonly Entry[], Map<string, Entry[]>>()
function refreshesOf(history: readonly Entry[]): Map<string, Entry[]> {
  const known = indexed.get(history) ?? grouped(of(history, 'refresh'))
  indexed.set(history, known)
  return known
}

/** A revoked key dies within a second on every node. */
function revokedKeys(history: readonly Entry[]): string[] {
  const revokedAt = new Map(
    of(history, 'revokeKey')
      .filter(isOk)
      .map(({ on, returnedAt }) => [on, returnedAt]),
  )
  return of(history, 'useKey')
    .filter(
      entry =>
        isOk(entry) &&
        entry.invokedAt > (revokedAt.get(entry.on) ?? Number.POSITIVE_INFINITY) + SPREAD_MS + MARGIN_MS,
    )
    .map(
      entry =>
        `a key works ${(entry.invokedAt - (revokedAt.get(entry.on) ?? 0)).toFixed(0)} ms after it was revoked: ${at(entry)}`,
    )
}

/** A setting holds within a second on every node: until then the one before may, and while nobody knows, either. */
function settingsHold(history: readonly Entry[]): string[] {
  const changes = of(history, 'settings').filter(({ outcome }) => outcome !== 'fail')
  const [first] = changes
  if (!first) return []
  return of(history, 'send')
    .filter(
      send => isOk(send) && !send.isReplayed && send.invokedAt > first.returnedAt + SPREAD_MS + MARGIN_MS,
    )
    .filter(send => {
      const settled = changes.findLast(
        change => change.outcome === 'ok' && change.returnedAt + SPREAD_MS + MARGIN_MS < send.invokedAt,
      )
      const allowed = changes.filter(
        change => change.invokedAt >= (settled?.invokedAt ?? 0) && change.invokedAt < send.returnedAt,
      )
      return settled !== undefined && !allowed.some(({ attempts }) => attempts === send.attempts)
    })
    .map(send => `a send gave ${send.attempts} attempts, which no setting says any more: ${at(send)}`)
}

/** Every answer is one of the closed list, none a 500, none late. */
function answersFromTheList(history: readonly Entry[]): string[] {
  const found: string[] = []
  for (const entry of history) {
    const { status, code, invokedAt, returnedAt } = entry
    const isListed = code !== null && code in ERRORS && ERRORS[code as keyof typeof ERRORS][0] === status
    if (status !== null && status >= 300 && (!isListed || status === 500))
      found.push(`an answer that is on no list: ${status} ${at(entry)}`)
    const isAnswered = status !== null || code === 'timeout'
    if (isAnswered && returnedAt - invokedAt > LATEST_MS) found.push(`an answer came late: ${at(entry)}`)
  }
  return found
}

const JUDGED: Op[] = [
  'send',
  'resend',
  'prove',
  'wrong',
  'refresh',
  'check',
  'revoke',
  'block',
  'unblock',
  'import',
]

/** Promise 12: a node whose clock is off by more than two seconds judges nothing. */
function skewedClocks(history: readonly Entry[], rule: ClockRule): string[] {
  const judged = of(history, ...JUDGED).filter(entry => isOk(entry) || entry.code === 'code_incorrect')
  const highest = rule === 'highest' ? highestInstants(judged) : null
  return judged
    .filter(({ invokedAt, returnedAt, clockOffsetMs }) => {
      if (clockOffsetMs === null) return false
      if (highest) return highest(invokedAt) - (returnedAt + clockOffsetMs) > SKEW_MS
      return clockOffsetMs < -SKEW_MS || clockOffsetMs - (returnedAt - invokedAt) > SKEW_MS
    })
    .map(entry => `a clock ${entry.clockOffsetMs} ms off judged: ${at(entry)}`)
}

/** The highest instant that was surely committed before a moment: by clocks that are known, of answers that were given. */
function highestInstants(judged: readonly Entry[]): (before: number) => number {
  const known = judged
    .filter(({ clockOffsetMs, isReplayed, op }) => clockOffsetMs !== null && !isReplayed && op !== 'check')
    .map(({ invokedAt, returnedAt, clockOffsetMs }) => ({
      returnedAt,
      instant: invokedAt + (clockOffsetMs ?? 0),
    }))
    .sort((a, b) => a.returnedAt - b.returnedAt)
  let highest = Number.NEGATIVE_INFINITY
  const steps = known.map(({ returnedAt, instant }) => {
    highest = Math.max(highest, instant)
    return { returnedAt, highest }
  })
  return before =>
    steps.findLast(({ returnedAt }) => returnedAt < before)?.highest ?? Number.NEGATIVE_INFINITY
}
