import { loadavg } from 'node:os'
import type { Rule } from '../../packages/server/src/core/rows.ts'
import { conditions } from '../../packages/server/src/core/rules/condition.ts'
import {
  type Decision,
  decide,
  MAX_ROUNDS_OF_SET,
  ruleSetOf,
} from '../../packages/server/src/core/rules/decide.ts'
import { wholeRule } from '../../packages/server/src/core/rules/rules.ts'
import type { Signals } from '../../packages/server/src/core/rules/variables.ts'
import { quantile } from '../quantile.ts'
import { formatted, markdownTable } from '../table.ts'

export interface JudgePlan {
  rules: number
  seconds: number
  rounds: number
  entries: number
}

const KINDS: ((index: number) => string)[] = [
  index => `!device.known && user.hasPasskey && user.ageDays > ${index}`,
  index => `has(history.speedKmh) && history.speedKmh > ${900 + index}.0 && history.distanceKm > 500.0`,
  index => `history.failures.hour >= ${10 + index} || history.failures.day >= ${30 + index}`,
  index => `action.attributes.amount > ${1000 + index} && !(user.email in list("partners"))`,
  index => `now.getHours("Europe/Berlin") < ${index % 6} && ip.country in ["AT", "CH", "LI"]`,
  index => `user.email.matches("^[a-z]+${index}@example\\\\.(com|org)$")`,
  index => `inNetwork(ip.address, "10.${index % 256}.0.0/16") || ip.isAnonymous`,
  index => `user.enrolledMethods.exists(method, method == "totp${index}")`,
  index => `now - user.createdAt < duration("${index + 1}h")`,
  index => `userAgent.browser == "Chrome ${index}" || userAgent.isHeadless`,
]

const NOW = Date.parse('2026-07-15T12:00:00Z')
const SIGNALS: Signals = {
  action: { name: 'signIn', attributes: { amount: 250, currency: 'EUR' }, hasUser: true },
  user: {
    id: 'usr_01k6z5v9hrf0qv2s8yb7m3c4dn',
    email: 'ada@example.net',
    emailDomain: 'example.net',
    createdAt: NOW - 90 * 86_400_000,
    ageDays: 90,
    isNew: false,
    hasPasskey: false,
    enrolledMethods: ['emailCode', 'emailLink'],
    metadata: { plan: 'pro' },
  },
  device: { known: true, isRemembered: false, isNew: false, count: 2, ageDays: 40 },
  ip: {
    address: '192.0.2.7',
    country: 'DE',
    asn: 64500,
    organization: 'Example',
    isAnonymous: false,
    isNew: false,
  },
  userAgent: { browser: 'Firefox', os: 'Linux', type: 'desktop', isBot: false, isHeadless: false },
  history: {
    signIns: { hour: 1, day: 2, month: 20 },
    failures: { hour: 0, day: 1 },
    lastSignInAt: NOW - 86_400_000,
    lastCountry: 'DE',
    distanceKm: 12.5,
    speedKmh: 3.2,
    countriesDay: 1,
  },
}

/**
 * What a decision by rules costs, and how much of it is the language of conditions. The rules are those of docs/rules.md and
 * the like, over and over with other numbers, so that none is kept for another.
 */
export async function measureJudging(options: JudgePlan): Promise<void> {
  const rules: Rule[] = Array.from({ length: options.rules }, (_, index) => ({
    ...wholeRule({
      name: `Rule ${index}`,
      condition: KINDS[index % KINDS.length]?.(index) ?? 'true',
      outcome: 'CHALLENGE',
      priority: index % 100,
    }),
    id: `rul_${String(index).padStart(4, '0')}`,
    environmentId: 'env_1',
    version: 1,
    createdAt: NOW,
    updatedAt: NOW,
  }))
  const lists = new Map([
    ['partners', Array.from({ length: options.entries }, (_, index) => `p${index}@example.com`)],
  ])

  const before = performance.now()
  await conditions()
  const loaded = performance.now()
  const set = await ruleSetOf(rules, lists)
  const compiled = performance.now()

  const bindings = set.bind(SIGNALS, NOW)
  const PARTS: Record<string, () => unknown> = {
    'a decision, whole': (): Decision => decide(set, SIGNALS, { defaultOutcome: 'CHALLENGE', now: NOW }),
    'of it: signals made ready': () => set.bind(SIGNALS, NOW),
    'of it: conditions (CEL)': () => {
      const allowed = { lists, roundsLeft: MAX_ROUNDS_OF_SET }
      for (const { compiled } of set.rules) compiled?.judge(bindings, allowed)
    },
  }

  const first = decide(set, SIGNALS, { defaultOutcome: 'CHALLENGE', now: NOW })
  if (first.erring.length > 0 || first.matched.length > 0)
    throw new Error(
      `the rules should all be missed: ${JSON.stringify(first.erring.concat(first.matched as never))}`,
    )

  const forMs = (options.seconds * 1000) / Object.keys(PARTS).length
  const load = loadavg()[0] ?? Number.NaN
  const micros: Record<string, number[]> = {}
  for (let round = 0; round < options.rounds; round++)
    for (const [name, part] of Object.entries(PARTS))
      micros[name] = [...(micros[name] ?? []), microsOf(part, forMs)]

  const median = (name: string) => quantile(micros[name] ?? [], 0.5)
  const whole = median('a decision, whole')
  const cel = median('of it: conditions (CEL)')
  console.log(
    markdownTable([
      [
        `${options.rules} rules, a list of ${formatted(options.entries, 0)}`,
        'µs of CPU',
        'per second and core',
        'share',
      ],
      ...Object.keys(PARTS).map(name => [
        name,
        formatted(median(name), 1),
        formatted(1e6 / median(name), 0),
        `${formatted((median(name) / whole) * 100, 0)} %`,
      ]),
      ['one condition', formatted(cel / options.rules, 2), formatted((1e6 / cel) * options.rules, 0), ''],
    ]),
  )
  console.log(
    `\nLoaded once per process in ${formatted(loaded - before, 0)} ms; ${options.rules} rules compiled in ${formatted(compiled - loaded, 1)} ms. Median of ${options.rounds} rounds; load before ${formatted(load, 1)}.`,
  )
}

/** By the processor's time: other work on the machine does not count. */
function microsOf(part: () => unknown, forMs: number): number {
  const end = performance.now() + forMs
  const start = process.cpuUsage()
  let runs = 0
  for (; performance.now() < end; runs++) part()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / runs
}
