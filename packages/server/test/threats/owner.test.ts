import { expect, test } from 'vitest'
import { wrongCode } from '../http/world.ts'
import { testServer } from '../setup/server.ts'

const OWNERS = 1000
const AT_ONCE = 50

/**
 * Promise 9: each of a thousand owners is attacked from three networks with all that the limits let through, sends and
 * guesses, and then comes from a new device in a network that nobody has seen, with a first challenge.
 */
test('[161] 1,000 of 1,000 owners sign in with their first challenge while three hostile networks attack', async () => {
  const server = await testServer()
  const hosts = (owner: number, net: number) => `10.${net}.${owner & 255}.${owner >> 8}`
  let hostile = 0
  let signedIn = 0
  let lengths = 0
  const attack = async (to: string, owner: number, net: number) => {
    for (let round = 0; ; round++) {
      const context = { ipAddress: hosts(owner, net * 4 + (owner >> 8)) }
      const sent = await server.post('/v1/challenges', { to, context })
      if (sent.status === 429 || round > 20) return
      hostile++
      const { code } = await server.message({ challengeId: sent.body.id })
      for (let guess = 0; guess < 5; guess++)
        await server.post(`/v1/challenges/${sent.body.id}/verify`, { code: wrongCode(code), context })
    }
  }
  const comeIn = async (to: string, owner: number) => {
    const context = { ipAddress: `172.${16 + (owner >> 8)}.${owner & 255}.9`, userAgent: 'a new device' }
    const sent = await server.post('/v1/challenges', { to, context })
    expect(sent, JSON.stringify(sent.body)).toMatchObject({ status: 201 })
    if (sent.body.codeLength === 10) lengths++
    const { code } = await server.message({ challengeId: sent.body.id })
    const { status } = await server.post(`/v1/challenges/${sent.body.id}/verify`, { code, context })
    if (status === 200) signedIn++
  }
  for (let first = 0; first < OWNERS; first += AT_ONCE)
    await Promise.all(
      Array.from({ length: AT_ONCE }, async (_, index) => {
        const owner = first + index
        const to = `owner${owner}@x.test`
        await Promise.all([0, 1, 2].map(net => attack(to, owner, net)))
        await comeIn(to, owner)
      }),
    )
  await server.stop()
  expect(signedIn).toBe(OWNERS)
  expect(hostile).toBeGreaterThanOrEqual(OWNERS * 6)
  // What the attack costs the owner: a longer code, never the way in.
  expect(lengths).toBe(OWNERS)
}, 120_000)

test('[161] 1,000 wrong answers for the victim: its link, and its code from elsewhere, still sign in', async () => {
  const server = await testServer()
  const to = 'victim@x.test'
  const asked = { credential: 'codeAndLink', redirectUrl: 'http://localhost:3000/cb', linkVia: 'app' }
  const ask = async () => {
    const context = { ipAddress: '192.0.2.9' }
    const { body } = await server.post('/v1/challenges', { to, context, ...asked })
    return { ...(await server.message({ challengeId: body.id })), id: body.id as string }
  }
  const [first, second] = [await ask(), await ask()]
  for (let round = 0; round < 200; round++) {
    const context = { ipAddress: `10.${round}.0.1` }
    const { body } = await server.post('/v1/challenges', { to, context })
    for (let guess = 0; guess < 5; guess++)
      await server.post(`/v1/challenges/${body.id ?? 'chl_x'}/verify`, { code: 'x', context })
  }
  const linkToken = new URL(first.link).searchParams.get('token')
  expect((await server.post('/v1/challenges/verify', { linkToken })).status).toBe(200)
  // The first proof made the user: what was sent before pins nobody, so the second one is over. A third signs in.
  expect((await server.post(`/v1/challenges/${second.id}/verify`, { code: second.code })).status).toBe(409)
  server.clock.advance(3_600_000 * 2)
  const third = await ask()
  expect((await server.post(`/v1/challenges/${third.id}/verify`, { code: third.code })).status).toBe(200)
  await server.stop()
})
