import { createPublicKey, type JsonWebKey } from 'node:crypto'

/** COSE algorithms (RFC 9053), in the order in which they are offered: Ed25519, ES256, RS256. */
export const ALGORITHMS = [-8, -7, -257] as const

/** A `COSE_Key` (RFC 9052 section 7) as it was decoded: labels to values. */
export type CoseKey = ReadonlyMap<unknown, unknown>

type Judged = 'usable' | 'algorithm' | 'publicKey'

const [KTY, ALG, CRV, X, Y] = [1, 3, -1, -2, -3] as const
const [N, E] = [-1, -2] as const
const MODULUS_BYTES = { min: 256, max: 1024 }

/**
 * Whether a key has one of our algorithms, exactly the parameters that belong to it (WebAuthn Level 3, section 5.8.5
 * and 6.5.1.1), and is a point on its curve. A key that can never verify is found out at registration, and not by the
 * person at the next sign-in.
 */
export function judgePublicKey(key: CoseKey): Judged {
  const jwk = toJwk(key)
  if (jwk === 'algorithm') return 'algorithm'
  if (jwk === null) return 'publicKey'
  try {
    createPublicKey({ key: jwk, format: 'jwk' })
    return 'usable'
  } catch {
    return 'publicKey'
  }
}

function toJwk(key: CoseKey): JsonWebKey | null | 'algorithm' {
  switch (key.get(ALG)) {
    case -7:
      if (key.size !== 5 || key.get(KTY) !== 2 || key.get(CRV) !== 1) return null
      return whole({ kty: 'EC', crv: 'P-256', x: ofLength(key.get(X), 32), y: ofLength(key.get(Y), 32) })
    case -8:
      if (key.size !== 4 || key.get(KTY) !== 1 || key.get(CRV) !== 6) return null
      return whole({ kty: 'OKP', crv: 'Ed25519', x: ofLength(key.get(X), 32) })
    case -257:
      if (key.size !== 4 || key.get(KTY) !== 3) return null
      return whole({ kty: 'RSA', n: modulus(key.get(N)), e: exponent(key.get(E)) })
    default:
      return 'algorithm'
  }
}

function whole(jwk: Record<string, string | null>): JsonWebKey | null {
  return Object.values(jwk).includes(null) ? null : (jwk as JsonWebKey)
}

function ofLength(value: unknown, bytes: number): string | null {
  return value instanceof Uint8Array && value.length === bytes ? base64url(value) : null
}

/** 2048 bits and more; no more than 8192, so that the time of a verification is bounded. Odd, as a product of primes. */
function modulus(value: unknown): string | null {
  if (!(value instanceof Uint8Array)) return null
  const isWithin = value.length >= MODULUS_BYTES.min && value.length <= MODULUS_BYTES.max
  return isWithin && value[0] !== 0 && (value.at(-1) ?? 0) % 2 === 1 ? base64url(value) : null
}

/** 65537, which every authenticator uses: 1 would let everybody sign, a large one would cost time. */
function exponent(value: unknown): string | null {
  return value instanceof Uint8Array && Buffer.from(value).toString('hex') === '010001' ? 'AQAB' : null
}

const base64url = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64url')
