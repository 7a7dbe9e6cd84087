import type { Deps } from '../deps.ts'
import type { EnvironmentView } from '../environments/directory.ts'
import { fieldError } from '../errors.ts'
import type { UsageBy, UsageCount } from '../ports.ts'

/** The figures of one day, channel, method or country; `key` is null where there is none (a limit that fired has no method). */
export interface Usage {
  key: string | null
  asked: number
  resent: number
  sent: number
  delivered: number
  verified: number
  sessions: number
  /** Half of the proofs took no longer; in whole seconds, coarser from two minutes on. Not told by country. */
  medianSecondsToVerify: number | null
  /** Of the proofs, those by passkey: 0 to 1, null without a proof. */
  passkeyShare: number | null
  blockedByRule: number
  failures: { reason: string; count: number }[]
}

const DAY_MS = 24 * 60 * 60_000
const LONGEST = 366
const USUAL = 30

/**
 * Figures of the UTC days `from` to `to`, both included (`2026-11-21`); the last thirty where they are not said. Refusal:
 * `invalid_request` for days in the wrong order, or more than 366.
 */
export async function usageOf(
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
  { environment }: EnvironmentView,
  input: { from?: string | undefined; to?: string | undefined; by: UsageBy },
) {
  const to = input.to === undefined ? Math.floor(clock.now() / DAY_MS) : dayOf(input.to)
  const from = input.from === undefined ? to - USUAL + 1 : dayOf(input.from)
  if (from > to) throw fieldError('from', 'invalid_value', 'is later than `to`')
  if (to - from >= LONGEST) throw fieldError('from', 'too_big', `is more than ${LONGEST} days before \`to\``)
  const { by } = input
  const { counts, countedTo } = await store.readUsage({ environmentId: environment.id, from, to, by })
  // How long proofs took is kept of no country, and is no figure of those that are not known.
  const shown = by === 'country' ? counts.filter(count => count.metric !== 'tookSeconds') : counts
  const keys = [...new Set(shown.map(count => count.key))].sort()
  return {
    from: textOf(from),
    to: textOf(to),
    by,
    countedTo,
    total: summed(null, counts),
    data: keys.map(key =>
      summed(
        by === 'day' ? textOf(Number(key)) : key || null,
        shown.filter(count => count.key === key),
      ),
    ),
  }
}

function summed(key: string | null, counts: readonly UsageCount[]): Usage {
  const sum = (list: readonly UsageCount[]) => list.reduce((total, { happened }) => total + happened, 0)
  const of = (metric: UsageCount['metric']) => counts.filter(count => count.metric === metric)
  const verified = of('verified')
  const reasons = [...new Set(of('failure').map(count => count.detail))].sort()
  return {
    key,
    asked: sum(of('asked')),
    resent: sum(of('resent')),
    sent: sum(of('sent')),
    delivered: sum(of('delivered')),
    verified: sum(verified),
    sessions: sum(of('session')),
    medianSecondsToVerify: medianOf(of('tookSeconds')),
    passkeyShare:
      sum(verified) === 0 ? null : sum(verified.filter(one => one.method === 'passkey')) / sum(verified),
    blockedByRule: sum(of('blockedByRule')),
    failures: reasons.map(reason => ({
      reason,
      count: sum(of('failure').filter(count => count.detail === reason)),
    })),
  }
}

function medianOf(counts: readonly UsageCount[]): number | null {
  const half = counts.reduce((total, { happened }) => total + happened, 0) / 2
  let seen = 0
  for (const { detail, happened } of counts.toSorted(
    (one, other) => Number(one.detail) - Number(other.detail),
  )) {
    seen += happened
    if (seen >= half) return Number(detail)
  }
  return null
}

const dayOf = (text: string) => Date.parse(`${text}T00:00:00Z`) / DAY_MS
const textOf = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10)
