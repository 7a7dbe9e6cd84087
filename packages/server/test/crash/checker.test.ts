import { expect, test } from 'vitest'
import { type ClockRule, checkHistory } from './checker.ts'
import type { Entry } from './history.ts'

/** Each history breaks one promise, and its twin with one thing changed breaks none: no rule is there for nothing. */

function call(op: Entry['op'], invokedAt: number, returnedAt: number, more: Partial<Entry> = {}): Entry {
  const outcome = more.code ? 'fail' : 'ok'
  return {
    op,
    node: 0,
    invokedAt,
    returnedAt,
    outcome,
    status: outcome === 'ok' ? 200 : 400,
    code: null,
    clockOffsetMs: 0,
    key: null,
    isReplayed: false,
    on: 'chl_1',
    named: null,
    attempts: null,
    session: null,
    ...more,
  }
}

const wrong = (from: number, to: number, attempts: number) =>
  call('wrong', from, to, { code: 'code_incorrect', attempts })
const session = { on: 'ses_1', session: 'ses_1' }
const active = { ...session, named: 'ses_1' }

const CASES: [rule: string, broken: Entry[], sound: Entry[], clock?: ClockRule][] = [
  [
    'opened two sessions',
    [
      call('prove', 0, 9, { named: 'ses_1', key: 'k' }),
      call('prove', 0, 9, { named: 'ses_2', isReplayed: true }),
    ],
    [
      call('prove', 0, 9, { named: 'ses_1', key: 'k' }),
      call('prove', 0, 9, { named: 'ses_1', isReplayed: true }),
    ],
  ],
  [
    'proven twice',
    [call('prove', 0, 5, { named: 'ses_1' }), call('prove', 6, 9, { named: 'ses_1' })],
    [call('prove', 0, 5, { named: 'ses_1' }), call('prove', 6, 9, { status: 409, code: 'challenge_used' })],
  ],
  [
    'two successors',
    [call('refresh', 0, 5, { on: 'r', named: 'a' }), call('refresh', 1, 5, { on: 'r', named: 'b' })],
    [call('refresh', 0, 5, { on: 'r', named: 'a' }), call('refresh', 1, 5, { on: 'r', named: 'a' })],
  ],
  [
    'repeated too often',
    Array.from({ length: 5 }, () => call('refresh', 0, 5, { on: 'r', named: 'a' })),
    Array.from({ length: 4 }, () => call('refresh', 0, 5, { on: 'r', named: 'a' })),
  ],
  [
    'made 2 things',
    [call('send', 0, 5, { key: 'k', named: 'chl_1' }), call('send', 6, 9, { key: 'k', named: 'chl_2' })],
    [call('send', 0, 5, { key: 'k', named: 'chl_1' }), call('send', 6, 9, { key: 'k', named: 'chl_1' })],
  ],
  ['spent twice', [wrong(0, 5, 3), wrong(0, 5, 3)], [wrong(0, 5, 3), wrong(0, 5, 2)]],
  [
    'took 3 answers of 2',
    [
      call('send', 0, 1, { named: 'chl_1', attempts: 2 }),
      wrong(2, 3, 1),
      wrong(2, 3, 0),
      call('prove', 4, 5),
    ],
    [call('send', 0, 1, { named: 'chl_1', attempts: 2 }), wrong(2, 3, 1), call('prove', 4, 5)],
  ],
  [
    'a live challenge refused',
    [
      call('prove', 2, 3, { status: 409, code: 'challenge_used' }),
      call('prove', 4, 5, { outcome: 'unknown' }),
    ],
    [
      call('prove', 0, 1, { outcome: 'unknown' }),
      call('prove', 4, 5, { status: 409, code: 'challenge_used' }),
    ],
  ],
  [
    'lives after its end',
    [call('revoke', 0, 5, session), call('check', 6, 9, active)],
    [call('revoke', 0, 5, session), call('check', 4, 9, active)],
  ],
  [
    'an acknowledged session is gone',
    [call('check', 0, 3, session), call('revoke', 4, 5, session)],
    [call('revoke', 0, 3, { ...session, outcome: 'unknown' }), call('check', 4, 5, session)],
  ],
  [
    'a key works',
    [call('revokeKey', 0, 5, { on: 'osk' }), call('useKey', 1800, 1805, { on: 'osk' })],
    [call('revokeKey', 0, 5, { on: 'osk' }), call('useKey', 900, 1805, { on: 'osk' })],
  ],
  [
    'no setting says any more',
    [
      call('settings', 0, 5, { attempts: 5 }),
      call('settings', 3000, 3005, { attempts: 6 }),
      call('send', 4800, 4805, { attempts: 5, on: 'a' }),
    ],
    [
      call('settings', 0, 5, { attempts: 5 }),
      call('settings', 3000, 3005, { attempts: 6, outcome: 'unknown' }),
      call('send', 4800, 4805, { attempts: 5, on: 'a' }),
    ],
  ],
  [
    'on no list',
    [call('check', 0, 5, { status: 500, code: 'internal_error' })],
    [call('check', 0, 5, { status: 503, code: 'unavailable' })],
  ],
  [
    'came late',
    [call('check', 0, 16_500, { status: 503, code: 'unavailable' })],
    [call('check', 0, 15_500, { status: 503, code: 'unavailable' })],
  ],
  [
    'a clock -2500 ms off',
    [call('prove', 0, 5, { clockOffsetMs: -2500 })],
    [call('prove', 0, 5, { clockOffsetMs: -1900 })],
  ],
  [
    'a clock 2500 ms off',
    [call('prove', 0, 5, { clockOffsetMs: 2500 })],
    [call('prove', 0, 600, { clockOffsetMs: 2500 })],
  ],
  [
    'a clock 0 ms off',
    [call('send', 0, 5, { clockOffsetMs: 4000 }), call('prove', 100, 105)],
    [call('send', 0, 5, { clockOffsetMs: 1900 }), call('prove', 100, 105)],
    'highest',
  ],
]

test.each(CASES)('the checker sees: %s', (rule, broken, sound, clock = 'database') => {
  expect(checkHistory(broken, clock).join('\n')).toContain(rule)
  expect(checkHistory(sound, clock)).toEqual([])
})
