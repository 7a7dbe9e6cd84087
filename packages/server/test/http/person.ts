import { expect } from 'vitest'
import { CLIENT_ENDPOINTS } from '../../src/http/routes.ts'
import type { Answer, TestServer } from '../setup/server.ts'
import { type Ask, browse } from './browser.ts'

/** A person who is signed in, at `/client/v1/me`. */
export interface Person {
  to: string
  userId: string
  sessionId: string
  accessToken: string
  get(path?: string, ask?: Ask): Promise<Answer>
  post(path: string, body?: unknown, ask?: Ask): Promise<Answer>
}

export const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0'
export const HOME = { ipAddress: '198.51.100.7', userAgent: FIREFOX }

/** Signs in by the API, from where `context` says. */
export async function signedIn(
  server: TestServer,
  to: string,
  context: object = HOME,
  key = server.key,
): Promise<Person> {
  const sent = await server.call('POST', '/v1/challenges', { to, context }, { key })
  expect(sent.status, JSON.stringify(sent.body)).toBe(201)
  const { code } = await server.message({ challengeId: sent.body.id })
  const answer = await server.call(
    'POST',
    `/v1/challenges/${sent.body.id}/verify`,
    { code, context },
    { key },
  )
  expect(answer.status, JSON.stringify(answer.body)).toBe(200)
  return personOf(server, to, answer)
}

export function personOf(server: TestServer, to: string, { body }: Answer): Person {
  const { accessToken } = body.tokens
  async function ask(method: string, path: string, sent: unknown, more: Ask): Promise<Answer> {
    const whole = `/client/v1/me${path === '' ? '' : `/${path}`}`
    const answer = await browse(server, method, whole, sent, { bearer: accessToken, ...more })
    const endpoint = CLIENT_ENDPOINTS.find(one => one.path === whole && one.method === method)
    // Every documented field and no other.
    if (answer.status < 300) expect(endpoint?.answer?.parse(answer.body)).toEqual(answer.body)
    return answer
  }
  return {
    to,
    userId: body.user.id,
    sessionId: body.session.id,
    accessToken,
    get: (path = '', more = {}) => ask('GET', path, undefined, more),
    post: (path, sent = {}, more = {}) => ask('POST', path, sent, more),
  }
}

/** Asks for a code for a further address; what the answer and the mail say. */
export async function beginAddress(server: TestServer, person: Person, to: string) {
  const begun = await person.post('identifiers', { to })
  expect(begun.status, JSON.stringify(begun.body)).toBe(201)
  const challengeId: string = begun.body.challengeId
  return { challengeId, code: (await server.message({ challengeId })).code, answer: begun }
}

/** Adds an address, whole. */
export async function addAddress(server: TestServer, person: Person, to: string): Promise<void> {
  const { challengeId, code } = await beginAddress(server, person, to)
  const added = await person.post('identifiers/verify', { challengeId, code })
  expect(added.status, JSON.stringify(added.body)).toBe(200)
}

/** The security notices that went to an address, newest first. */
export async function noticesTo(server: TestServer, to: string): Promise<Answer['body'][]> {
  await server.ostiary.drain()
  const { body } = await server.get(`/v1/messages?to=${encodeURIComponent(to)}&limit=100`)
  return body.data.filter((one: { notice: string | null }) => one.notice !== null)
}
