import { describe, expect, it, test } from 'vitest'
import type { UserPast } from '../../src/core/ports.ts'
import { distanceKm, type NetworkBook, type NetworkFacts } from '../../src/core/signals/networks.ts'
import { seenSignals } from '../../src/core/signals/signals.ts'
import { userAgentSignals } from '../../src/core/signals/user-agent.ts'

const HOUR = 60 * 60_000
const DAY = 24 * HOUR
const NOW = Date.UTC(2026, 10, 21)
const BERLIN: NetworkFacts = { country: 'DE', place: { latitude: 52.52, longitude: 13.405 } }
const TOKYO: NetworkFacts = { country: 'JP', place: { latitude: 35.68, longitude: 139.69 } }
const PLACES: Record<string, NetworkFacts> = { '192.0.2.1': BERLIN, '198.51.100.1': TOKYO }
const book: NetworkBook = { lookup: address => PLACES[address] ?? {} }
const NOTHING: UserPast = { signIns: [], failures: { hour: 0, day: 0 }, device: undefined, deviceCount: 0 }

const from = (ipAddress: string | null = null) => ({ ipAddress, userAgent: null })

describe('what is missing is absent, never false, 0 or empty', () => {
  it('of nobody, from nowhere', () => {
    expect(seenSignals(from(), null, book, NOW)).toEqual({
      device: {},
      ip: {},
      userAgent: {},
      history: {},
    })
  })
  it('of an address of which no file tells', () => {
    const { ip, history } = seenSignals(from('203.0.113.1'), NOTHING, { lookup: () => ({}) }, NOW)
    expect(ip).toEqual({ address: '203.0.113.1', isNew: true })
    expect(history).toEqual({
      signIns: { hour: 0, day: 0, month: 0 },
      failures: { hour: 0, day: 0 },
      countriesDay: 0,
    })
  })
  it('of a network that a sign-in told from nowhere may have come from', () => {
    const signIns = [
      { at: NOW - HOUR, ipAddress: null },
      { at: NOW - DAY, ipAddress: '198.51.100.7' },
    ]
    const isNew = (address: string) => seenSignals(from(address), { ...NOTHING, signIns }, book, NOW).ip.isNew
    expect([isNew('198.51.100.1'), isNew('192.0.2.1')]).toEqual([false, undefined])
  })
  it('of an address whose last sign-in was told from nowhere', () => {
    const past = { ...NOTHING, signIns: [{ at: NOW - HOUR, ipAddress: null }] }
    const { ip, history } = seenSignals(from('192.0.2.1'), past, book, NOW)
    expect(ip).toEqual({ address: '192.0.2.1', country: 'DE' })
    expect(history).toEqual({
      signIns: { hour: 0, day: 1, month: 1 },
      failures: { hour: 0, day: 0 },
      lastSignInAt: NOW - HOUR,
    })
  })
  it('of a device where nobody could show a token', () => {
    const past = { ...NOTHING, deviceCount: 3 }
    expect(seenSignals(from(), past, book, NOW).device).toEqual({ count: 3 })
    expect(seenSignals(from(), { ...past, device: null }, book, NOW).device).toEqual({
      known: false,
      isNew: true,
      isRemembered: false,
      count: 3,
    })
  })
})

test('a known device has an age, and is remembered until it is not', () => {
  const device = { createdAt: NOW - 10 * DAY - 1, rememberedUntil: NOW + 1 }
  const past = { ...NOTHING, device, deviceCount: 1 }
  const of = (now: number) => seenSignals(from(), past, book, now).device
  expect(of(NOW)).toEqual({ known: true, isNew: false, isRemembered: true, count: 1, ageDays: 10 })
  expect(of(NOW + 1).isRemembered).toBe(false)
})

test('from where the user was last, how far and how fast', () => {
  const signIns = [
    { at: NOW - 2 * HOUR, ipAddress: '198.51.100.1' },
    { at: NOW - 3 * HOUR, ipAddress: '192.0.2.1' },
    { at: NOW - 2 * DAY, ipAddress: '192.0.2.1' },
  ]
  const { history, ip } = seenSignals(from('192.0.2.1'), { ...NOTHING, signIns }, book, NOW)
  expect(ip.isNew).toBe(false)
  expect(history).toMatchObject({
    signIns: { hour: 0, day: 2, month: 3 },
    lastSignInAt: NOW - 2 * HOUR,
    lastCountry: 'JP',
    countriesDay: 2,
  })
  expect(history.distanceKm).toBeCloseTo(8_920, -2)
  expect(history.speedKmh).toBeCloseTo((history.distanceKm ?? 0) / 2, 6)
  // Within one moment there is a bound, and no infinity.
  const atOnce = seenSignals(
    from('192.0.2.1'),
    { ...NOTHING, signIns: [{ at: NOW, ipAddress: '198.51.100.1' }] },
    book,
    NOW,
  )
  expect(atOnce.history.speedKmh).toBeCloseTo((history.distanceKm ?? 0) * 60, 3)
})

test('an address of the same network is none that is new', () => {
  const past = { ...NOTHING, signIns: [{ at: NOW - DAY, ipAddress: '192.0.2.200' }] }
  expect(seenSignals(from('192.0.2.1'), past, book, NOW).ip.isNew).toBe(false)
  expect(seenSignals(from('192.0.3.1'), past, book, NOW).ip.isNew).toBe(true)
})

test('distances go the short way round, and to where one is', () => {
  expect(distanceKm({ latitude: 0, longitude: 179 }, { latitude: 0, longitude: -179 })).toBeCloseTo(222.4, 0)
  expect(distanceKm({ latitude: 90, longitude: 0 }, { latitude: -90, longitude: 0 })).toBeCloseTo(
    Math.PI * 6371,
    3,
  )
  expect(distanceKm({ latitude: 1, longitude: 1 }, { latitude: 1, longitude: 1 })).toBe(0)
})

describe('a user agent', () => {
  const CHROME =
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36'
  const IPHONE =
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1'
  it.each([
    [CHROME, { browser: 'Chrome', os: 'Windows', type: 'desktop', isBot: false, isHeadless: false }],
    [IPHONE, { browser: 'Safari', os: 'iOS', type: 'mobile', isBot: false, isHeadless: false }],
    [CHROME.replace('Chrome/', 'HeadlessChrome/'), { isBot: false, isHeadless: true }],
    ['curl/8.5.0', { type: 'bot', isBot: true, isHeadless: false }],
    [
      'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
      { type: 'bot', isBot: true },
    ],
    ['\u0000 nothing known', { isBot: false, isHeadless: false }],
  ])('%s', (text, told) => {
    expect(userAgentSignals(text)).toMatchObject(told)
  })
  it.each([null, '', '  '])('that is none (%j) says nothing', text =>
    expect(userAgentSignals(text)).toEqual({}),
  )
  it('of a thousand characters takes no time', () => {
    const begun = performance.now()
    for (const text of ['('.repeat(1024), 'Mozilla/5.0 '.repeat(85), 'a/1 '.repeat(256)])
      userAgentSignals(text)
    expect(performance.now() - begun).toBeLessThan(500)
  })
})
