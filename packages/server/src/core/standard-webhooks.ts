import { createHmac, timingSafeEqual } from 'node:crypto'

/**
 * Standard Webhooks (standardwebhooks.com, v1): HMAC-SHA256 over `id.timestamp.body`. Both ends stand here: mail that is
 * posted out is signed, reports that come in are checked.
 */

const TOLERANCE_MS = 5 * 60_000
const MIN_KEY_BYTES = 24

/**
 * The keys of a setting: one `whsec_…` or a comma-separated list, of which all sign and each is accepted, so that a
 * secret can be changed without a gap. Throws with what is wrong, never with the secret.
 */
export function webhookKeys(text: string): Buffer[] {
  return text.split(',').map(entry => {
    const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(entry.trim())?.[1]
    if (base64 === undefined) throw new Error('is not whsec_ and base64')
    const key = Buffer.from(base64, 'base64')
    if (key.length < MIN_KEY_BYTES) throw new Error(`holds less than ${MIN_KEY_BYTES} bytes`)
    return key
  })
}

/** The three headers of a signed request. */
export function webhookHeaders(
  keys: readonly Buffer[],
  id: string,
  now: number,
  body: string | Buffer,
): Record<string, string> {
  const timestamp = String(Math.floor(now / 1000))
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': keys.map(key => `v1,${signatureOf(key, id, timestamp, body)}`).join(' '),
  }
}

/** Whether one of the signatures was made with one of the keys, no more than five minutes from now. */
export function isSignedWebhook(
  keys: readonly Buffer[],
  headers: { id: string | undefined; timestamp: string | undefined; signature: string | undefined },
  body: Buffer,
  now: number,
): boolean {
  const { id, timestamp, signature } = headers
  if (!id || !timestamp || !signature || !isRecent(timestamp, now)) return false
  const given = signature
    .split(' ')
    .filter(one => one.startsWith('v1,'))
    .map(one => Buffer.from(one.slice(3)))
  return keys.some(key => {
    const expected = Buffer.from(signatureOf(key, id, timestamp, body))
    return given.some(one => one.length === expected.length && timingSafeEqual(one, expected))
  })
}

/** Whether an instant, in whole seconds as a header writes it, is within five minutes of now, before or after. */
export function isRecent(seconds: string, now: number): boolean {
  return /^\d{1,12}$/.test(seconds) && Math.abs(now - Number(seconds) * 1000) <= TOLERANCE_MS
}

function signatureOf(key: Buffer, id: string, timestamp: string, body: string | Buffer): string {
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')
}
