import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Listening, listen } from '../../src/http/server.ts'
import { type TestServer, testServer } from '../setup/server.ts'

const PORT = 45_871
let server: TestServer
let listening: Listening
beforeAll(async () => {
  server = await testServer()
  listening = await listen(server.ostiary.fetch, PORT, ['127.0.0.1'])
})
afterAll(async () => {
  await listening.close(0)
  await server.stop()
})

/** Sends bytes and reads until the server closes. */
async function talk(text: string): Promise<string> {
  const socket = connect(PORT, '127.0.0.1')
  let answer = ''
  socket.on('data', chunk => {
    answer += chunk
  })
  socket.end(text)
  await once(socket, 'close')
  return answer
}

test('answers over a socket as it does without one, and names neither server nor version', async () => {
  const answer = await talk('GET /v1/users HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  expect(answer).toMatch(/^HTTP\/1\.1 401 /)
  expect(answer).toMatch(/\r\nrequest-id: req_/i)
  expect(answer).toMatch(/\r\nwww-authenticate: Bearer\r\n/i)
  expect(answer).not.toMatch(/\r\n(server|x-powered-by|via):/i)
  expect(answer).not.toMatch(/node|hono|ostiary\/\d/i)
})

test('a body without a length is read to its bound', async () => {
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  const answer = await talk(
    `POST /v1/challenges HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ${server.key}\r\n` +
      `Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(2)}0\r\n\r\n`,
  )
  expect(answer).toMatch(/^HTTP\/1\.1 413 /)
  expect(answer).toContain('body_too_large')
})

test.each([
  ['TRACE', '/v1/users'],
  ['PURGE', '/v1/users'],
  ['GET', '/nothing'],
])('%s %s is no error of ours', async (method, path) => {
  const answer = await talk(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`)
  expect(answer).toMatch(/^HTTP\/1\.1 4\d\d /)
})
