import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

// An app whose own page holds the sign-in element. The element proves who is there; this backend redeems the result.
const {
  OSTIARY_URL = 'http://localhost:4545',
  OSTIARY_SECRET_KEY,
  OSTIARY_PUBLISHABLE_KEY,
  PORT = '3000',
} = process.env
const page = readFileSync(new URL('index.html', import.meta.url), 'utf8')
  .replaceAll('OSTIARY_URL', OSTIARY_URL)
  .replaceAll('OSTIARY_PUBLISHABLE_KEY', OSTIARY_PUBLISHABLE_KEY ?? '')

createServer(async (request, response) => {
  if (request.method === 'GET' && request.url === '/') {
    response.writeHead(200, { 'Content-Type': 'text/html; charset=utf-8' }).end(page)
  } else if (request.method === 'POST' && request.url === '/session') {
    // JSON from our own page: a form of another site cannot send this content type.
    if (request.headers['content-type'] !== 'application/json') return response.writeHead(415).end()
    const { token } = JSON.parse(Buffer.concat(await request.toArray()).toString())
    const answer = await fetch(new URL('/v1/actions/validate', OSTIARY_URL), {
      method: 'POST',
      headers: {
        Authorization: `Bearer ${OSTIARY_SECRET_KEY}`,
        'Content-Type': 'application/json',
        'Idempotency-Key': crypto.randomUUID(),
      },
      body: JSON.stringify({ token, action: 'signIn' }),
    })
    const { user, tokens } = await answer.json()
    const headers = { 'Content-Type': 'application/json' }
    if (!tokens) return response.writeHead(401, headers).end('{}')
    // The session stays in a cookie that no script reads; the page learns only who it is.
    const cookie = `access=${tokens.accessToken}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600`
    response.writeHead(200, { ...headers, 'Set-Cookie': cookie }).end(JSON.stringify({ email: user.email }))
  } else response.writeHead(404).end('Not found')
}).listen(Number(PORT), 'localhost', () => console.log(`http://localhost:${PORT}`))
