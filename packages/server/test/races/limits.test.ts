import { expect, it } from 'vitest'
import { testServer } from '../setup/server.ts'
import { CROWD, crowd, settle, tally, times } from './crowd.ts'

it('sends at a limit of N: exactly N pass, and each of them has its message', async () => {
  const server = await testServer()
  for (const max of [1, 7, 50]) {
    await server.call('PATCH', '/v1/settings', {
      limits: {
        sendsPerAddress: { hour: max, day: max },
        sendsPerAddressUntold: { minute: 1000, hour: 1000 },
      },
    })
    const answers = await crowd(times(CROWD, () => server.post('/v1/challenges', { to: `n${max}@x.test` })))
    expect(tally(answers)).toEqual({ 201: max, rate_limited: CROWD - max })
    expect(answers.find(({ status }) => status === 429)?.body.limit).toBe('sendsPerAddress')
    const { body } = await server.get(`/v1/messages?to=n${max}@x.test&limit=100`)
    expect(body.data).toHaveLength(max)
  }
  await settle(server)
  await server.stop()
})

it('sends from three networks and from nowhere at once: each has its own number, the address has one', async () => {
  const server = await testServer()
  const networks = ['198.51.1.1', '198.51.2.1', '198.51.3.1', undefined]
  const answers = await crowd(
    times(CROWD, index => {
      const ipAddress = networks[index % 4]
      return server.post('/v1/challenges', { to: 'a@x.test', ...(ipAddress && { context: { ipAddress } }) })
    }),
  )
  expect(tally(answers)).toEqual({ 201: 8, rate_limited: CROWD - 8 })
  for (let network = 0; network < 4; network++)
    expect(tally(answers.filter((_, index) => index % 4 === network))[201]).toBe(2)
  await settle(server)
  await server.stop()
})

it('wrong answers from one network at once: no more are judged than the limit and its last crowd', async () => {
  const server = await testServer()
  await server.call('PATCH', '/v1/settings', {
    limits: { wrongPerIp: { tenMinutes: 10 }, sendsPerAddressUntold: { minute: 100, hour: 100 } },
  })
  const context = { ipAddress: '198.51.100.7' }
  const open = await Promise.all(
    Array.from({ length: 40 }, (_, index) => server.post('/v1/challenges', { to: `a${index}@x.test` })),
  )
  const answers = await crowd(
    times(CROWD, index =>
      server.post(`/v1/challenges/${open[index % 40]?.body.id}/verify`, { code: '000000', context }),
    ),
  )
  const { code_incorrect: judged = 0, rate_limited: refused = 0 } = tally(answers)
  // One of the codes is 000000 with a chance of 1 in 25,000: that answer is neither.
  expect(judged).toBe(10)
  expect(refused).toBeGreaterThanOrEqual(CROWD - 11)
  await settle(server)
  await server.stop()
})
