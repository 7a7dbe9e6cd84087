import { afterAll, expect, it } from 'vitest'
import { openSink, refusal } from '../delivery/smtp-sink.ts'
import { apiOf, liveSettings, ostiary, startServer } from '../setup/process.ts'

/** Security notices over a real SMTP server, through a kill of the process that queued them. */

let isHolding = false
const sink = await openSink({
  onRcptTo(_address, _session, done) {
    done(isHolding ? refusal(451, 'not now') : null)
  },
})
afterAll(() => sink.close())

it('a notice that could not go out survives kill -9, and arrives once', { timeout: 90_000 }, async () => {
  const { env, port } = await liveSettings(sink.url)
  const first = await startServer(['start'], port, { env })
  const args = ['keys', 'create', '--environment', 'live', '--name', 'e2e', '--scopes', 'admin', '--json']
  const { secret } = JSON.parse((await ostiary(args, { env })).stdout)
  const call = apiOf(first.url, secret)
  const mailsTo = (to: string) => sink.mails.filter(mail => mail.to.includes(to))
  const to = 'ada@example.com'
  const codeOf = async (count: number) => {
    await expect.poll(() => mailsTo(to).length, { timeout: 15_000 }).toBe(count)
    return /^ {4}(\d+)$/m.exec(mailsTo(to).at(-1)?.email.text ?? '')?.[1]
  }
  const send = async () => (await call('POST', '/v1/challenges', { to })).body.id as string
  const verify = async (id: string, code: string | undefined, ipAddress: string) =>
    (
      await call('POST', `/v1/challenges/${id}/verify`, {
        code,
        context: { ipAddress, userAgent: 'Firefox/140.0' },
      })
    ).status

  const one = await send()
  expect(await verify(one, await codeOf(1), '198.51.100.7')).toBe(200)
  const two = await send()
  const code = await codeOf(2)
  isHolding = true
  expect(await verify(two, code, '203.0.113.9')).toBe(200)
  const tried = async () =>
    (await call('GET', '/v1/events?type=message.retried')).body.data.map(
      (event: { userId: string }) => event.userId,
    )
  await expect.poll(tried, { timeout: 15_000 }).toContainEqual(expect.stringMatching(/^usr_/))
  await first.kill()
  expect(mailsTo(to)).toHaveLength(2)

  isHolding = false
  const second = await startServer(['start'], port, { env })
  await expect.poll(() => mailsTo(to).length, { timeout: 40_000 }).toBe(3)
  const notice = mailsTo(to)[2]
  expect(notice?.email.subject).toBe('New sign-in to My app')
  expect(notice?.email.messageId).toMatch(/^<msg_[0-9a-z]{26}@/)
  expect(notice?.email.html).toContain('203.0.113.9')
  expect(notice?.raw).not.toContain(code)
  await expect
    .poll(async () =>
      (await call('GET', '/v1/events?type=message.sent')).body.data.map(
        (event: { challengeId: string | null }) => event.challengeId,
      ),
    )
    .toContain(null)
  expect((await second.stop()).code).toBe(0)
  expect(mailsTo(to)).toHaveLength(3)
})
