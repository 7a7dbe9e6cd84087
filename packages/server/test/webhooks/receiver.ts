import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { Webhook } from 'standardwebhooks'

export interface Received {
  path: string
  headers: IncomingHttpHeaders
  body: string
  at: number
}

/** A real HTTP server on loopback that keeps what it is posted and answers as the test says at that moment. */
export interface FaultyReceiver {
  url: string
  port: number
  requests: Received[]
  /** How it answers from now on. */
  answer: (response: ServerResponse) => void
  /** Stops listening, and begins again on the same port. */
  down(): Promise<void>
  up(): Promise<void>
  /** The payloads whose signature the library of Standard Webhooks takes, in order. Throws at the first it does not. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever was posted
  verified(secret: string): any[]
  close(): Promise<void>
}

export const ok = (response: ServerResponse) => void response.writeHead(200).end('thanks')
export const saying =
  (status: number, words = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(words)
/** Takes everything and never answers. */
export const silence = () => {}
/** Answers 200 with a body that never ends. */
export const endless = (response: ServerResponse) => {
  response.writeHead(200)
  const timer = setInterval(() => response.write('x'.repeat(16_384)), 2)
  response.on('close', () => clearInterval(timer))
  response.on('error', () => clearInterval(timer))
}

export async function openFaultyReceiver(answer: FaultyReceiver['answer'] = ok): Promise<FaultyReceiver> {
  let port = 0
  const requests: Received[] = []
  const newServer = () =>
    createServer(async (request, response) => {
      const chunks: Buffer[] = []
      try {
        for await (const chunk of request) chunks.push(chunk)
      } catch {
        return
      }
      const { url = '', headers } = request
      requests.push({ path: url, headers, body: Buffer.concat(chunks).toString(), at: Date.now() })
      receiver.answer(response)
    })
  let server = newServer()
  const listen = () => new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  const close = () =>
    new Promise<void>(resolve => {
      server.closeAllConnections()
      server.close(() => resolve())
    })
  await listen()
  port = (server.address() as { port: number }).port
  const receiver: FaultyReceiver = {
    url: `http://127.0.0.1:${port}/hook`,
    port,
    requests,
    answer,
    down: close,
    async up() {
      server = newServer()
      await listen()
    },
    verified: secret => requests.map(({ headers, body }) => verifyAt(secret, headers, body)),
    close,
  }
  return receiver
}

/** What `standardwebhooks` makes of a request, as if it were the moment at which it was signed. */
export function verifyAt(secret: string, headers: IncomingHttpHeaders, body: string): unknown {
  const realNow = Date.now
  const signedAt = Number(headers['webhook-timestamp']) * 1000
  Date.now = () => signedAt
  const RealDate = globalThis.Date
  // The library judges by the real clock; a test moves its own.
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args) => Reflect.construct(target, args.length === 0 ? [signedAt] : args),
  })
  try {
    return new Webhook(secret).verify(body, headers as Record<string, string>)
  } finally {
    globalThis.Date = RealDate
    Date.now = realNow
  }
}
