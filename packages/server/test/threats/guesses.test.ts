import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fresh, later, wrongCode } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
  const many = 100_000
  // Without the limits on sends, so that the bound on guesses stands alone.
  await server.call('PATCH', '/v1/settings', {
    limits: {
      sendsPerAddressUntold: { minute: many, hour: many },
      sendsPerAddress: { hour: many, day: many },
      sendsPerKnownDevice: { hour: many },
      weakGuessesPerEnvironment: { tenMinutes: 500 },
    },
  })
})
afterAll(async () => {
  await server.ostiary.drain()
  const found = (await server.violations()).filter(line => !line.startsWith('content is wiped'))
  await server.stop()
  expect(found).toEqual([])
})

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** What somebody does who knows the address, or has stolen the token of a device, too; and now and then the owner. */
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('create' as const), isStolen: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('resend' as const), which: fc.nat(9) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('guess' as const),
      which: fc.nat(9),
      times: fc.integer({ min: 1, max: 6 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prove' as const), which: fc.nat(9) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.constantFrom(31_000, 61_000, 121_000, 10 * 60_000, HOUR / 2, HOUR, 8 * HOUR),
    }),
  },
)

interface Known {
  id: string
  live: number
  isWeak: boolean
  isStolen: boolean
  judged: number
  code: string
}

async function signInOnDevice(to: string): Promise<string> {
  const { body } = await server.post('/v1/challenges', { to })
  const { code } = await server.message({ challengeId: body.id })
  const context = { userAgent: 'A browser' }
  const proven = await server.post(`/v1/challenges/${body.id}/verify`, { code, context })
  return proven.body.tokens.deviceToken
}

/** Promise 2 by a model of its own: it counts from the answers alone what the store counts in its rows. */
test('[31] over any history of sends, resends, guesses and waits the judged guesses stay within attempts, hour and day', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 45 }), async history => {
      const to = fresh('model')
      const deviceToken = await signInOnDevice(to)
      const challenges: Known[] = []
      const guesses: { at: number; weight: number; isStolen: boolean }[] = []
      const verify = (id: string, code: string) => server.post(`/v1/challenges/${id}/verify`, { code })
      for (const one of history) {
        if (one.kind === 'wait') {
          await later(server, one.ms)
          continue
        }
        if (one.kind === 'create') {
          const { isStolen } = one
          const asked = { to, ...(isStolen && { context: { deviceToken } }) }
          const { status, body } = await server.post('/v1/challenges', asked)
          expect(status).toBe(201)
          const { code } = await server.message({ challengeId: body.id })
          const isWeak = body.codeLength < 10
          challenges.push({ id: body.id, live: 1, isWeak, isStolen, judged: 0, code })
          continue
        }
        const challenge = challenges.at(-1 - (one.which % Math.max(1, challenges.length)))
        if (!challenge) continue
        if (one.kind === 'resend') {
          const { status, body } = await server.post(`/v1/challenges/${challenge.id}/resend`)
          if (status !== 200) continue
          challenge.live = body.earlierCodes === 'valid' ? challenge.live + 1 : 1
          challenge.isWeak = body.codeLength < 10
          challenge.code = (await server.message({ challengeId: challenge.id })).code
        } else if (one.kind === 'prove') {
          const { status } = await verify(challenge.id, challenge.code)
          if (status === 200) challenge.judged++
        } else {
          const answers = await Promise.all(
            Array.from({ length: one.times }, () => verify(challenge.id, wrongCode(challenge.code))),
          )
          for (const { body } of answers) {
            if (body.code !== 'code_incorrect') continue
            challenge.judged++
            const { isWeak, isStolen, live } = challenge
            if (isWeak) guesses.push({ at: server.clock.now(), weight: live, isStolen })
          }
        }
        expect(challenge.judged).toBeLessThanOrEqual(5)
      }
      for (const [ms, bound] of [
        [HOUR, 10],
        [DAY, 20],
      ] as const)
        for (const { at, isStolen } of guesses) {
          const inside = guesses.filter(
            guess => guess.isStolen === isStolen && guess.at > at - ms && guess.at <= at,
          )
          expect(inside.reduce((sum, { weight }) => sum + weight, 0)).toBeLessThanOrEqual(bound)
        }
    }),
    { numRuns: 60 },
  )
}, 60_000)
