import { createServer, type Socket } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface Sink {
  url: string
  /** The mails that were taken whole, parsed, each with the envelope that it came in. */
  mails: { email: Email; raw: string; from: string; to: string[] }[]
  connections(): number
  close(): Promise<void>
}

/** A real SMTP server on loopback that keeps what it takes. */
export async function openSink(own: SMTPServerOptions = {}, scheme = 'smtp'): Promise<Sink> {
  const mails: Sink['mails'] = []
  let connections = 0
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    onConnect(_session, done) {
      connections++
      done()
    },
    onData(stream, session, done) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', async () => {
        const raw = Buffer.concat(chunks).toString()
        const { mailFrom, rcptTo } = session.envelope
        mails.push({
          email: await PostalMime.parse(raw),
          raw,
          from: mailFrom ? mailFrom.address : '',
          to: rcptTo.map(({ address }) => address),
        })
        done(null, 'queued as 4711')
      })
    },
    ...own,
  })
  // A client that walks away in the middle is part of the tests.
  server.on('error', () => {})
  const port = await new Promise<number>(resolve => {
    const listening = server.listen(0, '127.0.0.1', () =>
      resolve((listening.address() as { port: number }).port),
    )
  })
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    mails,
    connections: () => connections,
    close: () => new Promise(resolve => server.close(() => resolve())),
  }
}

/** A server that speaks as the test says: for hangs, drips and broken connections. */
export async function openScripted(
  speak: (socket: Socket) => void,
): Promise<{ url: string; close(): Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    speak(socket)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `smtp://127.0.0.1:${(server.address() as { port: number }).port}`,
    close: () =>
      new Promise(resolve => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}

/** An SMTP error with a reply code, for the hooks of smtp-server. */
export function refusal(code: number, text: string): Error {
  return Object.assign(new Error(text), { responseCode: code })
}
