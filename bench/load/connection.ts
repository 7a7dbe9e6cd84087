import { once } from 'node:events'
import { connect } from 'node:net'

export interface Ask {
  method: 'GET' | 'POST' | 'PATCH'
  path: string
  headers?: Record<string, string>
  body?: string
}

export interface Answer {
  status: number
  body: string
  /** `name=value` of each cookie that was set. */
  cookies: string[]
}

/** An answer that was not asked for. */
export class Unexpected extends Error {
  override name = 'Unexpected'
  readonly status: number
  constructor({ status, body }: Answer) {
    super(`answered ${status}: ${body}`)
    this.status = status
  }
}

/** One keep-alive connection that carries one request at a time. */
export interface Connection {
  ask(ask: Ask): Promise<Answer>
  close(): void
}

/**
 * Speaks just enough HTTP/1.1 for the bench. `node:http` as a client costs more than a bare server, and on two cores the
 * generator would be what is measured.
 */
export async function openConnection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let waiting: { resolve(answer: Answer): void; reject(error: Error): void } | null = null
  let text = ''

  socket.setEncoding('latin1')
  socket.on('data', (chunk: string) => {
    text += chunk
    const answer = readAnswer(text)
    if (!answer || !waiting) return
    text = ''
    waiting.resolve(answer)
  })
  socket.on('error', error => waiting?.reject(error))
  socket.on('close', () => waiting?.reject(new Error('the server closed the connection')))

  return {
    ask: ({ method, path, headers = {}, body }) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        let head = `${method} ${path} HTTP/1.1\r\nHost: localhost:${port}\r\n`
        for (const name in headers) head += `${name}: ${headers[name]}\r\n`
        if (body !== undefined) head += `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
        socket.write(`${head}\r\n${body ?? ''}`)
      }),
    close: () => void socket.destroy(),
  }
}

/** The answer, once all of it is there. Bodies are ASCII. */
function readAnswer(text: string): Answer | null {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const head = text.slice(0, end)
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  const rest = text.slice(end + 4)
  const body = length === undefined ? readChunks(head, rest) : rest.length < Number(length) ? null : rest
  if (body === null) return null
  const cookies = [...head.matchAll(/\r\nset-cookie: *([^;\r]+)/gi)].map(([, cookie = '']) => cookie)
  return { status: Number(text.slice(9, 12)), body, cookies }
}

/** A chunked body (RFC 9112 section 7.1), once its last chunk is there. */
function readChunks(head: string, rest: string): string | null {
  if (!/\r\ntransfer-encoding: *chunked/i.test(head)) throw new Error(`an answer has no length: ${head}`)
  let body = ''
  for (let at = 0; ; ) {
    const end = rest.indexOf('\r\n', at)
    if (end < 0) return null
    const length = Number.parseInt(rest.slice(at, end), 16)
    const next = end + 2 + length + 2
    if (rest.length < next) return null
    if (length === 0) return body
    body += rest.slice(end + 2, end + 2 + length)
    at = next
  }
}
