import { afterAll, beforeAll, expect, it } from 'vitest'
import type { TestServer } from '../setup/server.ts'
import {
  CROWD,
  count,
  crowd,
  openToCrowds,
  REDIRECT,
  send,
  settle,
  successes,
  tally,
  times,
  wrongCode,
} from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(() => server.stop())

const verify = (id: string, code: string, extra = {}) =>
  server.post(`/v1/challenges/${id}/verify`, { code, ...extra })

it('the right code by many at once signs in once', async () => {
  const { id, code } = await send(server, 'right@x.test')
  const answers = await crowd(times(CROWD, () => verify(id, code)))
  expect(tally(answers)).toEqual({ 200: 1, challenge_used: CROWD - 1 })
  expect(await count(server, `/v1/events?challengeId=${id}&type=session.created`)).toBe(1)
  await settle(server, [code, successes(answers)[0]?.body.tokens.refreshToken])
})

it('the right code among wrong ones: never more judged than there are attempts', async () => {
  for (let round = 0; round < 4; round++) {
    const { id, code } = await send(server, `hidden${round}@x.test`)
    const right = times(round * 10, () => verify(id, code))
    const answers = await crowd([
      ...right,
      ...times(CROWD - right.length, index => verify(id, wrongCode(code, index))),
    ])
    const { 200: verified = 0, code_incorrect: wrong = 0 } = tally(answers)
    expect(verified).toBeLessThanOrEqual(1)
    expect(verified + wrong).toBeLessThanOrEqual(5)
    if (verified === 0) expect(wrong).toBe(5)
    const left = answers.flatMap(({ body }) => body.attemptsLeft ?? [])
    expect(new Set(left).size).toBe(wrong)
  }
  await settle(server)
})

it('code, link and hand-over of one challenge at once give one sign-in', async () => {
  for (let round = 0; round < 3; round++) {
    const { id, code, token } = await send(server, `any${round}@x.test`, {
      credential: 'codeAndLink',
      redirectUrl: REDIRECT,
      linkVia: 'app',
    })
    const answers = await crowd([
      ...times(80, () => verify(id, code)),
      ...times(80, () => server.post('/v1/challenges/verify', { linkToken: token })),
      ...times(3, index => verify(id, wrongCode(code, index))),
      ...times(20, () => server.get(`/v1/challenges/${id}`)),
    ])
    expect(answers.filter(({ status, body }) => status === 200 && body.session)).toHaveLength(1)
  }
  await settle(server)
})

it('resend against verify: the code that is right in the end is right once, and never two sessions', async () => {
  for (const resend of ['keep', 'replace']) {
    await server.call('PATCH', '/v1/settings', { challenge: { resend } })
    for (let round = 0; round < 4; round++) {
      const { id, code } = await send(server, `resend-${resend}${round}@x.test`)
      server.clock.advance(31_000)
      const resends = times(10, () => server.post(`/v1/challenges/${id}/resend`))
      const verifies = times(40, () => verify(id, code))
      const answers = await crowd(
        round % 2 ? [...resends, ...verifies] : [...verifies.slice(0, 1), ...resends],
      )
      const resent = tally(answers.filter(({ body }) => body.earlierCodes !== undefined))
      const signIns = successes(answers).filter(({ body }) => body.tokens)
      expect(resent[200] ?? 0).toBeLessThanOrEqual(1)
      expect(signIns.length).toBeLessThanOrEqual(1)
      if (signIns.length === 0) {
        // The resend came first and replaced the code: the new one works, once.
        expect(resend).toBe('replace')
        const { code: next } = await server.message({ challengeId: id })
        const again = await crowd(times(20, () => verify(id, next)))
        const { 200: verified = 0, attempts_exhausted: over = 0 } = tally(again)
        expect(verified === 1 || over === 20).toBe(true)
      }
    }
  }
  await server.call('PATCH', '/v1/settings', { challenge: null })
  await settle(server)
})

it('two first sign-ins of one address at once: one user, and no user without an address', async () => {
  const open = await Promise.all(Array.from({ length: 20 }, () => send(server, 'twins@x.test')))
  const answers = await crowd(
    open.map(
      ({ id, code }) =>
        () =>
          verify(id, code),
    ),
  )
  expect(tally(answers)).toEqual({ 200: 1, challenge_expired: 19 })
  expect(await count(server, '/v1/users?email=twins@x.test')).toBe(1)
  expect(await count(server, '/v1/users?limit=100')).toBe(await ownersOf())
  await settle(server)
})

it('first sign-ins of many addresses at once, each with wrong answers beside: one user each', async () => {
  const open = await Promise.all(
    Array.from({ length: 40 }, (_, index) => send(server, `many${index}@x.test`)),
  )
  const answers = await crowd(
    open.flatMap(({ id, code }) => [
      ...times(3, () => verify(id, code)),
      ...times(2, index => verify(id, wrongCode(code, index))),
    ]),
  )
  expect(successes(answers)).toHaveLength(40)
  await settle(server)
})

async function ownersOf(): Promise<number> {
  const { body } = await server.get('/v1/users?limit=100')
  return body.data.filter((user: { emailVerified: boolean }) => user.emailVerified).length
}
