import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { openReceiver, saying } from '../delivery/receiver.ts'
import { openScripted, openSink } from '../delivery/smtp-sink.ts'
import { apiOf, type Call, liveSettings, ostiary, type Running, startServer } from '../setup/process.ts'

// `ostiary start` with more than one way out of the house, against real servers that break.

const NOWHERE = 'smtp://127.0.0.1:9'
const SECRET = `whsec_${randomBytes(32).toString('base64')}`
const GENERIC = `whsec_${randomBytes(32).toString('base64')}`

const open: { close(): Promise<void> }[] = []
const servers: Running[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) expect((await server.stop()).code).toBe(0)
})
afterAll(async () => {
  for (const thing of open.splice(0)) await thing.close()
})
function kept<T extends { close(): Promise<void> }>(thing: T): T {
  open.push(thing)
  return thing
}

async function live(own: Record<string, string>): Promise<{ call: Call; server: Running }> {
  const settings = await liveSettings(NOWHERE)
  const { SMTP_URL: _, ...rest } = settings.env
  const env = { ...rest, ...own }
  const server = await startServer(['start'], settings.port, { env })
  servers.push(server)
  const args = ['keys', 'create', '--environment', 'live', '--name', 'e2e', '--scopes', 'admin', '--json']
  const { secret } = JSON.parse((await ostiary(args, { env })).stdout)
  return { call: apiOf(server.url, secret), server }
}

async function sendAndSee(call: Call, to: string, type: string) {
  const { body } = await call('POST', '/v1/challenges', { to })
  const timeline = async (): Promise<{ type: string; data: { reply: string; messageId: string } }[]> =>
    (await call('GET', `/v1/challenges/${body.id}`)).body.timeline
  await expect
    .poll(async () => (await timeline()).map(event => event.type), { timeout: 10_000 })
    .toContain(type)
  return { id: body.id, timeline, event: (await timeline()).find(event => event.type === type) }
}

describe('the fallback', () => {
  it('carries a mail once while the primary is down, and the reply names it', async () => {
    const sink = kept(await openSink())
    const { call } = await live({ SMTP_URL: NOWHERE, SMTP_FALLBACK_URL: sink.url })
    for (let round = 0; round < 5; round++) {
      const { timeline, event } = await sendAndSee(call, `ada${round}@example.com`, 'message.sent')
      expect(event?.data.reply).toContain('smtp fallback: 250')
      expect((await timeline()).map(({ type }) => type)).not.toContain('message.retried')
    }
    expect(sink.mails).toHaveLength(5)
  })

  it('does not carry what the primary may have taken: the next try does, with the same Message-ID', async () => {
    let taken = ''
    const dropping = kept(
      await openScripted(socket => {
        let data: string | null = null
        socket.write('220 test\r\n')
        socket.on('data', chunk => {
          const text = chunk.toString()
          if (data !== null) {
            data += text
            if (!data.includes('\r\n.\r\n')) return
            taken = data
            socket.destroy()
          } else if (text.startsWith('DATA')) {
            data = ''
            socket.write('354 go on\r\n')
          } else socket.write('250 ok\r\n')
        })
      }),
    )
    const sink = kept(await openSink())
    const { call } = await live({ SMTP_URL: dropping.url, SMTP_FALLBACK_URL: sink.url })
    const { timeline, event } = await sendAndSee(call, 'grace@example.com', 'message.retried')
    expect(sink.connections()).toBe(0)
    expect(taken).toContain(`<${event?.data.messageId}@acme.example>`)
    await dropping.close()
    await expect
      .poll(async () => (await timeline()).map(({ type }) => type), { timeout: 15_000 })
      .toContain('message.sent')
    expect(sink.mails).toHaveLength(1)
    expect(sink.mails[0]?.email.messageId).toBe(`<${event?.data.messageId}@acme.example>`)
  })
})

describe('the webhook', () => {
  it('carries mail alone, and reports of it come into the timeline by another', async () => {
    const receiver = kept(await openReceiver(saying(200, 'taken')))
    const { call, server } = await live({
      MAIL_WEBHOOK_URL: receiver.url,
      MAIL_WEBHOOK_SECRET: SECRET,
      MAIL_EVENTS_GENERIC_SECRET: GENERIC,
    })
    const { id, event, timeline } = await sendAndSee(call, 'ada@example.com', 'message.sent')
    expect(event?.data.reply).toBe('200 taken')
    const [request] = receiver.requests
    const mail = new Webhook(SECRET).verify(
      request?.body ?? '',
      request?.headers as Record<string, string>,
    ) as Record<string, string>
    expect(mail).toMatchObject({ id: event?.data.messageId, type: 'message.send', to: 'ada@example.com' })
    const code = /^\s*(\d{6})\s*$/m.exec(mail.text ?? '')?.[1]
    expect((await call('POST', `/v1/challenges/${id}/verify`, { code })).status).toBe(200)

    const report = JSON.stringify({ type: 'bounced', messageId: mail.messageId, detail: '550 no such user' })
    const post = (signature: string) =>
      fetch(`${server.url}/hooks/mail/generic`, {
        method: 'POST',
        headers: {
          'webhook-id': 'evt_1',
          'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
          'webhook-signature': signature,
        },
        body: report,
      })
    expect((await post('v1,AAAA')).status).toBe(401)
    expect((await post(new Webhook(GENERIC).sign('evt_1', new Date(), report))).status).toBe(200)
    expect((await timeline()).at(-1)).toMatchObject({
      type: 'message.bounced',
      data: { detail: '550 no such user' },
    })
    expect((await fetch(`${server.url}/hooks/mail/ses`, { method: 'POST', body: '{}' })).status).toBe(404)
  })

  it('that refuses for good ends the message; one that fails is tried again', async () => {
    const answers = [500, 410]
    const receiver = kept(await openReceiver(response => saying(answers.shift() ?? 200)(response)))
    const { call } = await live({ MAIL_WEBHOOK_URL: receiver.url, MAIL_WEBHOOK_SECRET: SECRET })
    const { timeline } = await sendAndSee(call, 'ada@example.com', 'message.failed')
    const replies = (await timeline())
      .filter(({ type }) => type.startsWith('message.'))
      .map(({ type, data }) => [type, data.reply])
    expect(replies).toMatchObject([
      ['message.queued', undefined],
      ['message.retried', 'the webhook answered 500'],
      ['message.failed', 'the webhook answered 410'],
    ])
    const [first, second] = receiver.requests
    expect(receiver.requests).toHaveLength(2)
    expect(second?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  })
})
