import { createHash } from 'node:crypto'
import { expect } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { type Answer, answerOf, PUBLIC_URL, type TestServer } from '../setup/server.ts'

/** Where an app's own pages are, and where they want to be led back to. */
export const APP_ORIGIN = 'https://app.example'
export const APP_BACK = 'https://app.example/back?own=1'
export const VERIFIER = 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk'
export const S256 = createHash('sha256').update(VERIFIER).digest('base64url')

export interface Ask {
  bearer?: string | null
  headers?: Record<string, string>
  /** The address of the peer: without one, limits by address do not count. */
  ip?: string
}

/** A call as a browser makes it. */
export async function browse(
  server: TestServer,
  method: string,
  path: string,
  body?: unknown,
  { bearer = null, headers = {}, ip }: Ask = {},
): Promise<Answer> {
  const response = await server.ostiary.app.request(
    `${PUBLIC_URL}${path}`,
    {
      method,
      headers: {
        ...(bearer !== null && { Authorization: `Bearer ${bearer}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    },
    ip === undefined ? {} : { incoming: { socket: { remoteAddress: ip } } },
  )
  return await answerOf(response)
}

/** An app of an environment, with a page of its own. */
export async function appOf(server: TestServer, more: object = {}, key = server.key): Promise<App> {
  const asked = { name: 'Shop', redirectUrls: ['https://app.example/back'], origins: [APP_ORIGIN], ...more }
  const answer = await server.call('POST', '/v1/apps', asked, { key })
  expect(answer.status, JSON.stringify(answer.body)).toBe(201)
  return answer.body
}

/** One browser at work on one action. */
export interface Tab {
  id: string
  token: string
  get(path: string): Promise<Answer>
  post(path: string, body?: unknown): Promise<Answer>
}

export function tabOf(server: TestServer, id: string, token: string, ask: Ask = {}): Tab {
  const call = (method: string, path: string, body?: unknown) =>
    browse(server, method, `/client/v1/actions/${path}`, body, { ...ask, bearer: token })
  return { id, token, get: path => call('GET', path), post: (path, body = {}) => call('POST', path, body) }
}

/** Begins on a page of the app: the tab holds its token in memory. */
export async function begin(
  server: TestServer,
  app: App,
  body: object = { redirectUrl: APP_BACK, state: 'st' },
  ask: Ask = {},
): Promise<Tab> {
  const headers = { Origin: APP_ORIGIN, ...ask.headers }
  const begun = await browse(server, 'POST', '/client/v1/actions', body, {
    ...ask,
    headers,
    bearer: app.publishableKey,
  })
  expect(begun.status, JSON.stringify(begun.body)).toBe(201)
  return tabOf(server, begun.body.id, begun.body.token, ask)
}

/** Tells the address and starts a method; the mail that went out (null for a decoy). */
export async function sendTo(server: TestServer, tab: Tab, to: string, method = 'emailCode') {
  expect((await tab.post('identify', { to })).status).toBe(200)
  const sent = await tab.post('send', { method })
  expect(sent.status, JSON.stringify(sent.body)).toBe(200)
  return await server.message({ to })
}

/** Signs in by a code: the answer to the last proof. */
export async function prove(server: TestServer, tab: Tab, to: string): Promise<Answer> {
  const { code } = await sendTo(server, tab, to)
  return await tab.post('verify', { code })
}

/** The browser on Ostiary's own pages: works by cookie. */
export async function hosted(
  server: TestServer,
  app: App,
  body: object = { redirectUrl: APP_BACK },
  device = '',
) {
  const headers = { 'Sec-Fetch-Site': 'same-origin', ...(device !== '' && { Cookie: device }) }
  const begun = await browse(server, 'POST', '/client/v1/actions', body, {
    bearer: app.publishableKey,
    headers,
  })
  expect(begun, JSON.stringify(begun.body)).toMatchObject({ status: 201, body: { token: null } })
  const cookie = cookieOf(begun, '__Host-ostiary-action')
  const jar = [cookie, device].filter(one => one !== '').join('; ')
  const call = (method: string, path: string, sent?: unknown) =>
    browse(server, method, `/client/v1/actions/${path}`, sent, { headers: { ...headers, Cookie: jar } })
  return {
    id: begun.body.id as string,
    cookie,
    setCookie: begun.headers.get('set-cookie') ?? '',
    get: (path: string) => call('GET', path),
    post: (path: string, sent: unknown = {}) => call('POST', path, sent),
  }
}

/** A cookie that an answer set, as a browser sends it back. */
export function cookieOf(answer: Pick<Response, 'headers'>, name: string): string {
  const set = answer.headers.getSetCookie().find(one => one.startsWith(`${name}`))
  return set?.split(';')[0] ?? ''
}

/** The name of the cookie in which Ostiary's pages keep the device token of an environment. */
export const deviceCookieOf = async ({ ostiary }: TestServer, slug = 'test'): Promise<string> =>
  `__Host-ostiary-device-${(await ostiary.deps.directory.bySlug(slug))?.environment.id}`

/** A link page in some browser: what it holds, and its press. */
export async function openLink(server: TestServer, link: string, cookie = '') {
  const { pathname } = new URL(link)
  const request = async (method: string, headers: Record<string, string>, body?: string) =>
    await server.ostiary.app.request(`${PUBLIC_URL}${pathname}`, {
      method,
      headers,
      ...(body !== undefined && { body }),
    })
  const page = await request('GET', cookie === '' ? {} : { Cookie: cookie })
  const text = await page.text()
  const press = cookieOf(page, '__Host-ostiary-press')
  const jar = [cookie, press].filter(one => one !== '').join('; ')
  return {
    status: page.status,
    text,
    csp: page.headers.get('content-security-policy') ?? '',
    jar,
    async press(number?: string, headers: Record<string, string> = { 'Sec-Fetch-Site': 'same-origin' }) {
      const form = { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: jar, ...headers }
      const answer = await request('POST', form, number === undefined ? '' : `number=${number}`)
      const { status, headers: told } = answer
      return { status, headers: told, location: told.get('location'), text: await answer.text() }
    },
  }
}
