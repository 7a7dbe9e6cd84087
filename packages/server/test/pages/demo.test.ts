import { createHash } from 'node:crypto'
import { beforeEach, describe, expect, it } from 'vitest'
import { demoApp } from '../../src/http/dev/demo.ts'

const apiUrl = 'http://localhost:4545'
const secretKey = 'osk_test_thesecretkey'
const soon = new Date(Date.now() + 600_000).toISOString()

const challenge = {
  id: 'chl_01kamr0001e8fbhtzq3vw5xj7p',
  to: 'jane@example.com',
  codeLength: 6,
  tag: 'KFR',
  expiresAt: soon,
  resendAt: soon,
  sendsLeft: 2,
  attemptsLeft: 5,
}
const user = { id: 'usr_1', name: null, email: 'jane@example.com', phone: null }
const session = { id: 'ses_1', methods: ['emailCode'], amr: ['otp'], authTime: soon, expiresAt: soon }
const jwt = (claims: object) => `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.sig`
const tokens = (accessToken: string, refreshToken: string) => ({
  accessToken,
  accessTokenExpiresAt: soon,
  refreshToken,
  refreshTokenExpiresAt: soon,
})
const access = jwt({ sub: 'usr_1', sid: 'ses_1', exp: 1_795_247_164 })
const verified = { challenge, user, isNewUser: true, session, tokens: tokens(access, 'ort_first') }

type Reply = [status: number, body: object | null] | 'down'

/** Stands in for Ostiary: answers by path, keeps what it was asked. */
let replies: Record<string, Reply>
let asked: { path: string; body: Record<string, unknown>; headers: Headers }[]

const fakeFetch: typeof fetch = async (input, init) => {
  const request = new Request(input, init)
  const path = new URL(request.url).pathname
  asked.push({ path, body: JSON.parse(await request.text()), headers: request.headers })
  const reply = replies[path] ?? [404, { code: 'not_found', detail: 'There is no such thing here' }]
  if (reply === 'down') throw new TypeError('fetch failed')
  return new Response(reply[1] && JSON.stringify(reply[1]), { status: reply[0] })
}

/** A browser: keeps cookies, sends forms, follows nothing. */
function browser() {
  const app = demoApp({ apiUrl, secretKey, publishableKey: async () => 'opk_test_key', fetch: fakeFetch })
  const jar = new Map<string, string>()
  const go = async (path: string, init: RequestInit = {}) => {
    const headers = new Headers(init.headers)
    if (jar.size > 0) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    const response = await app.request(`${apiUrl}${path}`, { ...init, headers })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }
  const post = (
    path: string,
    form: Record<string, string> = {},
    headers: Record<string, string> = { 'sec-fetch-site': 'same-origin' },
  ) => go(path, { method: 'POST', body: new URLSearchParams(form), headers })
  const begin = () => post('/demo/send', { address: 'jane@example.com' })
  const enter = async () => {
    await begin()
    return post('/demo/verify', { code: '123456' })
  }
  const text = async (path: string) => (await go(path)).text()
  return { go, post, begin, enter, text, jar }
}

beforeEach(() => {
  asked = []
  replies = {
    '/v1/challenges': [201, challenge],
    [`/v1/challenges/${challenge.id}/verify`]: [200, verified],
    '/v1/challenges/verify': [200, verified],
    [`/v1/challenges/${challenge.id}/resend`]: [200, { ...challenge, sendsLeft: 1, earlierCodes: 'valid' }],
    '/v1/sessions/verify': [200, { isActive: true, session, user }],
    '/v1/sessions/refresh': [200, { session, user, tokens: tokens(access, 'ort_second') }],
    '/v1/sessions/ses_1/revoke': [200, session],
  }
})

describe('signing in', () => {
  it('asks for an address, sends it, and then asks for the code', async () => {
    const { begin, text } = browser()
    expect(await text('/')).toContain('name="address"')
    const response = await begin()
    expect([response.status, response.headers.get('location')]).toEqual([303, '/'])
    const page = await text('/')
    expect(page).toContain('autocomplete="one-time-code"')
    expect(page.match(/<input/g)).toHaveLength(1)
    expect(page).not.toContain('maxlength')
    for (const said of [
      'jane@example.com',
      'KFR',
      '6 digits',
      'Other address',
      `/dev/inbox#${challenge.id}`,
      challenge.resendAt,
    ]) {
      expect(page).toContain(said)
    }
  })

  it('sends address, redirect and a PKCE challenge whose verifier stays in an HttpOnly cookie', async () => {
    const { begin, go } = browser()
    const cookies = (await begin()).headers.getSetCookie()
    expect(cookies).toHaveLength(1)
    expect(cookies[0]).toMatch(/HttpOnly/)
    expect(cookies[0]).toMatch(/SameSite=Lax/)
    const [sent] = asked
    expect(sent?.headers.get('authorization')).toBe(`Bearer ${secretKey}`)
    expect(sent?.body).toMatchObject({
      to: 'jane@example.com',
      credential: 'codeAndLink',
      redirectUrl: `${apiUrl}/demo/callback`,
    })
    await go('/demo/callback?token=oht_x')
    const { codeVerifier, challengeId, linkToken } = asked.at(-1)?.body ?? {}
    expect(createHash('sha256').update(String(codeVerifier)).digest('base64url')).toBe(
      sent?.body.codeChallenge,
    )
    expect([challengeId, linkToken]).toEqual([challenge.id, 'oht_x'])
  })

  it('takes the code and keeps the tokens in HttpOnly cookies', async () => {
    const { enter, text } = browser()
    const response = await enter()
    expect(asked.at(-1)?.body).toMatchObject({ code: '123456' })
    const cookies = response.headers.getSetCookie().filter(line => /access|refresh/.test(line))
    expect(cookies).toHaveLength(2)
    for (const line of cookies) expect(line).toMatch(/Path=\/.*HttpOnly.*SameSite=Lax/)
    const page = await text('/')
    for (const said of [
      'You are signed in',
      'Your account was made just now',
      'usr_1',
      'ses_1',
      'emailCode',
      'jane@example.com',
      '1795247164',
    ]) {
      expect(page).toContain(said)
    }
  })

  it('takes the link in the browser that asked for it', async () => {
    const { begin, go, text } = browser()
    await begin()
    expect((await go('/demo/callback?token=oht_x')).status).toBe(303)
    expect(await text('/')).toContain('You are signed in')
  })

  it('does not spend a link that was opened in another browser, or by a HEAD', async () => {
    const other = await browser().go('/demo/callback?token=oht_x')
    expect(other.status).toBe(400)
    expect(await other.text()).toContain('This browser did not ask for it')
    const { begin, go } = browser()
    await begin()
    await go('/demo/callback?token=oht_x', { method: 'HEAD' })
    expect(asked.map(({ path }) => path)).not.toContain('/v1/challenges/verify')
  })

  it('sends again and says whether the earlier codes still work', async () => {
    const { begin, post, text } = browser()
    await begin()
    await post('/demo/resend')
    expect(await text('/')).toContain('The codes before it still work')
    expect(await text('/')).not.toContain('The codes before it still work')
  })

  it('goes back to the address on request', async () => {
    const { begin, post, text } = browser()
    await begin()
    await post('/demo/start-over')
    expect(await text('/')).toContain('name="address"')
  })

  it('brings whoever reloads the answer to a form back to their step', async () => {
    const { begin, go } = browser()
    await begin()
    expect((await go('/demo/verify')).headers.get('location')).toBe('/')
  })
})

describe('refusals', () => {
  const wrong = { code: 'code_incorrect', detail: 'x', attemptsLeft: 1, requestId: 'req_1' }

  it('says that a code is wrong and how many attempts are left, and keeps the person at the code', async () => {
    const { begin, post } = browser()
    await begin()
    replies[`/v1/challenges/${challenge.id}/verify`] = [400, wrong]
    const response = await post('/demo/verify', { code: '000000' })
    const page = await response.text()
    expect(response.status).toBe(400)
    for (const said of [
      'That is not the code',
      'One attempt is left.',
      'code_incorrect',
      'req_1',
      'role="alert"',
      'aria-describedby="trouble"',
      'name="code"',
    ]) {
      expect(page).toContain(said)
    }
  })

  it('begins again with the same address when the challenge is over', async () => {
    const { begin, post, text } = browser()
    await begin()
    replies[`/v1/challenges/${challenge.id}/verify`] = [409, { code: 'attempts_exhausted', detail: 'x' }]
    const page = await (await post('/demo/verify', { code: '000000' })).text()
    expect(page).toContain('No attempt is left')
    expect(page).toContain('value="jane@example.com"')
    expect(await text('/')).toContain('name="address"')
  })

  it('says when to try again', async () => {
    replies['/v1/challenges'] = [429, { code: 'rate_limited', detail: 'x', retryAfterSeconds: 42 }]
    expect(await (await browser().begin()).text()).toContain('Try again in 42 seconds.')
  })

  it('shows the detail of a refusal that it has no words for, as text', async () => {
    replies['/v1/challenges'] = [400, { code: 'brand_new', detail: '<script>alert(1)</script>' }]
    const page = await (await browser().begin()).text()
    expect(page).toContain('&lt;script&gt;alert(1)')
    expect(page).not.toContain('<script>alert')
  })

  it('says that Ostiary does not answer, and keeps the session meanwhile', async () => {
    const { enter, text, jar } = browser()
    await enter()
    replies['/v1/sessions/verify'] = 'down'
    expect(await text('/')).toContain('Ostiary did not answer')
    expect([...jar.keys()]).toEqual(expect.arrayContaining(['demo_access', 'demo_refresh']))
  })

  it('shows hostile text of an address as text', async () => {
    replies['/v1/challenges'] = [201, { ...challenge, to: '"><script>alert(1)</script>' }]
    const { begin, text } = browser()
    await begin()
    expect(await text('/')).not.toContain('<script>alert')
  })

  it('takes a damaged cookie for none', async () => {
    const { go } = browser()
    const page = await (
      await go('/', { headers: { cookie: 'demo_pending=bm90IGpzb24; demo_note=%00' } })
    ).text()
    expect(page).toContain('name="address"')
  })
})

describe('the session', () => {
  it('is refreshed when it is not active, with a key that makes two at once one', async () => {
    const { enter, go, jar } = browser()
    await enter()
    replies['/v1/sessions/verify'] = [200, { isActive: false, session: null, user: null }]
    const [one, two] = await Promise.all([go('/demo/me'), go('/demo/me')])
    expect(await one.json()).toMatchObject({ isSignedIn: true, user, session, claims: { sub: 'usr_1' } })
    expect(two.status).toBe(200)
    const keys = asked
      .filter(({ path }) => path === '/v1/sessions/refresh')
      .map(({ headers }) => headers.get('idempotency-key'))
    expect(keys).toHaveLength(2)
    expect(keys[0]).toBe(keys[1])
    expect(keys[0]).not.toContain('ort_')
    expect(jar.get('demo_refresh')).toBe('ort_second')
  })

  it('ends when the refresh is refused', async () => {
    const { enter, go, jar } = browser()
    await enter()
    replies['/v1/sessions/verify'] = [200, { isActive: false, session: null, user: null }]
    replies['/v1/sessions/refresh'] = [401, { code: 'refresh_invalid', detail: 'x' }]
    expect(await (await go('/demo/me')).json()).toEqual({ isSignedIn: false })
    expect([...jar.keys()].filter(name => name !== 'demo_note')).toEqual([])
  })

  it('is revoked at Ostiary by signing out', async () => {
    const { enter, post, text } = browser()
    await enter()
    replies['/v1/sessions/ses_1/revoke'] = [204, null]
    await post('/demo/sign-out')
    expect(asked.map(({ path }) => path)).toContain('/v1/sessions/ses_1/revoke')
    expect(await text('/')).toContain('You are signed out')
  })

  it('stays when it could not be revoked, and says so', async () => {
    const { enter, post, jar } = browser()
    await enter()
    replies['/v1/sessions/ses_1/revoke'] = [503, { code: 'unavailable', detail: 'x' }]
    expect(await (await post('/demo/sign-out')).text()).toContain('You are still signed in')
    expect(jar.has('demo_refresh')).toBe(true)
  })
})

describe('what others may do', () => {
  const PATHS = ['/demo/send', '/demo/verify', '/demo/resend', '/demo/start-over', '/demo/sign-out']

  it.each(PATHS)('%s takes no form of another site', async path => {
    const { post, begin } = browser()
    await begin()
    asked = []
    for (const headers of [
      { 'sec-fetch-site': 'cross-site', origin: apiUrl },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'http://localhost:3000' },
      { origin: 'null' },
      {},
    ] as Record<string, string>[]) {
      expect((await post(path, {}, headers)).status).toBe(403)
    }
    expect(asked).toEqual([])
    expect((await post(path, {}, { origin: apiUrl })).status).not.toBe(403)
  })

  it('never shows the secret key or a token', async () => {
    const { begin, enter, text } = browser()
    const pages = [await text('/')]
    await begin()
    pages.push(await text('/'))
    await enter()
    pages.push(await text('/'), await text('/demo/me'))
    for (const page of pages) {
      expect(page).not.toContain(secretKey)
      expect(page).not.toContain('ort_first')
      expect(page).not.toContain(access)
    }
    expect(pages[0]).toContain('$OSTIARY_SECRET_KEY')
  })

  it('meets pages with a strict policy, nothing inline, and every file is there', async () => {
    const { go } = browser()
    const response = await go('/')
    const csp = response.headers.get('content-security-policy') ?? ''
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "form-action 'self'",
      "frame-ancestors 'none'",
    ]) {
      expect(csp).toContain(part)
    }
    expect(csp).not.toContain('unsafe')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const page = await response.text()
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*src=)/)
    for (const file of ['/demo/demo.css', '/demo/demo.js']) {
      expect(page).toContain(`"${file}"`)
      expect((await go(file)).status).toBe(200)
    }
  })

  it('leaves all other routes of the server alone', async () => {
    expect((await browser().go('/v1/challenges')).status).toBe(404)
  })
})

describe('the element', () => {
  const begun = async () => {
    const visitor = browser()
    const page = await visitor.text('/')
    return { ...visitor, page, state: visitor.jar.get('demo_state') ?? '' }
  }

  it('stands in the page with the key, the way back and a state that only this browser has', async () => {
    const { page, state } = await begun()
    expect(page).toContain('<ostiary-sign-in key="opk_test_key"')
    expect(page).toContain(`redirect-url="${apiUrl}/demo/callback"`)
    expect(state).toMatch(/^[\w-]{22}$/)
    expect(page).toContain(`state="${state}"`)
    expect((await begun()).state).not.toBe(state)
  })

  it('brings a result, which the backend redeems once', async () => {
    replies['/v1/actions/validate'] = [200, { isValid: true, user, session, tokens: tokens(access, 'ort_1') }]
    const { go, jar, state } = await begun()
    const path = `/demo/callback?token=oht_result&state=${state}`
    await go(path, { method: 'HEAD' })
    expect(asked).toEqual([])
    const answer = await go(path)
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    expect(asked.map(({ path, body }) => [path, body])).toEqual([
      ['/v1/actions/validate', { token: 'oht_result', action: 'signIn', context: {} }],
    ])
    expect(jar.get('demo_access')).toBe(access)
    expect(jar.has('demo_state')).toBe(false)
  })

  it('brings nothing in where another browser began, or the result is refused', async () => {
    replies['/v1/actions/validate'] = [400, { code: 'token_invalid', detail: 'Too late' }]
    const { go, jar, state } = await begun()
    expect((await go('/demo/callback?token=oht_result&state=other')).status).toBe(400)
    expect(asked).toEqual([])
    const refused = await go(`/demo/callback?token=oht_result&state=${state}`)
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('<ostiary-sign-in')
    expect(jar.has('demo_access')).toBe(false)
    const cancelled = await go(`/demo/callback?error=cancelled&state=${state}`)
    expect(cancelled.headers.get('location')).toBe('/')
  })
})
