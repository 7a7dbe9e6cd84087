import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { isRecent, isSignedWebhook, webhookHeaders, webhookKeys } from '../../src/core/standard-webhooks.ts'

const SECRET = `whsec_${randomBytes(32).toString('base64')}`
const OTHER = `whsec_${randomBytes(24).toString('base64')}`
const NOW = Date.UTC(2026, 10, 21, 12)
const body = Buffer.from('{"type":"delivered"}')

/** Signed by the reference library, not by ours. */
function signed(secret = SECRET, at = NOW) {
  return {
    id: 'evt_1',
    timestamp: String(Math.floor(at / 1000)),
    signature: new Webhook(secret).sign('evt_1', new Date(at), body.toString()),
  }
}

test('what the reference library signs is right, by each key of a list, and so is what we sign', () => {
  expect(isSignedWebhook(webhookKeys(SECRET), signed(), body, NOW)).toBe(true)
  expect(isSignedWebhook(webhookKeys(`${OTHER},${SECRET}`), signed(), body, NOW)).toBe(true)
  const ours = webhookHeaders(webhookKeys(SECRET), 'evt_1', NOW, body)
  expect(ours['webhook-signature']).toBe(signed().signature)
  const both = { ...signed(), signature: `v1a,xyz v1,AAAA ${signed().signature}` }
  expect(isSignedWebhook(webhookKeys(SECRET), both, body, NOW)).toBe(true)
})

describe('is refused when', () => {
  const good = signed()
  test.each([
    ['the id is another', { ...good, id: 'evt_2' }],
    ['there is no id', { ...good, id: undefined }],
    ['the time is another', { ...good, timestamp: String(NOW / 1000 + 1) }],
    ['the time is no number', { ...good, timestamp: `${good.timestamp}.0` }],
    ['there is no time', { ...good, timestamp: undefined }],
    ['the signature is another', { ...good, signature: signed(OTHER).signature }],
    ['the signature is cut', { ...good, signature: good.signature.slice(0, -1) }],
    ['the signature is of another version', { ...good, signature: good.signature.replace('v1,', 'v2,') }],
    ['the signature is empty', { ...good, signature: 'v1,' }],
    ['there is no signature', { ...good, signature: undefined }],
    ['it is older than five minutes', signed(SECRET, NOW - 301_000)],
    ['it is from the future', signed(SECRET, NOW + 301_000)],
  ])('%s', (_, headers) => {
    expect(isSignedWebhook(webhookKeys(SECRET), headers, body, NOW)).toBe(false)
  })
  test('the body is another, or the key', () => {
    expect(isSignedWebhook(webhookKeys(SECRET), good, Buffer.from(`${body} `), NOW)).toBe(false)
    expect(isSignedWebhook(webhookKeys(OTHER), good, body, NOW)).toBe(false)
    expect(isSignedWebhook([], good, body, NOW)).toBe(false)
  })
})

test('five minutes either way are recent', () => {
  const at = (ms: number) => isRecent(String((NOW + ms) / 1000), NOW)
  expect([at(-300_000), at(300_000), at(-301_000), at(301_000)]).toEqual([true, true, false, false])
})

test.each([
  ['', 'not whsec_'],
  ['whsec_', 'not whsec_'],
  ['secret', 'not whsec_'],
  ['whsec_!!!!', 'not whsec_'],
  [`whsec_${Buffer.alloc(23).toString('base64')}`, 'less than 24'],
  [`${SECRET},`, 'not whsec_'],
])('the secret %j is refused, and not told', (text, problem) => {
  expect(() => webhookKeys(text)).toThrow(problem)
})
