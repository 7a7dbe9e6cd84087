import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Answer, TestServer } from '../setup/server.ts'
import { CROWD, crowd, openToCrowds, REDIRECT, send, settle, successes, tally, times } from './crowd.ts'

let server: TestServer
beforeAll(async () => {
  server = await openToCrowds()
})
afterAll(() => server.stop())

const LINK = { credential: 'link', redirectUrl: REDIRECT }
const exchange = (linkToken: string, extra = {}) =>
  server.post('/v1/challenges/verify', { linkToken, ...extra })
const press = (token: string) =>
  server.call('POST', `/l/${token}`, undefined, {
    key: null,
    headers: { 'Sec-Fetch-Site': 'same-origin' },
  })
const handoverOf = ({ headers }: Answer) =>
  new URL(headers.get('location') ?? '').searchParams.get('token') ?? ''

it('a link in the app, exchanged by many at once, signs in once', async () => {
  const { token } = await send(server, 'app@x.test', { ...LINK, linkVia: 'app' })
  const answers = await crowd(times(CROWD, () => exchange(token)))
  expect(tally(answers)).toEqual({ 200: 1, challenge_used: CROWD - 1 })
  await settle(server, [token])
})

it('a hand-over token, exchanged by many at once, signs in once', async () => {
  const { token } = await send(server, 'handover@x.test', LINK)
  const pressed = await press(token)
  expect(pressed.status).toBe(303)
  const handover = handoverOf(pressed)
  const answers = await crowd(times(CROWD, () => exchange(handover)))
  expect(tally(answers)).toEqual({ 200: 1, link_invalid: CROWD - 1 })
  expect((await press(token)).status).toBe(409)
  await settle(server, [token, handover])
})

it('a link pressed by many at once gives many hand-overs, of which one is good for one sign-in', async () => {
  const { token } = await send(server, 'presses@x.test', LINK)
  const pressed = await crowd(times(50, () => press(token)))
  expect(tally(pressed)).toEqual({ 303: 50 })
  const handovers = pressed.map(handoverOf)
  expect(new Set(handovers).size).toBe(50)
  const answers = await crowd(handovers.flatMap(handover => times(4, () => exchange(handover))))
  expect(tally(answers)).toEqual({ 200: 1, link_invalid: 199 })
  await settle(server, handovers)
})

it('presses, looks and exchanges mixed at random never give two sign-ins', async () => {
  const { id, token } = await send(server, 'mixed@x.test', LINK)
  const handovers: string[] = []
  const calls = times(CROWD, async index => {
    if (index % 4 === 0) return await server.call('GET', `/l/${token}`, undefined, { key: null })
    if (index % 4 === 1) return await exchange(handovers.at(-1) ?? `oht_${'A'.repeat(43)}`)
    const answer = await press(token)
    if (answer.status === 303) handovers.push(handoverOf(answer))
    return answer
  })
  const first = await crowd(calls)
  const last = await crowd(handovers.map(handover => () => exchange(handover)))
  const signIns = [...successes(first), ...successes(last)].filter(({ body }) => body.tokens)
  expect(signIns).toHaveLength(1)
  const { body } = await server.get(`/v1/events?challengeId=${id}&type=challenge.link_opened&limit=100`)
  expect(body.data.length).toBeLessThanOrEqual(20)
  await settle(server)
})

it('a bound link, tried without its verifier by many at once, gives five tries and no sign-in', async () => {
  const { token } = await send(server, 'bound@x.test', {
    ...LINK,
    linkVia: 'app',
    codeChallenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
  })
  const wrong = await crowd(times(50, () => exchange(token, { codeVerifier: 'x'.repeat(43) })))
  expect(tally(wrong)).toEqual({ link_invalid: 5, attempts_exhausted: 45 })
  await settle(server)
})
