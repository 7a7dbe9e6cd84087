import { describe, expect, it } from 'vitest'
import { providerOf } from '../../../src/core/passkeys/providers.ts'
import {
  passkeyObstacle,
  relatedOrigins,
  relyingParty,
  relyingPartyFaults,
} from '../../../src/core/passkeys/relying-party.ts'
import { DEFAULTS, type Settings } from '../../../src/core/settings/settings.ts'

const PUBLIC_URL = 'https://login.example.org'
const passkey = (own: Partial<Settings['passkey']>) => ({ ...DEFAULTS.passkey, ...own })
const settings = (own: Partial<Settings['passkey']> = {}) => ({ ...DEFAULTS, passkey: passkey(own) })

describe('the relying party', () => {
  it('is the host of the public URL and the name of the brand', () => {
    expect(relyingParty(settings(), PUBLIC_URL, [])).toEqual({
      rpId: 'login.example.org',
      rpName: 'My app',
      origins: [PUBLIC_URL],
    })
    expect(relyingParty(settings(), 'http://localhost:4545/', [])).toMatchObject({
      rpId: 'localhost',
      origins: ['http://localhost:4545'],
    })
  })
  it('is what the settings say, with the origins of the app and the related ones', () => {
    const own = settings({ rpId: 'example.org', rpName: 'Example', relatedOrigins: ['https://example.net'] })
    expect(relyingParty(own, PUBLIC_URL, ['https://app.example.org', PUBLIC_URL])).toEqual({
      rpId: 'example.org',
      rpName: 'Example',
      origins: [PUBLIC_URL, 'https://app.example.org', 'https://example.net'],
    })
  })
})

describe('the rp id of the settings', () => {
  it.each([
    ['login.example.org', [], true],
    ['example.org', [], true],
    ['app.example.net', ['https://app.example.net'], true],
    ['example.net', ['https://app.example.net:8443'], true],
    ['evil.example', [], false],
    ['ample.org', [], false],
    ['a.login.example.org', [], false],
    ['example.net', [], false],
  ])('%s beside %j: %s', (rpId, appOrigins, isRight) => {
    const faults = relyingPartyFaults(passkey({ rpId }), PUBLIC_URL, appOrigins)
    expect(faults.map(({ path }) => path)).toEqual(isRight ? [] : ['passkey.rpId'])
  })
  it('may be the host of a related origin', () => {
    const own = passkey({ rpId: 'example.net', relatedOrigins: ['https://www.example.net'] })
    expect(relyingPartyFaults(own, PUBLIC_URL, [])).toEqual([])
  })
  it('is no IP address', () => {
    const faults = relyingPartyFaults(passkey({ rpId: '192.0.2.1' }), 'https://192.0.2.1', [])
    expect(faults).toMatchObject([{ path: 'passkey.rpId', code: 'invalid_format' }])
  })
  it.each([
    'https://example.net/',
    'https://example.net/path',
    'https://example.net:443',
    'https://EXAMPLE.net',
    'https://a@example.net',
  ])('a related origin is an origin as browsers send it: not %s', origin => {
    const faults = relyingPartyFaults(
      passkey({ relatedOrigins: ['https://example.com', origin] }),
      PUBLIC_URL,
      [],
    )
    expect(faults).toMatchObject([{ path: 'passkey.relatedOrigins.1', code: 'invalid_format' }])
  })
})

describe('passkeys cannot be made', () => {
  it.each([
    ['https://login.example.org', null],
    ['http://localhost:4545', null],
    ['http://app.localhost:4545', null],
    ['http://login.example.org', 'notHttps'],
    ['https://192.0.2.1', 'ipAddress'],
    ['http://127.0.0.1:4545', 'ipAddress'],
    ['https://[2001:db8::1]', 'ipAddress'],
    ['http://notlocalhost', 'notHttps'],
  ])('%s: %s', (publicUrl, obstacle) => {
    expect(passkeyObstacle(publicUrl)).toBe(obstacle)
  })
})

describe('related origins', () => {
  it('are those of all environments, live ones first, each once', () => {
    const view = (mode: 'test' | 'live', origins: string[]) =>
      ({ environment: { mode }, settings: settings({ relatedOrigins: origins }) }) as never
    expect(
      relatedOrigins([
        view('test', ['https://a.example', 'https://b.example']),
        view('live', ['https://b.example']),
        view('live', ['https://c.example']),
      ]),
    ).toEqual(['https://b.example', 'https://c.example', 'https://a.example'])
  })
})

describe('the name of a provider', () => {
  it('is found by the AAGUID, or is null', () => {
    expect(providerOf('ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4')).toBe('Google Password Manager')
    for (const unknown of [null, '', '00000000-0000-0000-0000-000000000000', '__proto__', 'constructor'])
      expect(providerOf(unknown)).toBeNull()
  })
})
