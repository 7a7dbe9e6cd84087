import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  type Client,
  type ClientOptions,
  codeChallengeOf,
  createClient,
  createCodeVerifier,
  OstiaryClientError,
} from '../src/browser.ts'
import { type Double, startDouble } from './setup/double.ts'

let double: Double
beforeAll(async () => {
  double = await startDouble()
})
afterAll(() => double.close())
beforeEach(() => {
  double.faults = {}
  double.calls = []
})

function client(options: Partial<ClientOptions> = {}): Client {
  return createClient({
    server: `${double.url}/`,
    key: 'opk_test_1',
    repeatAfterMs: 1,
    pollEveryMs: 20,
    ...options,
  })
}

const failureOf = async (call: Promise<unknown>) => {
  const error = await call.then(
    () => null,
    error => error,
  )
  if (!(error instanceof OstiaryClientError)) throw new Error(`not refused: ${error}`)
  return error
}
const countOf = (name: string) => double.calls.filter(call => call.name === name).length

describe('the client', () => {
  it('begins with the key and goes on with the token, which nobody else sees', async () => {
    const own = client()
    await own.begin({ redirectUrl: 'https://app.example/back', state: 's1' })
    await own.identify('ada@example.com')
    expect(double.calls).toEqual([
      {
        name: 'POST begin',
        body: { redirectUrl: 'https://app.example/back', state: 's1' },
        authorization: 'Bearer opk_test_1',
      },
      { name: 'POST identify', body: { to: 'ada@example.com' }, authorization: 'Bearer oat_token' },
    ])
    expect(JSON.stringify(own)).not.toContain('oat_token')
  })

  it('sends no Authorization where the cookie speaks', async () => {
    await client({ key: null })
      .current()
      .catch(() => null)
    expect(double.calls[0]?.authorization).toBeNull()
  })

  it('throws the refusal with what the caller needs next', async () => {
    const own = client()
    await own.begin()
    await own.identify('ada@example.com')
    await own.send('emailCode')
    const wrong = await failureOf(own.verify('000000'))
    expect(wrong).toMatchObject({ code: 'code_incorrect', attemptsLeft: 4, requestId: 'req_test' })
    if (wrong.failure.code === 'code_incorrect') {
      const left: number = wrong.failure.attemptsLeft
      expect(left).toBe(4)
    }
    double.faults.resend = { refuse: { status: 429, code: 'rate_limited', retryAfterSeconds: 7 } }
    expect(await failureOf(own.resend())).toMatchObject({ code: 'rate_limited', retryAfterSeconds: 7 })
  })

  it.each([
    ['identify', (own: Client) => own.identify('ada@example.com')],
    ['current', (own: Client) => own.current()],
  ] as const)('asks for a lost answer of %s again, once', async (name, call) => {
    const own = client()
    await own.begin()
    const method = name === 'current' ? 'GET' : 'POST'
    double.faults[name] = { loseAnswer: true, times: 1 }
    await call(own)
    expect(countOf(`${method} ${name}`)).toBe(2)
    double.faults[name] = { loseAnswer: true }
    expect((await failureOf(call(own))).code).toBe('network_failed')
    expect(countOf(`${method} ${name}`)).toBe(4)
  })

  it.each([
    ['send', (own: Client) => own.send('emailCode')],
    ['resend', (own: Client) => own.resend()],
    ['verify', (own: Client) => own.verify('000000')],
    ['finish', (own: Client) => own.finish()],
    ['cancel', (own: Client) => own.cancel()],
    ['validate', (own: Client) => own.validate('oht_1', 'verifier')],
  ] as const)('never repeats %s by itself', async (name, call) => {
    const own = client()
    await own.begin()
    await own.identify('ada@example.com')
    if (name !== 'send') await own.send('emailCode')
    double.calls = []
    double.faults[name] = { loseAnswer: true }
    expect((await failureOf(call(own))).code).toBe('network_failed')
    expect(countOf(`POST ${name}`)).toBe(1)
  })

  it('does not repeat what was refused', async () => {
    const own = client()
    await own.begin()
    double.faults.identify = { refuse: { status: 429, code: 'rate_limited' } }
    expect((await failureOf(own.identify('ada@example.com'))).retryAfterSeconds).toBe(60)
    expect(countOf('POST identify')).toBe(1)
  })

  it('gives up in time, and when it is told to', async () => {
    double.faults.begin = { delayMs: 400 }
    expect((await failureOf(client({ timeoutMs: 50 }).begin())).code).toBe('timed_out')
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 30)
    expect((await failureOf(client().begin({}, { signal: abort.signal }))).code).toBe('aborted')
  })

  it('tells what is not Ostiary from a refusal', async () => {
    const fetch = async () => new Response('<h1>Bad gateway</h1>', { status: 502 })
    const error = await failureOf(client({ fetch }).begin())
    expect(error).toMatchObject({ code: 'answer_unreadable', failure: { status: 502 } })
  })

  it('takes cookies along for apps with a public refresh, and for nobody else', async () => {
    const sent: (RequestCredentials | undefined)[] = []
    const fetch = async (_: unknown, init?: RequestInit) => {
      sent.push(init?.credentials)
      return Response.json({ accessToken: 'x', accessTokenExpiresAt: '2026-01-01T00:00:00.000Z' })
    }
    for (const publicRefresh of [true, false]) {
      const own = client({ publicRefresh, fetch: fetch as typeof globalThis.fetch })
      await own.validate('oht_1', 'v'.repeat(43))
      await own.current()
    }
    await client({ publicRefresh: true, fetch: fetch as typeof globalThis.fetch }).refresh()
    expect(sent).toEqual(['include', 'same-origin', 'same-origin', 'same-origin', 'include'])
  })

  it('validates with the key: the page that the redirect comes back to has nothing else', async () => {
    await client().validate('oht_1', 'v'.repeat(43))
    expect(double.calls[0]).toEqual({
      name: 'POST validate',
      body: { token: 'oht_1', codeVerifier: 'v'.repeat(43) },
      authorization: 'Bearer opk_test_1',
    })
  })
})

describe('the news of an action', () => {
  const next = async (news: AsyncGenerator<unknown>) => (await news.next()).value

  it('come as a stream, the present state first, and an abort ends it', async () => {
    const own = client({ pollEveryMs: 60_000 })
    await own.begin()
    const abort = new AbortController()
    const news = own.watch(abort.signal)
    expect(await next(news)).toEqual({ state: 'CHALLENGE_REQUIRED', step: 'identify' })
    const coming = next(news)
    await until(() => double.streams.size === 1)
    double.move({ step: 'approve' })
    expect(await coming).toEqual({ state: 'CHALLENGE_REQUIRED', step: 'approve' })
    const last = failureOf(news.next())
    abort.abort()
    expect((await last).code).toBe('aborted')
    await until(() => double.streams.size === 0)
  })

  it('are not lost between the first asking and the stream', async () => {
    double.faults.events = { delayMs: 80 }
    const own = client({ pollEveryMs: 60_000 })
    await own.begin()
    const abort = new AbortController()
    const news = own.watch(abort.signal)
    await next(news)
    const coming = next(news)
    setTimeout(() => double.move({ step: 'approve' }), 30)
    expect(await coming).toMatchObject({ step: 'approve' })
    abort.abort()
  })

  it('come by asking where there is no stream', async () => {
    double.faults.events = { refuse: { status: 404, code: 'not_found' } }
    const own = client()
    await own.begin()
    const abort = new AbortController()
    const news = own.watch(abort.signal)
    await next(news)
    const coming = next(news)
    setTimeout(() => double.move({ step: 'done', state: 'CHALLENGE_SUCCEEDED' }), 50)
    expect(await coming).toMatchObject({ step: 'done' })
    abort.abort()
  })

  it('come by asking where a proxy holds the stream back', async () => {
    double.faults.events = { delayMs: 5000 }
    const own = client({ silenceMs: 60 })
    await own.begin()
    const abort = new AbortController()
    const news = own.watch(abort.signal)
    await next(news)
    const coming = next(news)
    setTimeout(() => double.move({ step: 'link' }), 30)
    expect(await coming).toMatchObject({ step: 'link' })
    abort.abort()
  })

  it('pass over lost answers, and end with a refusal', async () => {
    double.faults.events = { refuse: { status: 429, code: 'rate_limited' } }
    const own = client()
    await own.begin()
    const news = own.watch(new AbortController().signal)
    await next(news)
    const coming = failureOf(news.next())
    double.faults.current = { refuse: { status: 503, code: 'unavailable' } }
    await new Promise(resolve => setTimeout(resolve, 100))
    double.faults.current = { refuse: { status: 401, code: 'unauthorized' } }
    expect((await coming).code).toBe('unauthorized')
  })
})

describe('PKCE', () => {
  it('makes a verifier and its S256 challenge (RFC 7636)', async () => {
    const verifier = createCodeVerifier()
    expect(verifier).toMatch(/^[A-Za-z0-9_-]{43}$/)
    expect(createCodeVerifier()).not.toBe(verifier)
    expect(await codeChallengeOf(verifier)).toBe(createHash('sha256').update(verifier).digest('base64url'))
    // The example of RFC 7636, appendix B.
    expect(await codeChallengeOf('dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk')).toBe(
      'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    )
  })
})

async function until(isTrue: () => boolean): Promise<void> {
  for (let round = 0; round < 200 && !isTrue(); round++) await new Promise(resolve => setTimeout(resolve, 10))
  if (!isTrue()) throw new Error('it did not come')
}
