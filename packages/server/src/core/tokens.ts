import { createHash } from 'node:crypto'
import { base32, fromBase32 } from './ids.ts'

/**
 * What a client holds. Each kind has its prefix, which is checked wherever one is taken (PROTOCOL section 3):
 * `osk` secret key, `opk` publishable key, `olk` mailed link, `oht` hand-over or result, `oat` action, `ort` refresh,
 * `odt` device.
 */
export type TokenKind = 'osk' | 'opk' | 'olk' | 'oht' | 'oat' | 'ort' | 'odt'

/** A token of 32 random bytes with its kind's prefix. */
export function newToken(kind: 'olk' | 'oht' | 'oat' | 'odt', random: Uint8Array): string {
  return `${kind}_${Buffer.from(random).toString('base64url')}`
}

/** Whether the text is one whole token of this kind: exact length, alphabet and no other spelling of the same bytes. */
export function isToken(kind: 'olk' | 'oht' | 'oat' | 'odt', text: string): boolean {
  if (!text.startsWith(`${kind}_`) || text.length !== 47) return false
  const random = text.slice(4)
  return /^[\w-]{43}$/.test(random) && Buffer.from(random, 'base64url').toString('base64url') === random
}

/**
 * A refresh token names its session, carries 32 secret bytes, and ends with a tag that proves that this server made it.
 *
 * The session is in the token so that one row is read and written by its primary key, and no row is kept for tokens
 * that were rotated away. The tag tells a genuine old token (a thief or a lost answer: the session is revoked) from
 * one that somebody made up around a session id, which must not be able to revoke anything.
 */
export interface RefreshToken {
  sessionId: string
  secret: Buffer
  tag: Buffer
}

export function formatRefreshToken({ sessionId, secret, tag }: RefreshToken): string {
  return `ort_${Buffer.concat([fromBase32(sessionId.slice(4)), secret, tag]).toString('base64url')}`
}

/** The parts of a refresh token, or null when the text is not one. Whether it is genuine is judged by its tag and hash. */
export function parseRefreshToken(text: string): RefreshToken | null {
  if (!/^ort_[\w-]{86}$/.test(text)) return null
  const bytes = Buffer.from(text.slice(4), 'base64url')
  if (bytes.length !== 64 || bytes.toString('base64url') !== text.slice(4)) return null
  return {
    sessionId: `ses_${base32(bytes.subarray(0, 16))}`,
    secret: bytes.subarray(16, 48),
    tag: bytes.subarray(48),
  }
}

/**
 * An API key: `osk_test_`, 43 characters for 32 random bytes, and a checksum of 6 characters, by which scanners for
 * leaked keys, and people, see that it is whole.
 */
export function formatApiKey(kind: 'osk' | 'opk', mode: 'test' | 'live', random: Uint8Array): string {
  const body = `${kind}_${mode}_${Buffer.from(random).toString('base64url')}`
  return body + checksum(body)
}

/** The mode of a well-formed API key of this kind, or null. */
export function apiKeyMode(kind: 'osk' | 'opk', text: string): 'test' | 'live' | null {
  const match = /^(o[sp]k)_(test|live)_[\w-]{49}$/.exec(text)
  if (match?.[1] !== kind || checksum(text.slice(0, -6)) !== text.slice(-6)) return null
  return match[2] as 'test' | 'live'
}

function checksum(body: string): string {
  return createHash('sha256').update(body).digest('base64url').replace(/[-_]/g, '0').slice(0, 6)
}

/** What is stored of an API key. Without the epoch: restoring a backup must not lock every backend out. */
export function apiKeyHash(key: string): string {
  return createHash('sha256').update(key).digest('base64url')
}
