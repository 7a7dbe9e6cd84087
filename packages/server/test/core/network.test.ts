import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isPrivateIp, parseIp } from '../../src/core/addresses/network.ts'

const read: [text: string, address: string, host: string, site: string][] = [
  ['203.0.113.7', '203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
  ['::ffff:203.0.113.7', '203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
  ['::FFFF:cb00:7107', '203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
  ['0:0:0:0:0:ffff:cb00:7107', '203.0.113.7', '203.0.113.7', '203.0.113.0/24'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['2001:0DB8:0001:0002::0001', '2001:db8:1:2::1', '2001:db8:1:2::/64', '2001:db8:1::/48'],
  ['::1', '::1', '0:0:0:0::/64', '0:0:0::/48'],
  ['::', '::', '0:0:0:0::/64', '0:0:0::/48'],
  ['64:ff9b::203.0.113.7', '64:ff9b::cb00:7107', '64:ff9b:0:0::/64', '64:ff9b:0::/48'],
]
const refused = [
  '',
  ' 203.0.113.7',
  '203.0.113.7 ',
  '203.0.113.7:80',
  '203.0.113',
  '203.0.113.256',
  '0203.0.113.7',
  '0x7f.0.0.1',
  '2130706433',
  '203.0.113.7/32',
  '203.0.113.7, 10.0.0.1',
  '[2001:db8::1]',
  'fe80::1%eth0',
  '2001:db8:::1',
  '2001:db8::1::2',
  '12345::',
  'localhost',
  'unknown',
  '_hidden',
  '203.0.113.7\0',
  '２０３.0.113.7',
]

describe('an IP literal', () => {
  test.each(read)('%s is read as %s', (text, address, host, site) => {
    expect(parseIp(text)).toEqual({ address, host, site })
  })
  test.each(refused)('%j is refused', text => {
    expect(parseIp(text)).toBeNull()
  })
})

test('every spelling of an IPv6 address is one address of one network', () => {
  fc.assert(
    fc.property(fc.ipV6(), text => {
      const ip = parseIp(text)
      expect(ip).not.toBeNull()
      expect(parseIp(ip?.address ?? '')).toEqual(ip)
      expect(parseIp(text.toUpperCase())).toEqual(ip)
    }),
    { numRuns: 1000 },
  )
})

test('a mapped IPv4 address is the IPv4 address', () => {
  fc.assert(
    fc.property(fc.ipV4(), text => {
      expect(parseIp(`::ffff:${text}`)).toEqual(parseIp(text))
    }),
  )
})

test('two addresses of one /64 count as one host, of another /64 as another', () => {
  const hostOf = (text: string) => parseIp(text)?.host
  expect(hostOf('2001:db8:1:2:aaaa::1')).toBe(hostOf('2001:db8:1:2:bbbb::2'))
  expect(hostOf('2001:db8:1:3::1')).not.toBe(hostOf('2001:db8:1:2::1'))
})

test.each([
  ['127.0.0.1', true],
  ['10.1.2.3', true],
  ['172.16.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['169.254.1.1', true],
  ['::1', true],
  ['::ffff:10.0.0.1', true],
  ['fd00::1', true],
  ['fe80::1', true],
  ['8.8.8.8', false],
  ['2001:db8::1', false],
  ['nonsense', false],
])('%s is a peer on our side: %s', (text, expected) => {
  expect(isPrivateIp(text)).toBe(expected)
})
