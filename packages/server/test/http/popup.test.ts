import { afterAll, beforeAll, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { PUBLIC_URL, type TestServer, testServer } from '../setup/server.ts'
import { APP_BACK, appOf, browse, S256 } from './browser.ts'

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server, { redirectUrls: ['https://app.example/back', 'com.example.app:/back'] })
})
afterAll(() => server.stop())

const pathOf = (more: Record<string, string>) =>
  `/sign-in?${new URLSearchParams({ key: app.publishableKey, redirectUrl: APP_BACK, state: 'st', ...more })}`

async function look(path: string, cookie = '') {
  const answer = await server.ostiary.app.request(`${PUBLIC_URL}${path}`, { headers: { Cookie: cookie } })
  const text = await answer.text()
  const [, data] = /data-popup="([^"]*)"/.exec(text) ?? []
  return {
    status: answer.status,
    policy: answer.headers.get('cross-origin-opener-policy'),
    csp: answer.headers.get('content-security-policy') ?? '',
    text,
    data: data === undefined ? null : JSON.parse(data.replaceAll('&quot;', '"').replaceAll('&#39;', "'")),
  }
}

test('asked for, and bound by a verifier, it keeps its opener and knows one origin', async () => {
  const popup = await look(pathOf({ display: 'popup', codeChallenge: S256 }))
  expect(popup).toMatchObject({ status: 200, policy: 'unsafe-none' })
  expect(popup.data.origin).toBe('https://app.example')
  // Nothing else is looser than on the page that stands alone.
  const page = await look(pathOf({ codeChallenge: S256 }))
  const strip = (csp: string) => csp.replaceAll(/nonce-[\w-]+/g, 'nonce')
  expect(strip(popup.csp)).toBe(strip(page.csp))
  for (const [tag] of popup.text.matchAll(/<script\b[^>]*>/g)) expect(tag).toContain('nonce="')
})

const PAGES: [name: string, path: () => string][] = [
  ['nobody asked for a popup', () => pathOf({ codeChallenge: S256 })],
  ['another display', () => pathOf({ codeChallenge: S256, display: 'touch' })],
  ['no verifier', () => pathOf({ display: 'popup' })],
  [
    'an app of a private-use scheme',
    () => pathOf({ display: 'popup', codeChallenge: S256, redirectUrl: 'com.example.app:/back' }),
  ],
  [
    'a redirectUrl that the app did not list',
    () => pathOf({ display: 'popup', codeChallenge: S256, redirectUrl: 'https://evil.example/back' }),
  ],
  ['an unknown key', () => pathOf({ display: 'popup', codeChallenge: S256, key: 'opk_test_nobody' })],
  ['two of them', () => `${pathOf({ display: 'popup', codeChallenge: S256 })}&display=popup`],
]
test.each(PAGES)('%s: out of reach of whoever opened it', async (_, path) => {
  const page = await look(path())
  expect(page.policy).toBe('same-origin')
  expect(page.data).toBeNull()
})

test('goes on with its action, which leads nowhere; a page that stands alone does not', async () => {
  const begun = await server.ostiary.app.request(`${PUBLIC_URL}/client/v1/actions`, {
    method: 'POST',
    headers: {
      Authorization: `Bearer ${app.publishableKey}`,
      'Content-Type': 'application/json',
      'Sec-Fetch-Site': 'same-origin',
    },
    body: JSON.stringify({ state: 'st', codeChallenge: S256 }),
  })
  const cookie = begun.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const current = await browse(server, 'GET', '/client/v1/actions/current', undefined, {
    headers: { Cookie: cookie, 'Sec-Fetch-Site': 'same-origin' },
  })
  expect(current.body.redirectTo).toBeNull()
  const action: string = current.body.id
  const isResumed = async (more: Record<string, string>) =>
    (await look(pathOf({ ...more, action }), cookie)).text.includes(` action="${action}"`)
  expect(await isResumed({ display: 'popup', codeChallenge: S256 })).toBe(true)
  expect(await isResumed({ display: 'popup', codeChallenge: S256, state: 'other' })).toBe(false)
  expect(await isResumed({ display: 'popup', codeChallenge: 'A'.repeat(43) })).toBe(false)
  expect(await isResumed({ codeChallenge: S256 })).toBe(false)
})
