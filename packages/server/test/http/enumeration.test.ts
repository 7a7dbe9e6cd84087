import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { fresh, later, raw, rowCounts, wrongCode } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const HOUR = 60 * 60_000
let networks = 0

/** Every address, proven or not, is of the same length, so that not even the length of an answer tells. */
const KINDS = {
  known: async (to: string) => void (await prove(to)),
  unknown: async () => {},
  blocked: async (to: string) => void (await server.post(`/v1/users/${await prove(to)}/block`, {})),
  deleted: async (to: string) => void (await server.call('DELETE', `/v1/users/${await prove(to)}`)),
  unproven: async (to: string) => void (await server.post('/v1/users', { email: to })),
}

async function prove(to: string): Promise<string> {
  return (await server.post('/v1/users', { email: to, emailVerified: true, locale: 'de' })).body.id
}

/** Ids, times, tag and the request's own address masked: what is left has to be the same for everybody. */
const masked = (text: string, to: string) =>
  text
    .replaceAll(to, 'ADDRESS')
    .replaceAll(/"(chl|req|usr|app)_[0-9a-z]{26}"/g, '"$1"')
    .replaceAll(/"\d{4}-\d\d-\d\dT[\d:.]+Z"/g, '"TIME"')
    .replaceAll(/"tag":"[A-Z]{3}"/g, '"tag":"TAG"')

/** What a stranger sees of send, resend and a wrong code, and how many rows each of them writes. */
async function strangerSees(to: string, extra: Record<string, unknown>) {
  // From the start of an hour and from a network of its own, so that each begins with the same empty windows.
  await later(server, 2 * HOUR - (server.clock.now() % HOUR))
  const seen: unknown[] = []
  const step = async (path: string, body: unknown) => {
    const before = await rowCounts(server)
    const { status, headers, text } = await raw(server, 'POST', path, body)
    const after = await rowCounts(server)
    const { 'request-id': _, ...rest } = headers
    const written = Object.fromEntries(
      Object.keys(after).map(table => [table, (after[table] ?? 0) - (before[table] ?? 0)]),
    )
    seen.push({ status, headers: rest, text: masked(text, to), written })
    return JSON.parse(text)
  }
  const context = { ipAddress: `198.51.${++networks}.7` }
  const { id } = await step('/v1/challenges', { to, context, metadata: { a: 1 }, ...extra })
  await step(`/v1/challenges/${id}/verify`, { code: '00000x', context })
  await step(`/v1/challenges/${id}/resend`, {})
  await later(server, 31_000)
  await step(`/v1/challenges/${id}/resend`, {})
  for (let round = 0; round < 5; round++) await step(`/v1/challenges/${id}/verify`, { code: '00000x' })
  await step('/v1/challenges', { to, context, ...extra })
  await step('/v1/challenges', { to, context, ...extra })
  await step('/v1/challenges', { to, context, ...extra })
  return seen
}

describe.each([
  ['sign-up open', { signUp: 'open' }, {}],
  ['sign-up closed', { signUp: 'closed' }, {}],
  ['sign-up closed, userMode create', { signUp: 'closed' }, { userMode: 'create' }],
  ['userMode existing', { signUp: 'open' }, { userMode: 'existing' }],
  ['userMode none', { signUp: 'closed' }, { userMode: 'none' }],
  ['a link', { signUp: 'closed' }, { credential: 'codeAndLink', redirectUrl: 'http://localhost:3000/cb' }],
])('with %s', (_, settings, extra) => {
  beforeEach(async () => {
    await server.call('PATCH', '/v1/settings', settings)
  })

  test('known, unknown, blocked, deleted and unproven addresses look the same', async () => {
    const views: Record<string, unknown> = {}
    for (const [kind, prepare] of Object.entries(KINDS)) {
      // Of one length: "p" and nine digits.
      const to = `p${fresh().replace(/\D/g, '').padStart(9, '0')}@example.com`
      await prepare(to)
      views[kind] = await strangerSees(to, extra)
    }
    for (const kind of Object.keys(KINDS)) expect(views[kind], kind).toEqual(views.known)
  })
})

test('a decoy never succeeds, by code or by link, and the operator is told', async () => {
  await server.call('PATCH', '/v1/settings', { signUp: 'closed' })
  const body = { to: fresh(), credential: 'codeAndLink', redirectUrl: 'http://localhost:3000/cb' }
  const sent = (await server.post('/v1/challenges', body)).body
  const message = await server.message({ challengeId: sent.id })
  expect((await server.get(`/v1/challenges/${sent.id}`)).body.timeline[0].data.isDecoy).toBe(true)
  const code = message.code ?? '123456'
  for (const guess of [code, wrongCode(code)])
    expect((await server.post(`/v1/challenges/${sent.id}/verify`, { code: guess })).status).toBe(400)
  if (message.link) {
    expect((await server.call('GET', new URL(message.link).pathname, undefined, { key: null })).status).toBe(
      404,
    )
    const pressed = await server.call('POST', new URL(message.link).pathname, undefined, {
      key: null,
      headers: { 'Sec-Fetch-Site': 'same-origin' },
    })
    expect(pressed.status).toBe(404)
  }
  await server.call('PATCH', '/v1/settings', { signUp: null })
})
