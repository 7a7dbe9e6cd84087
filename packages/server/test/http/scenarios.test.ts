import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import type { NetworkBook } from '../../src/core/signals/networks.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { APP_BACK, appOf, browse, cookieOf, openLink } from './browser.ts'
import { codeOf, fresh, later, purge, send, wrongCode } from './world.ts'

/**
 * The rules of docs/rules.md, saved as they stand there, and people who come to a real server by known and new devices, from
 * other networks, after failures, and faster than one can fly. No session comes without the proof that the rules ask for.
 */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const HOME = '192.0.2.1'
const NEXT_DOOR = '198.51.100.1'
const NEW_YORK = '203.0.113.1'
const HIDDEN = '203.0.113.200'
const BROWSER = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

const networks: NetworkBook = {
  lookup(address) {
    const isAnonymous = address === HIDDEN
    if (address.startsWith('192.0.2.'))
      return { country: 'DE', isAnonymous, place: { latitude: 52.52, longitude: 13.4 } }
    if (address.startsWith('198.51.100.'))
      return { country: 'DE', isAnonymous, place: { latitude: 52.4, longitude: 13.06 } }
    return { country: 'US', isAnonymous, place: { latitude: 40.71, longitude: -74 } }
  },
}

const GUIDE = readFileSync(new URL('../../../../docs/rules.md', import.meta.url), 'utf8')
const rulesOf = (title: string): object[] => {
  const [, text = '[]'] = GUIDE.split(`### ${title}\n`)[1]?.match(/```json rules\n([\s\S]*?)```/) ?? []
  return JSON.parse(text)
}

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer({ networks })
  app = await appOf(server, { origins: [] })
})
afterEach(async () => {
  for (const { id } of (await server.get('/v1/rules?limit=100')).body.data)
    await server.call('DELETE', `/v1/rules/${id}`)
})
afterAll(async () => {
  // Days go by in these tests.
  await purge(server)
  expect(await server.violations()).toEqual([])
  await server.stop()
})

async function obey(title: string): Promise<void> {
  const rules = rulesOf(title)
  expect(rules.length).toBeGreaterThan(0)
  for (const rule of rules) expect((await server.post('/v1/rules', rule)).status).toBe(201)
}

/** A browser on Ostiary's own pages, somewhere: it keeps the cookie of its device. */
function visitor() {
  let device = ''
  let action = ''
  const ask = async (
    method: string,
    path: string,
    ip: string,
    body?: object,
    bearer: string | null = null,
  ) => {
    const answer = await browse(server, method, `/client/v1/actions${path}`, body, {
      bearer,
      ip,
      headers: {
        'Sec-Fetch-Site': 'same-origin',
        'User-Agent': BROWSER,
        Cookie: [action, device].filter(Boolean).join('; '),
      },
    })
    device = cookieOf(answer, '__Host-ostiary-device') || device
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300)
    return answer
  }
  return {
    get deviceToken() {
      return device.split('=')[1] ?? ''
    },
    /** Shows another cookie than its own from now on. */
    show(value: string) {
      device = `${device.split('=')[0]}=${value}`
    },
    /** Begins a sign-in from a place and proves the mailbox; where that leads. */
    async come(to: string, ip: string, method: 'emailCode' | 'emailLink' = 'emailCode') {
      await later(server, 61_000)
      const begun = await ask('POST', '', ip, { redirectUrl: APP_BACK }, app.publishableKey)
      action = cookieOf(begun, '__Host-ostiary-action')
      await ask('POST', '/identify', ip, { to })
      await ask('POST', '/send', ip, { method })
      const { code, link } = await server.message({ to })
      const id = begun.body.id as string
      const post = (path: string, body: object) => ask('POST', path, ip, body)
      if (method === 'emailCode') return { id, post, ip, ...(await post('/verify', { code })).body }
      const opened = await openLink(server, link, [action, device].join('; '))
      const { location } = await opened.press()
      const current = (await ask('GET', '/current', ip)).body
      const token = location === null ? null : new URL(location).searchParams.get('token')
      return { id, post, ip, ...current, result: token === null ? null : { token } }
    },
  }
}
type Come = Awaited<ReturnType<ReturnType<typeof visitor>['come']>>

/** What the rules said, as the backend reads it. */
async function told({ id }: { id: string }) {
  const { state, nextStep, rules, decision } = (await server.get(`/v1/actions/${id}`)).body
  return { state, nextStep, rule: rules[0]?.name ?? null, decision }
}
/** The session of a sign-in that came through, or null: by no way is there one. */
async function sessionOf(come: Come, result: { token: string } | null = come.result) {
  const opened = await server.post('/v1/sessions', { actionId: come.id })
  if (result === null) {
    expect(opened.status, 'a session without a proof').toBeGreaterThanOrEqual(400)
    expect(await sessionsFor(come.id)).toEqual([])
    return null
  }
  const context = { ipAddress: come.ip, userAgent: BROWSER }
  return (await server.post('/v1/actions/validate', { token: result.token, action: 'signIn', context })).body
    .session
}
const sessionsFor = async (actionId: string) =>
  (await server.get(`/v1/events?actionId=${actionId}&type=session.created`)).body.data

/** Somebody who signed in at home, some time ago. */
async function known({ agoMs = DAY, hasPasskey = false } = {}) {
  const to = fresh()
  const browser = visitor()
  const first = await browser.come(to, HOME)
  const session = await sessionOf(first)
  expect(session).not.toBeNull()
  const authenticator = softwareAuthenticator({ origin: 'http://localhost:4545' })
  if (hasPasskey) {
    authenticator.register({
      challenge: '',
      rp: { id: 'localhost' },
      user: { id: Buffer.from(session.userId).toString('base64url') },
    })
    const [key] = authenticator.passkeys
    const made = await server.post(`/v1/users/${session.userId}/authenticators`, {
      type: 'passkey',
      credentialId: key?.id,
      publicKey: key?.publicKey.toString('base64url'),
      isBackupEligible: false,
    })
    expect(made.status, JSON.stringify(made.body)).toBe(201)
  }
  await later(server, agoMs)
  const byPasskey = async ({ post }: Come) => {
    const { publicKey } = (await post('/passkey', {})).body
    return (await post('/verify', { credential: authenticator.authenticate(publicKey) })).body
  }
  return { to, browser, userId: session.userId as string, deviceId: session.deviceId as string, byPasskey }
}
type Known = Awaited<ReturnType<typeof known>>

/** Wrong codes, of challenges that somebody else began. */
async function fail(to: string, count: number) {
  for (let left = count; left > 0; left -= 5) {
    await later(server, 61_000)
    const { id } = await send(server, { to })
    const code = await codeOf(server, id)
    for (let guess = 0; guess < Math.min(5, left); guess++)
      await server.post(`/v1/challenges/${id}/verify`, { code: wrongCode(code) })
  }
}

interface Scenario {
  title: string
  rules: string
  person?: Parameters<typeof known>[0]
  come(person: Known): Promise<Come>
  /** The one that decided. */
  rule: string | null
  state: string
  /** By what the person can go on. */
  next?: string[]
  seen?: object
}

const RISK = 'The more risk, the more proof'
const PASSKEY = 'A new device needs a passkey'
const TRAVEL = 'Impossible travel is blocked'
const DONE = 'CHALLENGE_SUCCEEDED'
const MORE = 'CHALLENGE_REQUIRED'

const SIGN_INS: Scenario[] = [
  {
    title: 'a known device at home is let in by a link',
    rules: RISK,
    come: ({ browser, to }) => browser.come(to, HOME, 'emailLink'),
    rule: 'As always',
    state: DONE,
    seen: { 'device.known': true, 'ip.isNew': false },
  },
  {
    title: 'a new device is let in by a code',
    rules: RISK,
    come: ({ to }) => visitor().come(to, HOME),
    rule: 'Something is new',
    state: DONE,
    seen: { 'device.known': false },
  },
  {
    title: 'a new device that pressed a link goes on to a code',
    rules: RISK,
    come: ({ to }) => visitor().come(to, HOME, 'emailLink'),
    rule: 'Something is new',
    state: MORE,
    next: ['emailCode', 'passkey'],
  },
  {
    title: 'a known device in another network is as a new one',
    rules: RISK,
    come: ({ browser, to }) => browser.come(to, NEXT_DOOR, 'emailLink'),
    rule: 'Something is new',
    state: MORE,
    next: ['emailCode', 'passkey'],
    seen: { 'device.known': true, 'ip.isNew': true },
  },
  {
    title: 'an anonymising network takes a passkey',
    rules: RISK,
    person: { hasPasskey: true },
    come: ({ browser, to }) => browser.come(to, HIDDEN),
    rule: 'Something is wrong',
    state: MORE,
    next: ['passkey'],
    seen: { 'ip.isAnonymous': true },
  },
  {
    title: 'an anonymising network and no passkey is looked at',
    rules: RISK,
    come: ({ browser, to }) => browser.come(to, HIDDEN),
    rule: 'Something is wrong',
    state: 'REVIEW_REQUIRED',
  },
  {
    title: 'five failures take a passkey, on a known device too',
    rules: RISK,
    person: { hasPasskey: true },
    async come({ browser, to }) {
      await fail(to, 5)
      return browser.come(to, HOME)
    },
    rule: 'Something is wrong',
    state: MORE,
    next: ['passkey'],
    seen: { 'history.failures.hour': 5 },
  },
  {
    title: 'failures of yesterday do not',
    rules: RISK,
    async come({ browser, to }) {
      await fail(to, 5)
      await later(server, DAY)
      return browser.come(to, HOME)
    },
    rule: 'As always',
    state: DONE,
    seen: { 'history.failures.hour': 0 },
  },
  {
    title: 'a new device of somebody with a passkey needs it',
    rules: PASSKEY,
    person: { hasPasskey: true },
    come: ({ to }) => visitor().come(to, HOME),
    rule: 'New devices need a passkey',
    state: MORE,
    next: ['passkey'],
  },
  {
    title: 'the known device of that person does not',
    rules: PASSKEY,
    person: { hasPasskey: true },
    come: ({ browser, to }) => browser.come(to, HOME),
    rule: null,
    state: DONE,
  },
  {
    title: 'a copied device id is no known device',
    rules: PASSKEY,
    person: { hasPasskey: true },
    come({ to, deviceId }) {
      const thief = visitor()
      thief.show(deviceId)
      return thief.come(to, HOME)
    },
    rule: 'New devices need a passkey',
    state: MORE,
    next: ['passkey'],
    seen: { 'device.known': false },
  },
  {
    title: 'nor is the token of another person’s device',
    rules: PASSKEY,
    person: { hasPasskey: true },
    async come({ to }) {
      return (await known()).browser.come(to, HOME)
    },
    rule: 'New devices need a passkey',
    state: MORE,
    next: ['passkey'],
  },
  {
    title: 'nor is a device that was ended',
    rules: PASSKEY,
    person: { hasPasskey: true },
    async come({ to, browser, userId, deviceId }) {
      await server.post(`/v1/users/${userId}/devices/${deviceId}/end`, {})
      return browser.come(to, HOME)
    },
    rule: 'New devices need a passkey',
    state: MORE,
    next: ['passkey'],
  },
  {
    title: 'New York an hour after Berlin is blocked, on a known device too',
    rules: TRAVEL,
    person: { agoMs: HOUR },
    come: ({ browser, to }) => browser.come(to, NEW_YORK),
    rule: 'Impossible travel',
    state: 'BLOCK',
  },
  {
    title: 'New York half a day after Berlin is a flight',
    rules: TRAVEL,
    person: { agoMs: 12 * HOUR },
    come: ({ browser, to }) => browser.come(to, NEW_YORK),
    rule: null,
    state: DONE,
  },
  {
    title: 'another network next door is no travel, however quick',
    rules: TRAVEL,
    person: { agoMs: 0 },
    come: ({ browser, to }) => browser.come(to, NEXT_DOOR),
    rule: null,
    state: DONE,
  },
  {
    title: 'ten failures in an hour are looked at',
    rules: 'Many failures are reviewed',
    async come({ browser, to }) {
      await fail(to, 10)
      return browser.come(to, HOME)
    },
    rule: 'Many failures',
    state: 'REVIEW_REQUIRED',
    seen: { 'history.failures.hour': 10 },
  },
]

describe('a sign-in', () => {
  test.each(SIGN_INS)('$title', async ({ rules, person, come, rule, state, next, seen }) => {
    const somebody = await known(person)
    await obey(rules)
    const came = await come(somebody)
    const decided = await told(came)
    expect(decided).toMatchObject({
      rule,
      state,
      nextStep: {
        type: state === MORE ? 'challenge' : state === 'REVIEW_REQUIRED' ? 'review' : 'none',
        methods: next ?? [],
      },
      decision: { erring: [], ...(seen && { seen }) },
    })
    const session = await sessionOf(came)
    expect(session !== null).toBe(state === DONE)
    if (!next?.includes('passkey') || !person?.hasPasskey) return
    const proven = await somebody.byPasskey(came)
    expect((await sessionOf(came, proven.result)).methods).toEqual(['emailCode', 'passkey'])
  })

  test('that was reviewed for its failures takes a proof anew', async () => {
    const { browser, to } = await known()
    await obey('Many failures are reviewed')
    await fail(to, 10)
    const came = await browser.come(to, HOME)
    await server.call('PATCH', `/v1/actions/${came.id}`, { state: 'REVIEW_SUCCEEDED' })
    expect(await sessionOf(came)).toBeNull()
    await later(server, 61_000)
    await came.post('/send', { method: 'emailCode' })
    const { code } = await server.message({ to })
    const { result } = (await came.post('/verify', { code })).body
    expect(await sessionOf(came, result)).not.toBeNull()
  })
})

describe('an action that a backend tracks', () => {
  const track = async ({ userId }: Known, name: string, context: object) =>
    (await server.post('/v1/actions', { name, userId, context: { userAgent: BROWSER, ...context } })).body

  test.each([
    ['of an old friend', 8 * DAY, (token: string) => token, 'ALLOW'],
    ['of yesterday', DAY, (token: string) => token, 'CHALLENGE'],
    ['that is made up', 8 * DAY, () => `odt_${'A'.repeat(43)}`, 'CHALLENGE'],
    ['that is told as none', 8 * DAY, () => '', 'CHALLENGE'],
  ])('passes on a device %s after %i ms: %s %s', async (_title, agoMs, tokenOf, outcome) => {
    const person = await known({ agoMs })
    await obey('A known device passes')
    const context = { ipAddress: HOME, deviceToken: tokenOf(person.browser.deviceToken) }
    const action = await track(person, 'changeAddress', context)
    expect(action).toMatchObject({
      outcome,
      state: outcome === 'ALLOW' ? 'ALLOW' : MORE,
      nextStep: { type: outcome === 'ALLOW' ? 'none' : 'challenge' },
    })
    expect((await server.post('/v1/sessions', { actionId: action.id })).status).toBeGreaterThanOrEqual(400)
  })

  test('does not pass by the id of a device', async () => {
    const person = await known({ agoMs: 8 * DAY })
    await obey('A known device passes')
    const context = { ipAddress: HOME, deviceToken: person.deviceId }
    expect((await track(person, 'changeAddress', context)).outcome).not.toBe('ALLOW')
  })

  test('is blocked at once where the person cannot be', async () => {
    const person = await known({ agoMs: HOUR })
    await obey(TRAVEL)
    const blocked = await track(person, 'payOut', { ipAddress: NEW_YORK })
    expect(blocked).toMatchObject({ outcome: 'BLOCK', state: 'BLOCK', url: null, token: null })
    expect(blocked.decision.seen['history.speedKmh']).toBeGreaterThan(900)
    expect((await track(person, 'payOut', { ipAddress: HOME })).outcome).toBe('CHALLENGE')
  })
})
