import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { keepSigningKeys } from '../../src/core/environments/bootstrap.ts'
import { createOstiary, type Ostiary } from '../../src/main.ts'
import type { DatabaseClock } from '../../src/store/postgres/transactions.ts'
import { handDatabaseClock } from '../setup/hand-clock.ts'
import { type FreshDatabase, freshDatabase } from '../setup/postgres.ts'
import { type Answer, answerOf, type HandClock, handClock, PUBLIC_URL } from '../setup/server.ts'
import { newKey } from './key.ts'

/** Secrets and signing keys are changed while two nodes serve; nobody who signs in notices. */

const [OLD, NEW] = [
  'the secret that is to go, with 32 bytes or more',
  'the secret that comes, with 32 bytes or more',
]

let database: FreshDatabase
let clock: HandClock
let nodes: Ostiary[]
let key: string
let databaseClock: DatabaseClock

const start = async (secrets: string[]) => {
  const node = await createOstiary({
    publicUrl: PUBLIC_URL,
    secrets,
    database: database.url,
    clock,
    databaseClock,
  })
  node.start()
  return node
}

beforeEach(async () => {
  database = await freshDatabase()
  clock = handClock()
  databaseClock = handDatabaseClock()
  nodes = [await start([OLD]), await start([OLD])]
  key = await newKey(nodes[0] as Ostiary)
})
afterEach(async () => {
  await Promise.all(nodes.map(node => node.stop()))
  await database.drop()
})

/** A call to one of the nodes, by lot. */
async function call(method: string, path: string, body?: unknown): Promise<Answer> {
  const node = nodes[Math.floor(Math.random() * nodes.length)] as Ostiary
  const response = await node.app.request(`${PUBLIC_URL}${path}`, {
    method,
    headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  })
  return await answerOf(response)
}

async function ok(method: string, path: string, body?: unknown): Promise<Answer['body']> {
  const answer = await call(method, path, body)
  if (answer.status >= 300)
    throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body
}

let people = 0
async function signIn(): Promise<{ refreshToken: string; accessToken: string }> {
  const { id } = await ok('POST', '/v1/challenges', { to: `p${people++}@x.test` })
  const { data } = await ok('GET', `/v1/messages?challengeId=${id}`)
  await pause(Math.random() * 20)
  const { tokens } = await ok('POST', `/v1/challenges/${id}/verify`, { code: data[0].code })
  const again = await ok('POST', '/v1/sessions/refresh', { refreshToken: tokens.refreshToken })
  expect(await ok('POST', '/v1/sessions/verify', { accessToken: again.tokens.accessToken })).toMatchObject({
    isActive: true,
  })
  return again.tokens
}

/** Signs people in, some at once, until told to stop; what went wrong. */
function load(): { stop(): Promise<{ done: number; faults: unknown[] }> } {
  let isOver = false
  let done = 0
  const faults: unknown[] = []
  const lines = Array.from({ length: 6 }, async () => {
    while (!isOver) {
      await signIn().then(
        () => done++,
        fault => faults.push(fault),
      )
    }
  })
  return {
    async stop() {
      isOver = true
      await Promise.all(lines)
      return { done, faults }
    },
  }
}

/** A rolling deploy: each node is replaced by one that is ready before the old one stops taking calls. */
async function deploy(secrets: string[]): Promise<void> {
  for (const index of nodes.keys()) {
    const old = nodes[index] as Ostiary
    nodes[index] = await start(secrets)
    await pause(200)
    await old.stop()
    await pause(100)
  }
}

it('OSTIARY_SECRET is rotated in three deploys under load, and no sign-in is lost', async () => {
  const early = await signIn()
  const running = load()
  await pause(300)
  await deploy([OLD, NEW])
  await deploy([NEW, OLD])
  for (const node of nodes)
    for (const { environment } of await node.deps.directory.all())
      await keepSigningKeys(node.deps, environment.id)
  const { done, faults } = await running.stop()
  expect(faults).toEqual([])
  expect(done).toBeGreaterThan(10)
  // Codes that were sent under the old secret are over by now.
  clock.advance(11 * 60_000)
  await deploy([NEW])
  await signIn()
  await ok('POST', '/v1/sessions/refresh', { refreshToken: early.refreshToken })
}, 60_000)

it('signing keys are rotated by one of two nodes under load, and each token is good on the other', async () => {
  const kids = new Set<string>()
  for (const ahead of [91 * 24 * 60, 30, 45, 24 * 60]) {
    // Between two loads: what was under way while time jumps would be too old.
    clock.advance(ahead * 60_000)
    const running = load()
    await Promise.all(
      nodes.map(async node => {
        for (const { environment } of await node.deps.directory.all())
          await keepSigningKeys(node.deps, environment.id)
      }),
    )
    await pause(300)
    const { done, faults } = await running.stop()
    expect(faults).toEqual([])
    expect(done).toBeGreaterThan(0)
    const { accessToken } = await signIn()
    kids.add(JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString()).kid)
    const { keys } = await ok('GET', '/e/test/.well-known/jwks.json')
    expect(keys.map((one: { kid: string }) => one.kid)).toEqual(expect.arrayContaining([...kids].slice(-1)))
  }
  expect(kids.size).toBe(2)
  const rotations = await ok('GET', '/v1/events?type=signing_key.rotated')
  expect(rotations.data).toHaveLength(1)
}, 60_000)
