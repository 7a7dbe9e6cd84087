import { createHash } from 'node:crypto'
import { newApp } from '../../../src/core/apps/apps.ts'
import { systemOrigin } from '../../../src/core/environments/bootstrap.ts'
import { newId } from '../../../src/core/ids.ts'
import type {
  Attempt,
  Attempted,
  Created,
  NewChallenge,
  NewSession,
  Page,
  Resend,
  Resent,
  Rotation,
  Store,
} from '../../../src/core/ports.ts'
import type { App, Challenge, Environment, Identifier, Origin, User } from '../../../src/core/rows.ts'
import { DEFAULTS } from '../../../src/core/settings/settings.ts'
import { systemRandom } from '../../../src/core/system.ts'

/** A store to test, on a database of its own that is migrated; `rows` looks at its tables from outside. */
export interface Opened {
  store: Store
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever stands there
  rows(sql: string): Promise<Record<string, any>[]>
  close(): Promise<void>
}
export type Open = () => Promise<Opened>

export const START = Date.UTC(2026, 10, 21, 12, 0, 0)
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const TABLES = 'users identifiers challenges challenge_links messages events sessions limits'.split(
  ' ',
)
export const NOBODY = { ipAddress: null, userAgent: null, host: null, site: null }
export const EXPOSURE = {
  perAddress: DEFAULTS.limits.weakGuessesPerAddress,
  perEnvironment: DEFAULTS.limits.weakGuessesPerEnvironment,
}

export const WEAK = '111111'
export const STRONG = '2222222222'
export const WRONG = '000000'

/** The stand-in of every hash here: what matters to the store is only that equal things have equal ones. */
export const hashOf = (...parts: (string | number)[]) =>
  createHash('sha256').update(parts.join('\n')).digest('base64url')
export const page = (more: Partial<Page> = {}): Page => ({
  limit: 100,
  before: null,
  createdAfter: null,
  createdBefore: null,
  ...more,
})
export const somewhere = (number: number) => ({
  ipAddress: `198.51.${number}.7`,
  userAgent: 'Firefox',
  host: `198.51.${number}.7`,
  site: `198.51.${number}.0/24`,
})

export interface Asked {
  row?: Partial<NewChallenge['row']>
  more?: Partial<Omit<NewChallenge, 'row'>>
}

/** A store with one environment, a clock that a test moves, and short words for what the tests do all the time. */
export async function enter(open: Open, mode: Environment['mode'] = 'test') {
  const opened = await open()
  const { store, rows } = opened
  let now = START
  await store.begin({ now, epoch: 1, keyIds: ['keyid-01'] })
  const { environment, app, origin } = await newEnvironment(store, mode, now)

  function newChallenge(to: string, { row = {}, more = {} }: Asked = {}): NewChallenge {
    const id = newId('chl', now)
    const messageId = newId('msg', now)
    const form = (code: string) => ({
      length: code.length,
      hash: hashOf(row.id ?? id, code),
      sealed: `keyid-01.${messageId}`,
    })
    return {
      origin,
      now,
      epoch: 1,
      row: {
        id,
        environmentId: origin.environmentId,
        appId: app.id,
        epoch: 1,
        purpose: 'signIn',
        channel: 'email',
        credential: 'code',
        method: null,
        ceremony: null,
        userVerification: null,
        address: to,
        requestedTo: to,
        userMode: 'create',
        externalId: null,
        opensSession: true,
        tag: 'BCD',
        redirectUrl: null,
        linkVia: 'ostiary',
        codeChallenge: null,
        state: null,
        locale: null,
        template: null,
        templateVariables: {},
        metadata: {},
        maxAttempts: 5,
        maxSends: 3,
        sends: 1,
        resendAt: now + 30_000,
        ipAddress: null,
        userAgent: null,
        createdAt: now,
        expiresAt: now + 10 * MINUTE,
        provenBy: null,
        actionId: null,
        ...row,
      },
      country: null,
      userId: null,
      claimantId: null,
      isSignUpOpen: true,
      hasCode: row.credential !== 'link',
      newCode: isStrong => form(isStrong ? STRONG : WEAK),
      linkHash: (row.credential ?? 'code') === 'code' ? null : hashOf(row.id ?? id, 'link'),
      messageId,
      limits: [],
      known: null,
      exposure: EXPOSURE,
      ...more,
    }
  }

  /** Creates a challenge that must pass. */
  async function created(to: string, asked?: Asked): Promise<Challenge> {
    const outcome: Created = await store.createChallenge(newChallenge(to, asked))
    if (outcome.kind !== 'created') throw new Error(`not created: ${outcome.kind}`)
    return outcome.challenge
  }

  function newSession(): NewSession {
    const id = newId('ses', now)
    return {
      id,
      refreshHash: hashOf(id, 0),
      refreshExpiresAt: now + 14 * DAY,
      expiresAt: now + 30 * DAY,
      circumstances: NOBODY,
      seenAs: null,
      notice: null,
      claims: {},
      device: null,
      rememberMs: DAY,
    }
  }

  function attemptOf(proof: Attempt['proof'], more: Partial<Attempt> = {}): Attempt {
    return {
      origin,
      now,
      epoch: 1,
      purpose: 'signIn',
      proof,
      actionId: null,
      circumstances: NOBODY,
      wrongLimits: [],
      exposure: EXPOSURE,
      isSignUpOpen: true,
      newUserId: newId('usr', now),
      session: newSession(),
      ...more,
    }
  }

  const verify = (
    challenge: Pick<Challenge, 'id'>,
    code: string,
    more?: Partial<Attempt>,
  ): Promise<Attempted> =>
    store.attempt(
      attemptOf({ kind: 'code', challengeId: challenge.id, hashes: [hashOf(challenge.id, code)] }, more),
    )

  const verifyLink = (
    token: 'olk' | 'oht',
    hash: string,
    more?: Partial<Attempt>,
    codeChallenge: string | null = null,
    challengeId: string | null = null,
  ): Promise<Attempted> =>
    store.attempt(attemptOf({ kind: 'link', token, hash, challengeId, codeChallenge }, more))

  /** Sends and verifies; all of it must pass. */
  async function signIn(to: string, asked?: Asked) {
    const challenge = await created(to, asked)
    const outcome = await verify(challenge, challenge.isStrong ? STRONG : WEAK, {
      purpose: challenge.purpose,
    })
    if (outcome.kind !== 'verified') throw new Error(`not verified: ${outcome.kind}`)
    return outcome
  }

  function resendOf(challenge: Challenge, number = 2, more: Partial<Resend> = {}): Resend {
    const messageId = newId('msg', now)
    const form = (code: string) => ({
      length: code.length,
      hash: hashOf(challenge.id, code),
      sealed: `keyid-01.${messageId}`,
    })
    return {
      origin,
      now,
      epoch: 1,
      challengeId: challenge.id,
      newCode: isStrong => form(isStrong ? resentCode(number, 10) : resentCode(number)),
      linkHash: challenge.credential === 'code' ? null : hashOf(challenge.id, 'link', number),
      messageId,
      limits: [],
      knownLimits: null,
      exposure: EXPOSURE,
      resend: 'keep',
      resendWaitSeconds: [30, 60],
      maxSends: 3,
      ...more,
    }
  }
  const resend = (challenge: Challenge, number?: number, more?: Partial<Resend>): Promise<Resent> =>
    store.resendChallenge(resendOf(challenge, number, more))

  const press = (hash: string, handover: string, more: { now?: number; epoch?: number } = {}) =>
    store.pressLink({
      linkHash: hash,
      handoverHash: hashOf(handover),
      now,
      epoch: 1,
      livesMs: MINUTE,
      ...more,
    })

  /** A rotation from token number `from` of a session to the next. */
  function rotationOf(sessionId: string, from: number, more: Partial<Rotation> = {}): Rotation {
    return {
      origin,
      now,
      epoch: 1,
      sessionId,
      presentedHash: hashOf(sessionId, from),
      isGenuine: true,
      successor: { hash: hashOf(sessionId, from + 1), salt: `salt-${from}`, keyId: 'keyid-01' },
      circumstances: NOBODY,
      idleMs: 14 * DAY,
      graceMs: 10_000,
      ...more,
    }
  }

  async function newUser(
    addresses: Partial<Identifier>[],
    more: Partial<User> = {},
    by: Origin = origin,
  ): Promise<User> {
    const identifiers = addresses.map((one, index) =>
      identifier(one.value ?? '', { isPrimary: index === 0, ...one }),
    )
    const user: User = {
      id: newId('usr', now),
      environmentId: by.environmentId,
      externalId: null,
      name: null,
      username: null,
      locale: null,
      status: 'active',
      metadata: {},
      createdAt: now,
      updatedAt: now,
      lastSignInAt: null,
      identifiers,
      ...more,
    }
    const made = await store.createUser({ user, identifiers }, by, now)
    if ('conflict' in made) throw new Error(`conflict: ${made.conflict}`)
    return made
  }

  return {
    ...opened,
    environment,
    app,
    origin,
    now: () => now,
    advance(ms: number) {
      now += ms
    },
    newChallenge,
    created,
    newSession,
    attemptOf,
    verify,
    verifyLink,
    signIn,
    resendOf,
    resend,
    press,
    rotationOf,
    rotate: (sessionId: string, from: number, more?: Partial<Rotation>) =>
      store.rotateRefresh(rotationOf(sessionId, from, more)),
    newUser,
    async events(type: string) {
      const { rows: list } = await store.listEvents(
        origin.environmentId,
        { type, userId: null, challengeId: null, actionId: null, sessionId: null },
        page(),
      )
      return list
    },
    /** How many rows each table has. */
    async counts(): Promise<Record<string, number>> {
      const counts: Record<string, number> = {}
      for (const table of TABLES)
        counts[table] = Number((await rows(`SELECT count(*) AS n FROM ${table}`))[0]?.n)
      return counts
    },
  }
}

export type House = Awaited<ReturnType<typeof enter>>

export function identifier(value: string, more: Partial<Identifier> = {}): Identifier {
  return { type: 'email', value, spelling: value, verifiedAt: null, isPrimary: true, ...more }
}

export const resentCode = (number: number, length = 6) => String(number + 2).repeat(length)

export async function newEnvironment(
  store: Store,
  mode: Environment['mode'],
  now: number,
  slug = 'home',
): Promise<{ environment: Environment; app: App; origin: Origin }> {
  const wanted: Environment = {
    id: newId('env', now),
    slug,
    mode,
    settings: {},
    settingsVersion: 1,
    templatesVersion: 0,
    rulesVersion: 0,
    listsVersion: 0,
    createdAt: now,
  }
  const app = newApp(systemRandom, wanted, now, { name: 'Default' }, true)
  const origin = systemOrigin(wanted.id)
  const environment = await store.createEnvironment(wanted, app, origin, now)
  return { environment, app, origin: { ...origin, appId: app.id } }
}

/** How many of the outcomes are of each kind. */
export function tally(outcomes: { kind: string }[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { kind } of outcomes) counts[kind] = (counts[kind] ?? 0) + 1
  return counts
}

export const times = <T>(count: number, make: (index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

/** Makes a test body out of one that wants a house. */
export type InHouse = (test: (house: House) => Promise<void>) => () => Promise<void>
