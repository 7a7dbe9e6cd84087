import { once } from 'node:events'
import { connect } from 'node:net'

export interface Answer {
  status: number
  body: string
}

/** One keep-alive connection that carries one request at a time. */
export interface Connection {
  post(path: string, body: string): Promise<Answer>
  close(): void
}

/**
 * Speaks just enough HTTP/1.1 for the bench. `node:http` as a client costs more than a bare server, and on two cores the
 * generator would be what is measured.
 */
export async function openConnection(port: number, secretKey: string): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  const head = `Host: localhost:${port}\r\nAuthorization: Bearer ${secretKey}\r\nContent-Type: application/json\r\n`
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
    post: (path, body) =>
      new Promise((resolve, reject) => {
        waiting = { resolve, reject }
        socket.write(`POST ${path} HTTP/1.1\r\n${head}Content-Length: ${body.length}\r\n\r\n${body}`)
      }),
    close: () => void socket.destroy(),
  }
}

/** The answer, once all of it is there. Bodies are ASCII and have a length. */
function readAnswer(text: string): Answer | null {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return null
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1]
  if (length === undefined) throw new Error(`an answer has no length: ${text.slice(0, end)}`)
  const body = text.slice(end + 4)
  return body.length < Number(length) ? null : { status: Number(text.slice(9, 12)), body }
}
