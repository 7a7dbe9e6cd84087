import { expect } from 'vitest'
import type { Transport } from '../../src/core/ports.ts'
import { startSecondNode } from '../setup/second-node.ts'
import {
  type Answer,
  answerOf,
  isOnPostgres,
  PUBLIC_URL,
  SECRET,
  type TestServer,
  testServer,
} from '../setup/server.ts'

export const CROWD = 200
export const REDIRECT = 'http://localhost:3000/welcome'

const transport: Transport = {
  name: 'sink',
  timeoutMs: 1000,
  send: async () => ({ reply: '250 OK' }),
  close: async () => {},
}

/** A server whose limits let a crowd through, so that what is tested is the race and not them. */
export async function openToCrowds(): Promise<TestServer> {
  const server = await testServer({ transport })
  const many = 100_000
  const patched = await server.call('PATCH', '/v1/settings', {
    limits: {
      sendsPerAddress: { hour: many, day: many },
      sendsPerAddressUntold: { minute: many, hour: many },
    },
  })
  expect(patched.status).toBe(200)
  return isOnPostgres ? await withSecondNode(server) : server
}

/** On PostgreSQL a second process serves half of the calls, by lot: what decides a race is the database alone. */
async function withSecondNode(server: TestServer): Promise<TestServer> {
  const node = await startSecondNode({
    database: server.database,
    secret: SECRET,
    publicUrl: PUBLIC_URL,
    now: server.clock.now(),
  })
  let told = server.clock.now()
  const call: TestServer['call'] = async (method, path, body, options = {}) => {
    if (Math.random() < 0.5) return await server.call(method, path, body, options)
    const now = server.clock.now()
    if (now !== told) await node.setClock(now)
    told = now
    const { key = server.key, headers = {} } = options
    const response = await fetch(`${node.url}${path}`, {
      method,
      redirect: 'manual',
      headers: {
        ...(key !== null && { Authorization: `Bearer ${key}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    return await answerOf(response)
  }
  return {
    ...server,
    call,
    post: (path, body = {}, headers = {}) => call('POST', path, body, { headers }),
    get: (path, headers = {}) => call('GET', path, undefined, { headers }),
    async stop() {
      await node.stop()
      await server.stop()
    },
  }
}

/** All calls at once, in an order drawn anew each time. */
export async function crowd(calls: (() => Promise<Answer>)[]): Promise<Answer[]> {
  const order = calls.map((call, index) => ({ call, index, at: Math.random() })).sort((a, b) => a.at - b.at)
  const answers: Answer[] = []
  await Promise.all(
    order.map(async ({ call, index }) => {
      answers[index] = await call()
    }),
  )
  return answers
}

export const times = (count: number, call: (index: number) => Promise<Answer>) =>
  Array.from({ length: count }, (_, index) => () => call(index))

/** How often each outcome came: the status of a success, the code of a refusal. */
export function tally(answers: Answer[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { status, body } of answers) {
    const outcome = body?.code && status >= 400 ? body.code : String(status)
    counts[outcome] = (counts[outcome] ?? 0) + 1
  }
  return counts
}

export const successes = (answers: Answer[]) => answers.filter(({ status }) => status < 300)

/** A challenge with its code and the token of its link. */
export async function send(server: TestServer, to: string, extra: Record<string, unknown> = {}) {
  const sent = await server.post('/v1/challenges', { to, ...extra })
  expect(sent.status).toBe(201)
  const id: string = sent.body.id
  const { code, link } = await server.message({ challengeId: id })
  return { id, code, token: /olk_[\w-]{43}/.exec(link ?? '')?.[0] ?? '' }
}

export const wrongCode = (code: string, index: number) => {
  const wrong = String(index).padStart(code.length, '0')
  return wrong === code ? '9'.repeat(code.length) : wrong
}

/** What every race ends with: all mail is out, and the rows tell no lie. Secrets are what was handed out on the way. */
export async function settle(server: TestServer, secrets: (string | undefined)[] = []): Promise<void> {
  await server.ostiary.drain()
  const planted = [server.key, server.liveKey, ...secrets].filter(one => one !== undefined)
  expect(await server.violations({ secrets: planted })).toEqual([])
}

/** The rows that a query gives, looked at beside the server. */
export async function count(server: TestServer, path: string): Promise<number> {
  const { body } = await server.get(path)
  return body.data.length
}
