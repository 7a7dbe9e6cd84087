import { createECDH, createHmac } from 'node:crypto'
import { sha256 } from './authenticator.ts'

const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
const number = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).toString('hex')}`)
const bytesOf = (value: bigint) => Buffer.from(value.toString(16).padStart(64, '0'), 'hex')

/** ECDSA on P-256 with SHA-256 and the nonce of RFC 6979, in DER: what OpenSSL does not offer and the vectors are made by. */
export function signDeterministically(secret: Uint8Array, data: Uint8Array): Buffer {
  const digest = number(sha256(data))
  for (const nonce of nonces(secret, bytesOf(digest % ORDER))) {
    const curve = createECDH('prime256v1')
    curve.setPrivateKey(bytesOf(nonce))
    const r = number(curve.getPublicKey().subarray(1, 33)) % ORDER
    const s = (power(nonce, ORDER - 2n, ORDER) * (digest + r * number(secret))) % ORDER
    if (r > 0n && s > 0n) return der(r, s)
  }
  throw new Error('no nonce')
}

/** RFC 6979 section 3.2. */
function* nonces(secret: Uint8Array, digest: Uint8Array): Generator<bigint> {
  const mac = (key: Uint8Array, ...parts: Uint8Array[]) =>
    createHmac('sha256', key).update(Buffer.concat(parts)).digest()
  let value: Buffer = Buffer.alloc(32, 1)
  let key: Buffer = Buffer.alloc(32)
  for (const step of [0, 1]) {
    key = mac(key, value, Buffer.of(step), secret, digest)
    value = mac(key, value)
  }
  for (;;) {
    value = mac(key, value)
    const nonce = number(value)
    if (nonce > 0n && nonce < ORDER) yield nonce
    key = mac(key, value, Buffer.of(0))
    value = mac(key, value)
  }
}

export function power(base: bigint, exponent: bigint, modulus: bigint): bigint {
  let [result, factor, rest] = [1n, base % modulus, exponent]
  for (; rest > 0n; rest >>= 1n) {
    if (rest & 1n) result = (result * factor) % modulus
    factor = (factor * factor) % modulus
  }
  return result
}

export function der(r: bigint, s: bigint): Buffer {
  const parts = [r, s].map(value => {
    const bytes = bytesOf(value)
    const first = bytes.findIndex(byte => byte !== 0)
    const short = bytes.subarray(first)
    const whole = (short[0] ?? 0) < 0x80 ? short : Buffer.concat([Buffer.of(0), short])
    return Buffer.concat([Buffer.of(0x02, whole.length), whole])
  })
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(0x30, body.length), body])
}

/** The other signature that the same key could have made of the same data: every ECDSA signature has one. */
export function mirrored(signature: Buffer): Buffer {
  const length = signature[3] ?? 0
  const r = number(signature.subarray(4, 4 + length))
  const s = number(signature.subarray(6 + length))
  return der(r, ORDER - s)
}
