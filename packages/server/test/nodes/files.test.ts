import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, inject, it } from 'vitest'
import { admin } from '../setup/postgres-server.ts'
import { testServer } from '../setup/server.ts'

/** Promise 5 for PostgreSQL: what was handed out stands in no file of the server in clear, its log of writes included. */
it.runIf(inject('postgresFolder') !== '')(
  'codes, tokens and keys stand in no file of PostgreSQL',
  async () => {
    const server = await testServer()
    const ask = { credential: 'codeAndLink', redirectUrl: 'http://localhost:3000/cb' }
    const sent = await server.post('/v1/challenges', { to: 'ada@x.test', ...ask, state: 'a planted state' })
    const { code, link } = await server.message({ challengeId: sent.body.id })
    const { body } = await server.post(`/v1/challenges/${sent.body.id}/verify`, { code })
    const again = await server.post(
      '/v1/sessions/refresh',
      { refreshToken: body.tokens.refreshToken },
      { 'Idempotency-Key': 'kept and sealed' },
    )
    const strong = await server.post('/v1/challenges', { to: 'ada@x.test' })
    await server.post(`/v1/challenges/${strong.body.id}/resend`)
    await server.ostiary.drain()
    await admin(server.database, client => client.query('CHECKPOINT'))

    const secrets = [
      server.key,
      server.liveKey,
      /olk_[\w-]+/.exec(link)?.[0] ?? '',
      body.tokens.refreshToken,
      body.tokens.accessToken,
      again.body.tokens.refreshToken,
      again.body.tokens.accessToken,
    ]
    expect(secrets.every(secret => secret.length > 20)).toBe(true)
    const found = filesWith(['a planted state', ...secrets])
    expect(found.has('a planted state')).toBe(true)
    expect([...found].filter(text => text !== 'a planted state')).toEqual([])
    await server.stop()
  },
)

/** Which of the texts stand somewhere in the server's files. */
function filesWith(texts: readonly string[]): Set<string> {
  const folder = inject('postgresFolder')
  const found = new Set<string>()
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const path = join(folder, name)
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) continue
    const bytes = readFileSync(path)
    for (const text of texts) if (bytes.includes(text)) found.add(text)
  }
  return found
}
