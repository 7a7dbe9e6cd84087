import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { checkNetworks } from '../../src/cli/doctor/networks.ts'
import { type ConfigError, readConfig } from '../../src/config.ts'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import { openNetworkFiles } from '../../src/network-files.ts'
import { parseNetworkList } from '../../src/network-list.ts'
import { mmdb } from '../setup/mmdb.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostiary-networks-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: Buffer | string): string {
  const path = join(folder, name)
  // As the documentation asks for it.
  writeFileSync(`${path}.new`, content)
  renameSync(`${path}.new`, path)
  return path
}

const CITY = {
  '192.0.2.0/24': {
    country: { iso_code: 'DE', names: { en: 'Germany' } },
    location: { latitude: 52.52, longitude: 13.405 },
  },
  '198.51.100.0/25': { country: { iso_code: 'JP' } },
}
const ASN = {
  '192.0.2.0/24': { autonomous_system_number: 64500, autonomous_system_organization: 'Example Net' },
}
const BUILT = Date.UTC(2026, 10, 1)

function open() {
  return openNetworkFiles({
    GEOIP_FILE: file('city.mmdb', mmdb(CITY, { builtAt: BUILT / 1000 })),
    ASN_FILE: file('asn.mmdb', mmdb(ASN)),
    ANONYMOUS_NETWORKS_FILE: file('anonymous.txt', '# exits\n192.0.2.7\n2001:db8::/32 # a tunnel\n'),
  })
}

test('what the files tell of an address; what they do not tell is left out', () => {
  const files = open()
  expect(files.lookup('192.0.2.7')).toEqual({
    country: 'DE',
    place: { latitude: 52.52, longitude: 13.405 },
    asn: 64500,
    organization: 'Example Net',
    isAnonymous: true,
  })
  expect(files.lookup('198.51.100.9')).toEqual({ country: 'JP', isAnonymous: false })
  expect(files.lookup('198.51.100.200')).toEqual({ isAnonymous: false })
  // The databases hold IPv4 alone.
  expect(files.lookup('2001:db8::1')).toEqual({ isAnonymous: true })
  files.close()
  expect(openNetworkFiles({}).lookup('192.0.2.7')).toEqual({})
})

test.each([
  [
    { country: 'DE', asn: 'AS64500', as_name: 'Example' },
    { country: 'DE', asn: 64500, organization: 'Example' },
  ],
  [{ country_code: 'FR' }, { country: 'FR' }],
  [{ country: { iso_code: '' } }, {}],
  [
    {
      country: { iso_code: 'Germany' },
      autonomous_system_number: '64500',
      autonomous_system_organization: '',
    },
    {},
  ],
  [{ location: { latitude: 1.5 } }, {}],
])('a record %j says %j', (record, facts) => {
  const files = openNetworkFiles({ GEOIP_FILE: file('one.mmdb', mmdb({ '192.0.2.0/24': record })) })
  expect(files.lookup('192.0.2.1')).toEqual(facts)
  files.close()
})

test('a file that changed is read anew; one that is broken leaves what was read before', async () => {
  const files = open()
  file('city.mmdb', mmdb({ '192.0.2.0/24': { country: { iso_code: 'AT' } } }))
  await files.refresh()
  expect(files.lookup('192.0.2.7').country).toBe('AT')
  file('city.mmdb', 'half of a download')
  file('anonymous.txt', '192.0.2.0/24\nnot a network\n')
  await files.refresh()
  expect(files.lookup('192.0.2.9')).toMatchObject({ country: 'AT', isAnonymous: false })
  files.close()
})

describe('is refused', () => {
  it.each([
    ['GEOIP_FILE', Buffer.alloc(0)],
    ['GEOIP_FILE', Buffer.from('no database')],
    ['ASN_FILE', mmdb(ASN).subarray(0, 60)],
    ['ASN_FILE', mmdb(ASN).subarray(200)],
    ['ANONYMOUS_NETWORKS_FILE', Buffer.from('')],
    ['ANONYMOUS_NETWORKS_FILE', Buffer.from('192.0.2.0/33')],
    ['ANONYMOUS_NETWORKS_FILE', Buffer.from('192.0.2.0/')],
    ['ANONYMOUS_NETWORKS_FILE', Buffer.from('192.0.2.0/24/8')],
    ['ANONYMOUS_NETWORKS_FILE', Buffer.from('<html>')],
  ])('%s with %s', (name, content) => {
    expect(() => openNetworkFiles({ [name]: file('bad', content) })).toThrow(name)
  })

  it('what is not there, with the other settings', () => {
    try {
      readConfig({ GEOIP_FILE: join(folder, 'nothing'), ASN_FILE: folder }, ['GEOIP_FILE', 'ASN_FILE'])
      expect.unreachable()
    } catch (error) {
      expect((error as ConfigError).problems.map(({ name }) => name)).toEqual(['GEOIP_FILE', 'ASN_FILE'])
    }
  })
})

test('doctor tells the age of each, and what cannot be used', () => {
  const GEOIP_FILE = file('city.mmdb', mmdb(CITY, { builtAt: BUILT / 1000 }))
  const day = 24 * 60 * 60_000
  expect(checkNetworks({}, BUILT)).toMatchObject([{ status: 'ok' }])
  expect(checkNetworks({ GEOIP_FILE }, BUILT + 60 * day)).toMatchObject([
    { status: 'ok', message: 'GEOIP_FILE is 60 days old' },
  ])
  expect(checkNetworks({ GEOIP_FILE }, BUILT + 61 * day)).toMatchObject([{ status: 'warn' }])
  expect(checkNetworks({ GEOIP_FILE: file('bad', 'x') }, BUILT)).toMatchObject([{ status: 'fail' }])
})

describe('a list of networks', () => {
  const v4 = fc.tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 })).map(([ip, bits]) => `${ip}/${bits}`)
  const v6 = fc.tuple(fc.ipV6(), fc.integer({ min: 97, max: 128 })).map(([ip, bits]) => `${ip}/${bits}`)
  it('holds the same addresses as a list that is read entry by entry', () => {
    fc.assert(
      fc.property(
        fc.array(v4, { minLength: 1 }),
        fc.array(v6),
        fc.array(fc.ipV4()),
        (fours, sixes, asked) => {
          const entries = [...fours, ...sixes.filter(entry => !entry.includes('.'))]
          const list = parseNetworkList(entries.join('\n'))
          const slow = parseAddressList(entries.join(','))
          for (const address of [...asked, ...fours.map(entry => entry.split('/')[0] ?? '')])
            expect(list.includes(address)).toBe(slow.includes(address))
        },
      ),
    )
  })
  it('ends where its ranges end', () => {
    const list = parseNetworkList('10.0.0.0/30\n10.0.0.2/31\n2001:db8::/126')
    const held = (address: string) => list.includes(address)
    expect(['9.255.255.255', '10.0.0.0', '10.0.0.3', '10.0.0.4'].map(held)).toEqual([
      false,
      true,
      true,
      false,
    ])
    expect(['2001:db8::3', '2001:db8::4', '::ffff:10.0.0.1'].map(held)).toEqual([true, false, true])
  })
})
