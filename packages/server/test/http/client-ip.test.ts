import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { clientIp, isUnnamedProxy, parseTrustedProxies } from '../../src/http/client-ip.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { fresh, send } from './world.ts'

const TRUSTED = '10.0.0.0/8, 192.0.2.1,2001:db8:ffff::/48'
const proxies = parseTrustedProxies(TRUSTED)
const none = parseTrustedProxies('')

describe('the address of a browser', () => {
  const cases: [
    what: string,
    peer: string | undefined,
    forwarded: string | undefined,
    address: string | null,
  ][] = [
    ['is the peer’s where nothing is forwarded', '203.0.113.7', undefined, '203.0.113.7'],
    ['is the peer’s where the peer is not trusted', '203.0.113.7', '198.51.100.1', '203.0.113.7'],
    ['is the hop that a trusted peer names', '10.1.2.3', '198.51.100.1', '198.51.100.1'],
    [
      'is the right-most hop that is not trusted',
      '10.1.2.3',
      '1.1.1.1, 198.51.100.1, 10.9.9.9, 192.0.2.1',
      '198.51.100.1',
    ],
    ['is folded from its mapped form', '::ffff:10.1.2.3', '::ffff:198.51.100.1', '198.51.100.1'],
    ['is IPv6 behind a trusted IPv6 peer', '2001:db8:ffff::1', '2001:DB8::0001', '2001:db8::1'],
    ['is the last that can be read', '10.1.2.3', '198.51.100.1, garbage', '10.1.2.3'],
    ['is never taken from a port or bracket', '10.1.2.3', '198.51.100.1:443', '10.1.2.3'],
    ['is the first proxy where all are trusted', '10.1.2.3', '10.0.0.1, 10.0.0.2', '10.0.0.1'],
    ['is the peer’s where the header is empty', '10.1.2.3', '', '10.1.2.3'],
    ['is not known where there is no peer', undefined, '198.51.100.1', null],
  ]
  test.each(cases)('%s', (_, peer, forwarded, address) => {
    expect(clientIp(peer, forwarded, proxies)).toBe(address)
  })
  test('cannot be chosen by what a browser puts in front', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string()), { maxLength: 5 }), lies => {
        const header = [...lies, '198.51.100.1'].join(',')
        expect(clientIp('10.1.2.3', header, proxies)).toBe('198.51.100.1')
        expect(clientIp('203.0.113.7', lies.join(','), proxies)).toBe('203.0.113.7')
        expect(clientIp('203.0.113.7', lies.join(','), none)).toBe('203.0.113.7')
      }),
    )
  })
})

describe('TRUSTED_PROXIES', () => {
  test.each([
    '10.0.0.1/',
    '10.0.0.0/33',
    '10.0.0.0/8/8',
    '10.0.0.0/x',
    '10.0.0.0/1e1',
    '::1/129',
    'proxy.example',
    '10.0.0',
    '*',
    '10.0.0.0/-1',
  ])('refuses %s, and names it', entry =>
    expect(() => parseTrustedProxies(`127.0.0.1, ${entry}`)).toThrow(`"${entry}"`),
  )
  test('trusts what it names and nothing besides', () => {
    for (const address of ['10.0.0.0', '10.255.255.255', '192.0.2.1', '2001:db8:ffff:1::1'])
      expect(proxies.includes(address)).toBe(true)
    for (const address of ['11.0.0.0', '192.0.2.2', '2001:db8:fffe::1', '::1'])
      expect(proxies.includes(address)).toBe(false)
    expect(none.isEmpty).toBe(true)
    expect(none.includes('127.0.0.1')).toBe(false)
  })
  test('that is not set shows when a private peer forwards', () => {
    expect(isUnnamedProxy('10.0.0.1', '1.1.1.1', none)).toBe(true)
    expect(isUnnamedProxy('10.0.0.1', undefined, none)).toBe(false)
    expect(isUnnamedProxy('203.0.113.7', '1.1.1.1', none)).toBe(false)
    expect(isUnnamedProxy('10.0.0.1', '1.1.1.1', proxies)).toBe(false)
  })
})

describe('over a server', () => {
  const servers: TestServer[] = []
  afterAll(() => Promise.all(servers.map(server => server.stop())))
  const from = (server: TestServer, path: string, peer: string, headers: Record<string, string> = {}) =>
    server.ostiary.fetch(new Request(`http://localhost:4545${path}`, { headers }), {
      incoming: { socket: { remoteAddress: peer } },
    })

  test('readiness fails and names the fix when a proxy is not named', async () => {
    const server = await testServer()
    servers.push(server)
    expect((await from(server, '/readyz', '10.0.0.1')).status).toBe(200)
    await from(server, '/healthz', '10.0.0.1', { 'X-Forwarded-For': '203.0.113.7' })
    const answer = await from(server, '/readyz', '127.0.0.1')
    expect(answer.status).toBe(503)
    expect(answer.headers.get('retry-after')).toBe('1')
    expect(((await answer.json()) as { detail: string }).detail).toContain('TRUSTED_PROXIES')
  })
  test('the opening of a link is told by the address of the browser', async () => {
    const server = await testServer({ trustedProxies: proxies })
    servers.push(server)
    const { id } = await send(server, {
      to: fresh(),
      credential: 'link',
      redirectUrl: 'http://localhost:3000/cb',
    })
    const { link } = await server.message({ challengeId: id })
    await from(server, new URL(link).pathname, '::ffff:10.0.0.1', {
      'X-Forwarded-For': '6.6.6.6, 203.0.113.7',
      'User-Agent': 'Firefox',
    })
    const { data } = (await server.get(`/v1/events?challengeId=${id}&type=challenge.link_opened`)).body
    expect(data[0].context).toEqual({ ipAddress: '203.0.113.7', userAgent: 'Firefox' })
    expect(data[0].data.network).toBe('203.0.113.0/24')
  })
})
