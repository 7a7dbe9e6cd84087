import type { RefusalReason } from './reasons.ts'

/** What of `CollectedClientData` (WebAuthn Level 3, section 5.8.1) is judged. */
export interface ClientData {
  type: string
  challenge: string
  origin: string
  isCrossOrigin: boolean
  topOrigin: string | null
  hasTokenBinding: boolean
}

/** What the ceremony was begun with. */
export interface Expected {
  /** base64url, as it was handed out. */
  challenge: string
  origins: readonly string[]
  rpId: string
  isUserVerificationRequired: boolean
}

/** Reads the base64url of a `clientDataJSON`; null for what is none. */
export function readClientData(encoded: string): ClientData | null {
  const value = parse(encoded)
  if (value === null) return null
  const { type, challenge, origin, crossOrigin, topOrigin, tokenBinding } = value
  if (typeof type !== 'string' || typeof challenge !== 'string' || typeof origin !== 'string') return null
  if (crossOrigin !== undefined && typeof crossOrigin !== 'boolean') return null
  if (topOrigin !== undefined && typeof topOrigin !== 'string') return null
  return {
    type,
    challenge,
    origin,
    isCrossOrigin: crossOrigin === true,
    topOrigin: topOrigin ?? null,
    hasTokenBinding: tokenBinding !== undefined && tokenBinding !== null,
  }
}

function parse(encoded: string): Record<string, unknown> | null {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(encoded, 'base64url'))
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null
  } catch {
    return null
  }
}

/** Steps 7 to 11 of section 7.1, and 10 to 14 of section 7.2. */
export function judgeClientData(
  clientData: ClientData,
  type: 'webauthn.create' | 'webauthn.get',
  expected: Expected,
): RefusalReason | null {
  if (clientData.type !== type) return 'type'
  // 16 bytes are the least of section 13.4.3: an empty expectation is never met.
  if (expected.challenge.length < 22 || clientData.challenge !== expected.challenge) return 'challenge'
  if (!expected.origins.includes(clientData.origin)) return 'origin'
  if (!isFrameExpected(clientData, expected.origins)) return 'crossOrigin'
  // Level 2 bound the ceremony to a TLS connection that a server behind a proxy cannot see; no browser does it today.
  if (clientData.hasTokenBinding) return 'tokenBinding'
  return null
}

/**
 * In a frame of another site the person may not see where he is. It is expected below our own origins only, and a
 * browser that does not name the page on top (Safari, as of Level 3) is refused there.
 */
function isFrameExpected({ isCrossOrigin, topOrigin }: ClientData, origins: readonly string[]): boolean {
  if (!isCrossOrigin) return topOrigin === null
  return topOrigin !== null && origins.includes(topOrigin)
}
