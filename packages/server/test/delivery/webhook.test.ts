import { createServer } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { afterEach, describe, expect, test } from 'vitest'
import { DeliveryError } from '../../src/core/ports.ts'
import { webhookKeys } from '../../src/core/standard-webhooks.ts'
import { createWebhookTransport } from '../../src/delivery/webhook.ts'
import { parseWebhookUrl } from '../../src/delivery/webhook-url.ts'
import { openReceiver, saying } from './receiver.ts'
import { LINK, mailOf } from './samples.ts'

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const NEXT_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
const mail = mailOf({ code: '481920', link: LINK })

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

async function posting(answer: Parameters<typeof openReceiver>[0], timeoutMs = 5_000, secret = SECRET) {
  const receiver = await openReceiver(answer)
  open.push(receiver)
  const transport = createWebhookTransport({ url: receiver.url, keys: webhookKeys(secret), timeoutMs })
  return { receiver, send: () => transport.send(mail) }
}

/** A server that says these bytes, whatever it hears. */
async function speaking(bytes: string) {
  const server = createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => socket.write(bytes))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  open.push({ close: async () => void server.close() })
  const { port } = server.address() as { port: number }
  const url = `http://127.0.0.1:${port}/`
  const transport = createWebhookTransport({ url, keys: webhookKeys(SECRET), timeoutMs: 500 })
  return { send: () => transport.send(mail) }
}

async function failureOf(work: Promise<unknown>): Promise<DeliveryError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DeliveryError)
  return error as DeliveryError
}

test('posts the whole mail once, signed as Standard Webhooks says', async () => {
  const { receiver, send } = await posting(saying(202, 'queued\r\nas <4711>'))
  expect(await send()).toEqual({ reply: '202 queued as <4711>' })
  expect(receiver.requests).toHaveLength(1)
  const [{ method, path, headers, body } = { method: '', path: '', headers: {}, body: '' }] =
    receiver.requests
  expect([method, path, headers['content-type']]).toEqual(['POST', '/send', 'application/json'])
  expect(headers['webhook-id']).toBe(mail.id)
  const payload = new Webhook(SECRET).verify(body, headers as Record<string, string>)
  expect(payload).toEqual({
    ...mail,
    type: 'message.send',
    messageId: `<${mail.id}@mail.acme.example>`,
  })
  for (const [name, value] of [
    ['webhook-id', 'msg_other'],
    ['webhook-timestamp', String(Number(headers['webhook-timestamp']) - 1)],
    ['webhook-signature', 'v1,AAAA'],
  ] as const)
    expect(() =>
      new Webhook(SECRET).verify(body, { ...headers, [name]: value } as Record<string, string>),
    ).toThrow()
  expect(() => new Webhook(NEXT_SECRET).verify(body, headers as Record<string, string>)).toThrow()
})

test('signs with each secret of a list, so that one can be changed without a gap', async () => {
  const { receiver, send } = await posting(saying(200), 5_000, `${SECRET}, ${NEXT_SECRET}`)
  await send()
  const [request] = receiver.requests
  for (const secret of [SECRET, NEXT_SECRET])
    new Webhook(secret).verify(request?.body ?? '', request?.headers as Record<string, string>)
})

describe('an answer', () => {
  test.each([
    [400, true],
    [401, true],
    [404, true],
    [408, false],
    [410, true],
    [422, true],
    [425, false],
    [429, false],
    [500, false],
    [503, false],
    [304, false],
  ])('of %i is permanent: %s', async (status, isPermanent) => {
    const { send } = await posting(saying(status, status === 304 ? '' : 'because'))
    const error = await failureOf(send())
    expect(error).toMatchObject({ isPermanent, mayHaveArrived: false })
    expect(error.message).toContain(String(status))
  })

  test('that redirects is not followed', async () => {
    const other = await openReceiver(saying(200))
    open.push(other)
    for (const status of [301, 302, 303, 307, 308]) {
      const { send } = await posting(saying(status, '', { Location: other.url }))
      const error = await failureOf(send())
      expect(error.isPermanent).toBe(false)
      expect(error.message).toContain('not followed')
    }
    expect(other.requests).toEqual([])
  })

  test('that never ends is cut, and its status counts', async () => {
    const { send } = await posting(response => {
      response.writeHead(200)
      const drip = setInterval(() => response.write('x'.repeat(10_000)), 1)
      response.on('close', () => clearInterval(drip))
    })
    const begun = performance.now()
    const { reply } = await send()
    expect(reply.length).toBeLessThan(300)
    expect(performance.now() - begun).toBeLessThan(2_000)
  })

  test('whose body hangs counts by its status at the time-out', async () => {
    const { send } = await posting(response => void response.writeHead(200).write('almost'), 300)
    expect((await send()).reply).toBe('200 almost')
  })

  test('that breaks off after its status counts', async () => {
    const { send } = await posting(response => {
      response.writeHead(200, { 'Content-Length': '100' }).write('part')
      setTimeout(() => response.destroy(), 50)
    })
    expect((await send()).reply).toBe('200 part')
  })

  test('whose body cannot be read counts by its status', async () => {
    const { send } = await speaking('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nZZ\r\n')
    expect((await send()).reply).toBe('200')
  })

  test('that changes to another protocol is none, and is told of at once', async () => {
    const { send } = await speaking(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    )
    expect(await failureOf(send())).toMatchObject({ isPermanent: false, mayHaveArrived: true })
  })

  test('that never comes is given up in time, and may have been a yes', async () => {
    const { send } = await posting(() => {}, 300)
    const begun = performance.now()
    const error = await failureOf(send())
    expect(error).toMatchObject({ isPermanent: false, mayHaveArrived: true })
    expect(performance.now() - begun).toBeLessThan(1_500)
  })

  test('that is a hang-up after the request may have been a yes', async () => {
    const { send } = await posting(response => void response.destroy())
    expect(await failureOf(send())).toMatchObject({ isPermanent: false, mayHaveArrived: true })
  })
})

test('where nobody listens, or nobody speaks TLS, nothing can have arrived', async () => {
  const receiver = await openReceiver(saying(200))
  await receiver.close()
  const keys = webhookKeys(SECRET)
  const nobody = createWebhookTransport({ url: receiver.url, keys })
  expect(await failureOf(nobody.send(mail))).toMatchObject({ isPermanent: false, mayHaveArrived: false })

  let heard = ''
  const plain = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', chunk => {
      heard += chunk.toString('latin1')
      socket.end('HTTP/1.1 200 OK\r\n\r\n')
    })
  })
  await new Promise<void>(resolve => plain.listen(0, '127.0.0.1', resolve))
  const { port } = plain.address() as { port: number }
  const secure = createWebhookTransport({ url: `https://127.0.0.1:${port}/`, keys })
  expect(await failureOf(secure.send(mail))).toMatchObject({ isPermanent: false, mayHaveArrived: false })
  expect(heard).not.toContain('481920')
  plain.close()
})

test.each([
  ['http://mail.example.com/send', 'not https'],
  ['ftp://127.0.0.1/', 'not https'],
  ['http://127.0.0.1.evil.example/', 'not https'],
  ['https://user:pass@mail.example.com/', 'user or password'],
  ['https://mail.example.com/#x', 'after #'],
  ['mail.example.com', 'not a URL'],
])('the URL %s is refused', (url, problem) => {
  expect(() => parseWebhookUrl(url)).toThrow(problem)
  expect(() => parseWebhookUrl(url)).not.toThrow('pass@')
})

test.each(['https://mail.example.com/a?b=c', 'http://localhost:1/x', 'http://127.0.0.1/', 'http://[::1]:1/'])(
  'the URL %s is taken',
  url => {
    expect(parseWebhookUrl(url).href).toBe(new URL(url).href)
  },
)
