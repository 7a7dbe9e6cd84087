import { afterAll, expect, it } from 'vitest'
import { openSink, refusal } from '../delivery/smtp-sink.ts'
import { apiOf, liveSettings, ostiary, startServer } from '../setup/process.ts'
import { openFaultyReceiver, saying } from '../webhooks/receiver.ts'

/** The notice of an endpoint that is gone, over a real SMTP server, through a kill of the process that queued it. */

let isHolding = true
const sink = await openSink({
  onRcptTo(_address, _session, done) {
    done(isHolding ? refusal(451, 'not now') : null)
  },
})
const receiver = await openFaultyReceiver(saying(410))
afterAll(async () => {
  await sink.close()
  await receiver.close()
})

it('arrives once at each mailbox, and a doctor tells of the endpoint', { timeout: 90_000 }, async () => {
  const { env: settings, port } = await liveSettings(sink.url)
  const env = { ...settings, WEBHOOK_PRIVATE_TARGETS: '127.0.0.1' }
  const first = await startServer(['start'], port, { env })
  const args = ['keys', 'create', '--environment', 'live', '--name', 'e2e', '--scopes', 'admin', '--json']
  const { secret } = JSON.parse((await ostiary(args, { env })).stdout)
  const call = apiOf(first.url, secret)
  const noticeTo = ['Ops@example.com', 'oncall@example.com']
  expect((await call('PATCH', '/v1/settings', { webhooks: { noticeTo } })).status).toBe(200)
  const { id } = (await call('POST', '/v1/webhooks', { url: receiver.url, eventTypes: ['user.created'] }))
    .body
  for (let number = 0; number < 3; number++) await call('POST', '/v1/users', { externalId: `user-${number}` })
  const retried = async () => (await call('GET', '/v1/events?type=message.retried')).body.data.length
  await expect.poll(retried, { timeout: 15_000 }).toBeGreaterThanOrEqual(2)
  await first.kill()
  expect(sink.mails).toEqual([])

  isHolding = false
  const second = await startServer(['start'], port, { env })
  await expect.poll(() => sink.mails.length, { timeout: 40_000 }).toBe(2)
  for (const mail of sink.mails) {
    expect(mail.email.subject).toBe(`Webhooks to ${new URL(receiver.url).host} have stopped`)
    expect(mail.email.text).toContain(
      `PATCH http://localhost:${port}/v1/webhooks/${id} {"status": "enabled"}`,
    )
    expect(mail.email.from?.address).toBe('login@acme.example')
  }
  expect(sink.mails.flatMap(mail => mail.to).sort()).toEqual([...noticeTo].sort())
  const { findings } = JSON.parse((await ostiary(['doctor', '--json'], { env })).stdout)
  expect(findings).toContainEqual({
    check: 'webhooks',
    status: 'warn',
    message: `${id} in live is disabled: it answered 410`,
    fix: expect.stringContaining('enable'),
  })
  expect((await second.stop()).code).toBe(0)
  expect(sink.mails).toHaveLength(2)
})
