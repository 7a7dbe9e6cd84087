import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { prove, tabOf } from './browser.ts'
import { codeOf, fresh, handoverOf, later, send, wrongCode } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

interface Told {
  eventId: string
  type: string
  at: string
  text: string
  challengeId: string | null
  data: Record<string, unknown>
}
const context = { ipAddress: '198.51.100.7', userAgent: 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0' }
const typesOf = (lines: Told[]) => lines.map(line => line.type)

async function walk(path: string, limit = 100): Promise<Told[]> {
  const lines: Told[] = []
  let cursor: string | null = ''
  for (let pages = 0; cursor !== null; pages++) {
    expect(pages).toBeLessThan(500)
    const url: string = `${path}${path.includes('?') ? '&' : '?'}limit=${limit}${cursor && `&cursor=${cursor}`}`
    const { status, body } = await server.get(url)
    expect(status, JSON.stringify(body)).toBe(200)
    lines.push(...body.data)
    cursor = body.nextCursor
  }
  return lines
}
const ofAddress = (to: string, limit?: number) => walk(`/v1/timeline?to=${encodeURIComponent(to)}`, limit)
const ofUser = (id: string, limit?: number) => walk(`/v1/users/${id}/timeline`, limit)

async function report(challengeId: string, kind: 'bounced' | 'delivered', detail: string) {
  const { id } = await server.message({ challengeId })
  await server.ostiary.store.recordDelivery({ messageId: id, kind, detail, now: server.clock.now() })
}

async function verify(challengeId: string, code: string) {
  return await server.post(`/v1/challenges/${challengeId}/verify`, { code, context })
}

describe('the timeline of a challenge', () => {
  test('tells the whole story, oldest first', async () => {
    const to = fresh()
    const challenge = await send(server, { to, context })
    await later(server, 31_000)
    await report(challenge.id, 'bounced', 'mailbox full')
    await server.post(`/v1/challenges/${challenge.id}/resend`, {})
    await later(server, 1000)
    const code = await codeOf(server, challenge.id)
    await verify(challenge.id, wrongCode(code))
    await later(server, 1000)
    expect((await verify(challenge.id, code)).status).toBe(200)
    const { timeline } = (await server.get(`/v1/challenges/${challenge.id}`)).body
    const texts = timeline.map((line: Told) => line.text)
    expect(texts).toEqual([
      'A code was asked for.',
      'A mail waits to be sent.',
      expect.stringMatching(/^The mail server took the mail: /),
      'The mail came back: mailbox full',
      'Another mail was asked for; earlier codes still work.',
      'A mail waits to be sent.',
      expect.stringMatching(/^The mail server took the mail: /),
      'A wrong code was typed; 4 tries left.',
      'The code was right in Firefox on Windows.',
      'The user was created.',
      'A session began in Firefox on Windows.',
      'The person signed in on a device that did not know them in Firefox on Windows.',
    ])
    expect(JSON.stringify(timeline)).not.toContain(code)
    expect(timeline[7]).toEqual({
      eventId: expect.stringMatching(/^evt_/),
      type: 'challenge.attempt_failed',
      at: '2026-11-21T12:00:32.000Z',
      text: 'A wrong code was typed; 4 tries left.',
      challengeId: challenge.id,
      actionId: null,
      sessionId: null,
      context,
      data: { attemptsLeft: 4 },
    })
  })

  test('tells a scanner from a person, and neither link nor token', async () => {
    const redirectUrl = 'http://localhost:3000/cb'
    const challenge = await send(server, { to: fresh(), credential: 'link', redirectUrl })
    const { link } = await server.message({ challengeId: challenge.id })
    await server.ostiary.app.request(link, { headers: { 'User-Agent': 'Slackbot-LinkExpanding 1.0' } })
    await later(server, 60_000)
    await server.ostiary.app.request(link, { headers: { 'User-Agent': context.userAgent } })
    await later(server, 1000)
    await server.post('/v1/challenges/verify', { linkToken: await handoverOf(server, link) })
    const { timeline } = (await server.get(`/v1/challenges/${challenge.id}`)).body
    expect(timeline.map((line: Told) => line.text)).toEqual(
      expect.arrayContaining([
        'A link was asked for.',
        expect.stringContaining('by a mail scanner'),
        'The link was opened in Firefox on Windows; it counts when its button is pressed.',
        'The link was used.',
      ]),
    )
    expect(JSON.stringify(timeline)).not.toMatch(/olk_|oht_/)
  })
})

test('the timeline of an action has what was sent for it, reports included', async () => {
  const tracked = (await server.post('/v1/actions', { name: 'signIn', context })).body
  const to = fresh()
  await prove(server, tabOf(server, tracked.id, tracked.token), to)
  await server.ostiary.drain()
  const { challengeId } = (await ofAddress(to)).find(line => line.challengeId !== null) as Told
  await report(challengeId as string, 'delivered', 'ok')
  const { timeline } = (await server.get(`/v1/actions/${tracked.id}`)).body
  expect(typesOf(timeline)).toEqual(
    expect.arrayContaining([
      'action.tracked',
      'challenge.created',
      'action.challenge_started',
      'message.sent',
      'message.delivered',
      'challenge.verified',
      'action.challenge_succeeded',
    ]),
  )
  expect(timeline[0].type).toBe('action.tracked')
  expect(JSON.stringify(timeline)).not.toMatch(/oat_|oht_/)
})

describe('the timeline of a person', () => {
  test('an address that leads to no user has one, too, with the limit that fired and until when', async () => {
    const to = fresh()
    for (let index = 0; index < 3; index++) {
      await server.post('/v1/challenges', { to, context })
      await later(server, 1000)
    }
    const [fired, ...rest] = await ofAddress(to.toUpperCase())
    expect(fired).toMatchObject({
      type: 'limit.fired',
      data: {
        limit: 'sendsPerAddressAndNetwork',
        refusals: 1,
        endsAt: expect.stringMatching(/^2026-11-21T/),
      },
    })
    const waits = Date.parse(String(fired?.data.endsAt)) - Date.parse(fired?.at ?? '')
    expect(waits).toBeGreaterThan(50_000)
    expect(waits).toBeLessThanOrEqual(62_000)
    expect(fired?.text).toContain(String(fired?.data.endsAt))
    expect(rest.filter(line => line.type === 'challenge.created')).toHaveLength(2)
    // A name that ends like it is somebody else's, and `_` and `%` of an address stand for themselves.
    for (const other of [`x${to}`, to.replace('.com', '.co'), to.replace(/\d/, '_'), `${to}.au`])
      expect(await ofAddress(other)).toEqual([])
  })

  test('page by page it is the same, however small the pages, and none is told twice', async () => {
    const to = fresh()
    const { body } = await server.signIn(to)
    for (let index = 0; index < 6; index++) {
      await later(server, 61_000)
      const challenge = await send(server, { to })
      await verify(challenge.id, '000000')
    }
    await later(server, 1000)
    for (const path of [`/v1/timeline?to=${to}`, `/v1/users/${body.user.id}/timeline`]) {
      const whole = await walk(path)
      expect(whole.length).toBeGreaterThan(20)
      expect(new Set(whole.map(line => line.eventId)).size).toBe(whole.length)
      for (const limit of [1, 2, 7]) expect(await walk(path, limit)).toEqual(whole)
    }
  })

  test('goes on past the hundred challenges of one look', async () => {
    const to = fresh()
    await server.call('PATCH', '/v1/settings', {
      limits: {
        sendsPerAddress: { hour: 1000, day: 1000 },
        sendsPerAddressUntold: { minute: 1000, hour: 1000 },
      },
    })
    await later(server, 2000)
    const ids: string[] = []
    for (let index = 0; index < 130; index++) {
      ids.push((await send(server, { to, expiresInSeconds: index % 2 ? 60 : 3600 })).id)
      server.clock.advance(10)
    }
    await server.ostiary.drain()
    await server.call('PATCH', '/v1/settings', { limits: null })
    await later(server, 2000)
    for (const limit of [100, 37]) {
      const asked = (await ofAddress(to, limit)).filter(line => line.type === 'challenge.created')
      expect(asked.map(line => line.challengeId)).toEqual(ids.toReversed())
    }
  })

  test('holds passkeys, devices and changes by id, and what was sent to their proven address before it was theirs', async () => {
    const to = fresh()
    const { body } = await server.signIn(to)
    await later(server, 1000)
    await server.post(`/v1/users/${body.user.id}/block`, {})
    const types = typesOf(await ofUser(body.user.id))
    expect(types).toEqual(
      expect.arrayContaining(['challenge.created', 'message.sent', 'session.created', 'user.blocked']),
    )
  })

  test('does not tell of another person: an address changes hands, and an unproven one leads to nobody', async () => {
    const to = fresh()
    const first = (await server.signIn(to)).body.user.id
    await server.post(`/v1/users/${first}/identifiers`, { type: 'email', value: fresh(), isVerified: true })
    await server.call('DELETE', `/v1/users/${first}/identifiers?type=email&value=${to}`)
    await later(server, 61_000)
    const second = (await server.signIn(to)).body.user.id
    expect(second).not.toBe(first)
    const stranger = (await server.post('/v1/users', { email: to })).body.id
    const own = await Promise.all([first, second].map(id => ofUser(id)))
    const [ofFirst, ofSecond] = own.map(lines => lines.map(line => line.eventId))
    expect(ofFirst?.filter(id => ofSecond?.includes(id))).toEqual([])
    expect(typesOf(own[1] as Told[])).toContain('session.created')
    expect(typesOf(await ofUser(stranger))).toEqual(['user.created'])
  })

  test('a foreign or unknown user has none; an address has to be one', async () => {
    const { body } = await server.signIn(fresh())
    const asked = await server.call('GET', `/v1/users/${body.user.id}/timeline`, undefined, {
      key: server.liveKey,
    })
    expect(asked.status).toBe(404)
    expect((await server.get('/v1/timeline')).status).toBe(400)
    expect((await server.get('/v1/timeline?to=nobody')).status).toBe(400)
  })
})
