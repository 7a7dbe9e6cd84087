import type { Event } from '../rows.ts'
import { isCountry } from './countries.ts'

/** What is counted: one of these, on the day of its event. */
export const METRICS = [
  'asked',
  'resent',
  'sent',
  'delivered',
  'verified',
  'tookSeconds',
  'failure',
  'session',
  'blockedByRule',
] as const
export type Metric = (typeof METRICS)[number]

/** Why people did not come in, besides a limit by its name. */
export const FAILURES = [
  'bounced',
  'complained',
  'mailFailed',
  'wrongCode',
  'exhausted',
  'passkeyRefused',
  'noAccount',
  'ownerChanged',
  'userBlocked',
  'signUpClosed',
  'externalIdTaken',
  'other',
] as const

/** The way that was offered: a mail with both counts as itself, whichever of them proved. */
export const OFFERED = ['emailCode', 'emailLink', 'emailCodeAndLink', 'passkey'] as const

/** One more of this, under `detail` where there is one. */
export interface Figure {
  metric: Metric
  detail: string
}

type Counted = Pick<Event, 'type' | 'data' | 'createdAt'>

/**
 * What an event adds to the figures; `created` is the event with which its challenge began, or null. Of a decoy only that it
 * was asked for counts, and that it could not succeed; a passkey that is enrolled proves nothing, and security notices are
 * part of no funnel.
 */
export function figuresOf(event: Counted & Pick<Event, 'challengeId'>, created: Counted | null): Figure[] {
  const one = (metric: Metric, detail = ''): Figure[] => [{ metric, detail }]
  const { type, data } = event
  if (type === 'limit.fired') return data.isAlarm === true ? [] : one('failure', limitDetail(data.limit))
  if (type === 'session.created') return one('session')
  if (isBlockedByRule(event)) return one('blockedByRule')
  if (event.challengeId === null || created?.data.ceremony === 'registration') return []
  const isDecoy = created?.data.isDecoy === true
  switch (type) {
    case 'challenge.created':
      return isDecoy ? [...one('asked'), ...one('failure', 'noAccount')] : one('asked')
    case 'challenge.resent':
      return one('resent')
    case 'challenge.verified':
      return [
        ...one('verified'),
        ...(created ? one('tookSeconds', String(bucketOf(event.createdAt - created.createdAt))) : []),
      ]
    case 'challenge.attempt_failed':
      return one('failure', data.reason === undefined ? 'wrongCode' : 'passkeyRefused')
    case 'challenge.exhausted':
      return one('failure', 'exhausted')
    case 'challenge.refused':
      return one('failure', refusalDetail(data.reason))
    case 'message.sent':
      return one('sent')
    case 'message.delivered':
      return one('delivered')
    case 'message.bounced':
      return one('failure', 'bounced')
    case 'message.complained':
      return one('failure', 'complained')
    case 'message.failed':
      return isDecoy ? [] : one('failure', 'mailFailed')
    default:
      return []
  }
}

/** When it was tracked, or after its proof where the rules had to know who is there. */
const isBlockedByRule = ({ type, data }: Counted): boolean =>
  (type === 'action.tracked' && data.outcome === 'BLOCK' && typeof data.decidedBy === 'string') ||
  (type === 'action.challenge_failed' && data.reason === 'rules')

/**
 * Under which channel, way and country an event counts: those of its challenge, '' where it has none or nobody knows any
 * more. How long proofs took is not told by country: each second of each would make many thousand rows of a day.
 */
export function placeOf(
  metric: Metric,
  created: Counted | null,
): { channel: string; method: string; country: string } {
  const { channel, method, credential, country } = created?.data ?? {}
  const ways: Record<string, (typeof OFFERED)[number]> = {
    code: 'emailCode',
    link: 'emailLink',
    codeAndLink: 'emailCodeAndLink',
  }
  return {
    channel: channel === 'email' ? channel : '',
    method: method === 'passkey' ? method : (ways[String(credential)] ?? ''),
    country: isCountry(country) && metric !== 'tookSeconds' ? country : '',
  }
}

// Closed, so that what is kept of a day is bounded whatever an event says.
const refusalDetail = (reason: unknown) => FAILURES.find(one => one === reason) ?? 'other'
const limitDetail = (limit: unknown) =>
  typeof limit === 'string' && /^[A-Za-z]{1,40}$/.test(limit) ? `limit:${limit}` : 'other'

/** The bucket of a duration, named by its first second: each second up to two minutes, then ten and sixty of them. */
export function bucketOf(ms: number): number {
  const seconds = Math.max(0, Math.floor(ms / 1000))
  if (seconds < 120) return seconds
  if (seconds < 600) return seconds - (seconds % 10)
  return Math.min(seconds - (seconds % 60), 3600)
}
