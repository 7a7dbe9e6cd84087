import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

// Any file server will do; this one fills in the settings.
const { OSTIARY_URL = 'http://localhost:4545', OSTIARY_PUBLISHABLE_KEY = '', PORT = '3000' } = process.env
const files = {
  '/': ['text/html; charset=utf-8', read('index.html')],
  '/app.js': ['text/javascript', read('app.js')],
  '/settings.js': [
    'text/javascript',
    `export const server = ${JSON.stringify(OSTIARY_URL)}\nexport const key = ${JSON.stringify(OSTIARY_PUBLISHABLE_KEY)}\n`,
  ],
}

createServer((request, response) => {
  const [type, text] = files[new URL(request.url ?? '/', 'http://localhost').pathname] ?? []
  if (!type) return response.writeHead(404).end('Not found')
  response.writeHead(200, { 'Content-Type': type, 'Cache-Control': 'no-store' }).end(text)
}).listen(Number(PORT), 'localhost', () => console.log(`http://localhost:${PORT}`))

function read(name) {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}
