import { describe, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { REFUSAL_REASONS } from '../../src/core/passkeys/reasons.ts'
import { EVENT_TYPES, type Event, type EventType } from '../../src/core/rows.ts'
import { ago, conclude } from '../../src/core/stories/conclusion.ts'
import { FORMS, lineOf } from '../../src/core/stories/lines.ts'
import { limitWords, reasonWords } from '../../src/core/stories/reasons.ts'
import { handClock } from '../setup/server.ts'

const clock = handClock()
const event = (type: EventType, data: Record<string, unknown> = {}, more: Partial<Event> = {}): Event => ({
  id: newId('evt', clock.now()),
  type,
  environmentId: 'env_1',
  appId: null,
  actor: { type: 'system', id: null },
  userId: null,
  challengeId: 'chl_1',
  actionId: null,
  sessionId: null,
  organizationId: null,
  requestId: null,
  context: null,
  data,
  createdAt: clock.now(),
  ...more,
})
const line = (type: EventType, data: Record<string, unknown> = {}, more: Partial<Event> = {}) =>
  lineOf(event(type, data, more))

/** What no line may show, wherever an event held it. */
const PLANTED = {
  code: '814203',
  link: 'https://auth.example.com/l/olk_planted',
  token: 'oht_planted',
  key: 'mallory@example.com 203.0.113.0/24',
  value: 'mallory@example.com',
  name: 'Mallory',
  changed: ['mallory'],
  userId: 'usr_mallory',
  network: { deep: 'mallory' },
  purpose: ['mallory'],
}

describe('lines', () => {
  test.each(EVENT_TYPES)('%s has words of its own, and shows what its form names and no more', type => {
    expect(Object.keys(FORMS)).toContain(type)
    for (const data of [{}, PLANTED]) {
      const told = line(type, data)
      expect(told.text).toMatch(/^[A-Z][^_]{10,}/)
      expect(told.text).not.toMatch(/undefined|null|NaN|\[object/)
      expect(JSON.stringify(told)).not.toMatch(/814203|olk_|oht_|mallory/i)
    }
  })

  test('each type says something else', () => {
    const texts = EVENT_TYPES.map(type => line(type).text)
    expect(new Set(texts).size).toBe(texts.length)
  })

  test('every reason of a passkey and every limit has words; an unknown one is left out', () => {
    for (const reason of REFUSAL_REASONS) expect(reasonWords(reason)).not.toBeNull()
    expect(reasonWords('toString')).toBeNull()
    expect(limitWords('constructor')).toBe('what one asker may do')
    expect(line('challenge.refused', { reason: 'rm -rf' }).text).toBe('The answer was right and was refused.')
  })

  test('a mail server that talks long is cut', () => {
    expect(line('message.failed', { reply: 'x'.repeat(9000) }).text.length).toBeLessThan(400)
  })
})

describe('the conclusion', () => {
  const seen = (...list: [type: EventType, data?: Record<string, unknown>][]) => {
    const lines = list.map(([type, data]) => {
      clock.advance(1000)
      return line(type, data, type === 'limit.fired' ? { challengeId: null } : {})
    })
    return conclude(lines.reverse(), { user: null, now: clock.now() + 120_000 })
  }
  const asked: [EventType] = ['challenge.created']
  const sent: [EventType, object] = ['message.sent', { reply: '250 ok' }]
  const later = '2099-01-01T00:00:00.000Z'

  test.each<[string, [EventType, object?][], string | RegExp]>([
    ['nothing', [], 'Nobody asked to sign in with this address in this time.'],
    [
      'bounced',
      [asked, sent, ['message.bounced', { detail: 'mailbox full' }]],
      'The last mail bounced: mailbox full (2 minutes ago).',
    ],
    ['taken', [asked, sent], 'The mail server took the last mail (2 minutes ago).'],
    ['taken', [asked, sent, ['challenge.link_opened', { isLikelyScanner: true }]], /took the last mail/],
    [
      'opened',
      [asked, sent, ['challenge.link_opened', { isLikelyScanner: false }]],
      /button was not pressed/,
    ],
    ['taken', [asked, ['message.bounced'], ['challenge.resent'], ['message.delivered']], /was delivered/],
    ['wrongCode', [asked, sent, ['challenge.attempt_failed', { attemptsLeft: 4 }]], /tries left: 4/],
    [
      'exhausted',
      [asked, sent, ['challenge.attempt_failed', { attemptsLeft: 0 }], ['challenge.exhausted']],
      /too often/,
    ],
    ['failed', [asked, ['message.failed', { reply: '550 no such user' }]], /550 no such user/],
    ['retried', [asked, ['message.retried', { reply: '421 busy' }]], /421 busy/],
    ['queued', [asked, ['message.queued']], /waits to be sent/],
    ['decoy', [['challenge.created', { isDecoy: true }], ['message.failed']], /leads to nobody/],
    ['refused', [asked, sent, ['challenge.refused', { reason: 'signUpClosed' }]], /sign-up is closed/],
    ['signedIn', [asked, sent, ['challenge.verified', { by: 'code' }]], /succeeded/],
    ['unanswered', [['challenge.created', { method: 'passkey' }]], /not answered/],
    [
      'passkeyRefused',
      [['challenge.created'], ['challenge.attempt_failed', { attemptsLeft: 0, reason: 'origin' }]],
      /page that is not allowed/,
    ],
    ['limited', [asked, sent, ['limit.fired', { limit: 'sendsPerAddress', endsAt: later }]], /A limit holds/],
    ['taken', [['limit.fired', { limit: 'sendsPerAddress', endsAt: later }], asked, sent], /took/],
    ['taken', [asked, sent, ['limit.fired', { endsAt: '2020-01-01T00:00:00.000Z' }]], /took/],
    ['nothing', [['challenge.created', { method: 'passkey', ceremony: 'registration' }]], /Nobody asked/],
  ])('%s', (kind, events, text) => {
    const concluded = seen(...(events as [EventType, Record<string, unknown>?][]))
    expect(concluded.kind).toBe(kind)
    expect(concluded.text).toMatch(typeof text === 'string' ? new RegExp(`^${RegExp.escape(text)}$`) : text)
  })

  test('a blocked user comes first, whatever else there is', () => {
    const lines = [line('challenge.created')]
    expect(conclude(lines, { user: { status: 'blocked' }, now: clock.now() }).kind).toBe('blocked')
  })

  test.each([
    [0, 'just now'],
    [1500, '1 second ago'],
    [119_000, '1 minute ago'],
    [7_200_000, '2 hours ago'],
    [3 * 86_400_000, '3 days ago'],
  ])('%d ms is %s', (ms, text) => expect(ago(ms)).toBe(text))
})
