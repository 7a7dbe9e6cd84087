import { DatabaseSync, StatementSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { buildWorld, codeOf, fresh, later, mailbox, send, type World } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'

/**
 * Promise 12: what is missing or broken is answered from a closed table of refusals, never by a yes and never by an
 * error that nobody thought of; and when it is mended, what was asked for is still to be had, once.
 */
let server: TestServer
let world: World
beforeAll(async () => {
  const box = mailbox()
  server = await testServer({ transport: box })
  world = await buildWorld(server, box, 'test')
})
afterAll(async () => {
  await server.ostiary.drain()
  const found = (await server.violations()).filter(line => !line.startsWith('content is wiped'))
  await server.stop()
  expect(found).toEqual([])
})

type Call = readonly [method: string, path: string, body?: unknown]

/** Makes SQLite fail as a disk does, for the statements that `isHit` picks. */
function failing(isHit: (sql: string) => boolean): () => void {
  const { get, all, run } = StatementSync.prototype
  const { exec } = DatabaseSync.prototype
  const fail = () => {
    throw Object.assign(new Error('disk I/O error: planted-secret'), {
      code: 'ERR_SQLITE_ERROR',
      errcode: 10,
    })
  }
  for (const [name, original] of Object.entries({ get, all, run }))
    Object.assign(StatementSync.prototype, {
      [name](this: StatementSync, ...values: never[]) {
        return isHit(this.sourceSQL) ? fail() : (original as (...all: never[]) => unknown).apply(this, values)
      },
    })
  DatabaseSync.prototype.exec = function (sql) {
    return isHit(sql) ? fail() : exec.call(this, sql)
  }
  return () => {
    Object.assign(StatementSync.prototype, { get, all, run })
    DatabaseSync.prototype.exec = exec
  }
}

const READS = /^\s*SELECT/i
const WRITES = /^\s*(INSERT|UPDATE|DELETE)/i

interface Fault {
  /** Breaks it; what it returns mends it. */
  begin(): Promise<() => void> | (() => void)
  /** Status and code of every call that needs what is broken. */
  answers: string[]
  /** Only calls that write need it. */
  spares?: 'reads'
}

/** A row of the database changed behind the server's back, until it is mended. */
async function withoutRow(sql: string): Promise<() => void> {
  await server.ostiary.drain()
  const db = new DatabaseSync(await server.snapshot())
  const table = /signing_keys|apps/.exec(sql)?.[0] ?? ''
  const rows = db.prepare(`SELECT * FROM ${table}`).all()
  db.exec(`PRAGMA foreign_keys = OFF; ${sql}`)
  server.ostiary.deps.directory.forget()
  return () => {
    db.exec(`PRAGMA foreign_keys = OFF; DELETE FROM ${table}`)
    for (const row of rows)
      db.prepare(
        `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.keys(row).map(() => '?')})`,
      ).run(...Object.values(row))
    db.close()
    server.ostiary.deps.directory.forget()
  }
}

const FAULTS: Record<string, Fault> = {
  'every read fails': {
    begin() {
      server.ostiary.deps.directory.forget()
      return failing(sql => READS.test(sql))
    },
    answers: ['503 unavailable'],
  },
  'every write fails': {
    begin: () => failing(sql => WRITES.test(sql)),
    answers: ['503 unavailable', '503 outcome_unknown'],
    spares: 'reads',
  },
  'no transaction begins': {
    begin: () => failing(sql => /^BEGIN/.test(sql)),
    answers: ['503 unavailable'],
    spares: 'reads',
  },
  'the commit fails': {
    begin: () => failing(sql => /^COMMIT/.test(sql)),
    answers: ['503 outcome_unknown'],
    spares: 'reads',
  },
  'the clock is a minute behind': {
    begin() {
      const now = server.clock.now()
      server.clock.set(now - 60_000)
      return () => server.clock.set(now)
    },
    answers: ['503 unavailable'],
    spares: 'reads',
  },
  'the signing key is of a secret that is missing': {
    begin: () =>
      withoutRow(
        "UPDATE signing_keys SET sealed_private_jwk = 'missing1' || substr(sealed_private_jwk, 9), id = id || 'x'",
      ),
    answers: ['503 unavailable'],
  },
  'the directory is empty': {
    begin: () => withoutRow('UPDATE apps SET is_default = 0'),
    // A key of no environment is nobody's; a page or a key set of none is not there.
    answers: ['401 unauthorized', '404 not_found', '404 '],
  },
}

/** Every call that decides something, and one of each kind that only reads; each with what it needs made ready. */
const CALLS: Record<string, { isRead?: true; ready: () => Promise<Call> }> = {
  'send a challenge': { ready: async () => ['POST', '/v1/challenges', { to: fresh() }] },
  'verify the right code': {
    ready: async () => {
      const { id } = await send(server, { to: fresh() })
      return ['POST', `/v1/challenges/${id}/verify`, { code: await codeOf(server, id) }]
    },
  },
  'verify a link': {
    ready: async () => {
      const asked = {
        to: fresh(),
        credential: 'link',
        redirectUrl: 'http://localhost:3000/cb',
        linkVia: 'app',
      }
      const { id } = await send(server, asked)
      const { link } = await server.message({ challengeId: id })
      return ['POST', '/v1/challenges/verify', { linkToken: new URL(link).searchParams.get('token') }]
    },
  },
  'send again': {
    ready: async () => {
      const { id } = await send(server, { to: fresh() })
      await later(server, 31_000)
      return ['POST', `/v1/challenges/${id}/resend`, {}]
    },
  },
  'open a session': {
    ready: async () => {
      const { id } = await send(server, { to: fresh(), session: false })
      await server.post(`/v1/challenges/${id}/verify`, { code: await codeOf(server, id) })
      return ['POST', '/v1/sessions', { challengeId: id }]
    },
  },
  'refresh a session': {
    ready: async () => {
      const { refreshToken } = (await server.signIn(fresh())).body.tokens
      return ['POST', '/v1/sessions/refresh', { refreshToken }]
    },
  },
  'revoke a session': {
    ready: async () => ['POST', `/v1/sessions/${(await server.signIn(fresh())).body.session.id}/revoke`, {}],
  },
  'block a user': {
    ready: async () => ['POST', `/v1/users/${(await server.signIn(fresh())).body.user.id}/block`, {}],
  },
  'make an API key': { ready: async () => ['POST', '/v1/api-keys', { name: 'a', scopes: ['read'] }] },
  'change a setting': { ready: async () => ['PATCH', '/v1/settings', { brand: { name: fresh() } }] },
  'press a link': {
    ready: async () => {
      const { id } = await send(server, {
        to: fresh(),
        credential: 'link',
        redirectUrl: 'http://localhost:3000/cb',
      })
      return ['POST', new URL((await server.message({ challengeId: id })).link).pathname]
    },
  },
  'be ready': { ready: async () => ['GET', '/readyz'] },
  'read a user': { isRead: true, ready: async () => ['GET', `/v1/users/${world.userId}`] },
  'list events': { isRead: true, ready: async () => ['GET', '/v1/events'] },
  'read a session': { isRead: true, ready: async () => ['GET', `/v1/sessions/${world.sessionId}`] },
  'read the key set': { isRead: true, ready: async () => ['GET', '/e/test/.well-known/jwks.json'] },
}

const ask = ([method, path, body]: Call) =>
  server.call(method, path, body, { headers: { 'Sec-Fetch-Site': 'same-origin' } })

describe.each(Object.entries(FAULTS))('while %s', (fault, { begin, answers, spares }) => {
  const needed = Object.entries(CALLS).filter(
    ([name, { isRead }]) =>
      !(isRead && spares === 'reads') &&
      // Readiness asks whether the store takes a transaction, not for the directory; a link of an environment that is not there is no link.
      !(name === 'be ready' && /directory|signing|every write/.test(fault)),
  )
  test.each(needed)('[103] [160] nobody may %s, and afterwards it can be done', async (name, { ready }) => {
    await later(server, 61_000)
    const call = await ready()
    await server.ostiary.drain()
    const mend = await begin()
    let refused: Awaited<ReturnType<typeof ask>>
    try {
      refused = await ask(call)
    } finally {
      mend()
    }
    const told = `${refused.status} ${refused.body?.code ?? ''}`
    expect(answers, `${name}: ${told}`).toContain(told)
    expect(JSON.stringify(refused.body)).not.toMatch(/planted-secret|SQL|sqlite|disk/i)
    if (refused.status === 503) expect(refused.headers.get('retry-after')).toBe('1')
    const done = await ask(call)
    expect(done.status, JSON.stringify(done.body)).toBeLessThan(400)
  })
})

test('[103] a wrong answer while writes fail is not judged, and does not become free', async () => {
  const { id } = await send(server, { to: fresh() })
  const mend = await FAULTS['every write fails']?.begin()
  for (let round = 0; round < 8; round++)
    expect((await server.post(`/v1/challenges/${id}/verify`, { code: 'x' })).status).toBe(503)
  mend?.()
  expect((await server.post(`/v1/challenges/${id}/verify`, { code: 'x' })).body.attemptsLeft).toBe(4)
})

test('[103] a browser that opens a link while the store cannot be read is told so by a page in its language', async () => {
  const { link } = await (async () => {
    const { id } = await send(server, {
      to: fresh(),
      credential: 'link',
      redirectUrl: 'http://localhost:3000/',
    })
    return server.message({ challengeId: id })
  })()
  const headers = { Accept: 'text/html,*/*', 'Accept-Language': 'ar' }
  const ask = () => server.call('GET', new URL(link).pathname, undefined, { key: null, headers })
  const mend = await FAULTS['every read fails']?.begin()
  const refused = await ask()
  mend?.()
  expect(refused.status).toBe(503)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(refused.headers.get('content-security-policy')).toContain("form-action 'none'")
  expect(refused.body).toMatch(/<html lang="ar" dir="rtl">[\s\S]*لا يمكننا الاستجابة الآن[\s\S]*req_/)
  expect(refused.body).not.toMatch(/planted-secret|SQL|sqlite|disk|<form/i)
  expect((await ask()).body).toContain('<form')
})

test('[103] a check of an access token is refused, not answered by no, while the store cannot be read', async () => {
  const { accessToken } = (await server.signIn(fresh())).body.tokens
  for (const fault of ['every read fails', 'the clock is a minute behind']) {
    const mend = await FAULTS[fault]?.begin()
    const { status, body } = await server.post('/v1/sessions/verify', { accessToken })
    mend?.()
    expect(`${status} ${body.code}`, fault).toBe('503 unavailable')
  }
  expect((await server.post('/v1/sessions/verify', { accessToken })).body.isActive).toBe(true)
})

test('[104] a server does not start while a row needs a secret that is not there', async () => {
  const its = await testServer()
  await expect(
    its.reopen({ secrets: ['another secret of more than 32 bytes, all of them'] }),
  ).rejects.toThrow(/OSTIARY_SECRET lacks a secret/)
})
