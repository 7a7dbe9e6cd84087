import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { apiOf, startDev } from '../setup/process.ts'
import { ok, openFaultyReceiver, saying } from './receiver.ts'

const ROUNDS = 4

it('loses no delivery over kill -9 under load, with a receiver that fails now and then', {
  timeout: 400_000,
}, async () => {
  const known = new Set<unknown>()
  const receiver = await openFaultyReceiver(response => {
    const id = response.req.headers['webhook-id']
    // Each seventh event is refused once: a second time would put it off for five minutes.
    const isRefused = !known.has(id) && known.size % 7 === 0
    known.add(id)
    return (isRefused ? saying(500) : ok)(response)
  })
  let server = await startDev()
  const { folder, port, facts } = server
  const call = apiOf(server.url, facts.secretKey)
  const endpoint = (await call('POST', '/v1/webhooks', { url: receiver.url })).body
  let count = 0
  for (let round = 0; round < ROUNDS; round++) {
    let isOver = false
    let answered = 0
    const person = async () => {
      while (!isOver) {
        // Whoever asks while it is killed gets no answer; what was written all the same has its event.
        const asked = { to: `person${++count}@example.com` }
        await call('POST', '/v1/challenges', asked).then(
          () => answered++,
          () => pause(5),
        )
      }
    }
    const people = Array.from({ length: 6 }, person)
    await expect.poll(() => answered, { timeout: 60_000, interval: 5 }).toBeGreaterThan(30 + 7 * round)
    await server.kill()
    isOver = true
    await Promise.all(people)
    server = await startDev({ folder, port })
  }
  // What was under way when it was killed is claimed anew once its lease has run out.
  await expect
    .poll(
      async () =>
        (await call('GET', `/v1/webhooks/${endpoint.id}/deliveries?status=pending`)).body.data.length,
      {
        timeout: 120_000,
        interval: 1000,
      },
    )
    .toBe(0)
  await server.stop()
  const db = new DatabaseSync(`${folder}/ostiary.db`, { readOnly: true })
  const events = db
    .prepare(
      `SELECT id FROM events WHERE environment_id = (SELECT environment_id FROM webhook_endpoints)
         AND id > (SELECT id FROM events WHERE type = 'webhook_endpoint.created')`,
    )
    .all() as { id: string }[]
  const statuses = db
    .prepare('SELECT status, count(*) AS count FROM webhook_deliveries GROUP BY status')
    .all()
  db.close()
  const arrived = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']))
  expect(events.length).toBeGreaterThan(100)
  expect(events.filter(({ id }) => !arrived.has(id))).toEqual([])
  expect(statuses).toEqual([{ status: 'delivered', count: events.length }])
  receiver.verified(endpoint.secret)
  console.log(`${events.length} events, ${receiver.requests.length} calls, over ${ROUNDS} kills`)
  await receiver.close()
})
