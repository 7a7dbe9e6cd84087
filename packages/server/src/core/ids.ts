import { randomBytes } from 'node:crypto'
import { V7Generator } from 'uuidv7'

/** The prefixes of DESIGN section 2: one for each noun that has an id. */
export type IdPrefix =
  | 'env'
  | 'app'
  | 'key'
  | 'usr'
  | 'chl'
  | 'msg'
  | 'aut'
  | 'act'
  | 'rul'
  | 'dev'
  | 'ses'
  | 'lnk'
  | 'evt'
  | 'req'
  | 'org'
  | 'tpl'
  | 'lst'
  | 'whk'
  | 'hks'
  | 'dlv'
  | 'kid'

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'

// Random bits are drawn in blocks: one system call for each id would be the dearest part of making it.
let pool = randomBytes(1024)
let used = 0
const generator = new V7Generator({
  nextUint32() {
    if (used + 4 > pool.length) {
      pool = randomBytes(1024)
      used = 0
    }
    used += 4
    return pool.readUInt32LE(used - 4)
  },
})

/**
 * A new id: prefix, underscore, UUIDv7 (RFC 9562 section 5.7) in base32 (TypeID form, 26 characters).
 * Ids of one process rise in the order in which they were made. They authorise nothing.
 */
export function newId(prefix: IdPrefix, now: number): string {
  return `${prefix}_${base32(generator.generateOrResetCore(now, 10_000).bytes)}`
}

/** Lower than every id of this prefix that is made at the instant or later: a UUIDv7 begins with its instant. */
export function firstIdAt(prefix: IdPrefix, instant: number): string {
  const bytes = Buffer.alloc(16)
  bytes.writeUIntBE(instant, 0, 6)
  return `${prefix}_${base32(bytes)}`
}

/** When the id was made. */
export const instantOf = (id: string): number => fromBase32(id.slice(id.indexOf('_') + 1)).readUIntBE(0, 6)

/** Whether the text has the form of an id with this prefix. */
export function isId(prefix: IdPrefix, text: string): boolean {
  return (
    text.length === prefix.length + 27 &&
    text.startsWith(`${prefix}_`) &&
    /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(text.slice(prefix.length + 1))
  )
}

/** 16 bytes as 26 characters of Crockford's base32, most significant first; the two bits to spare lead. */
export function base32(bytes: Uint8Array): string {
  let text = ''
  let bits = 2
  let value = 0
  for (const byte of bytes) {
    value = (value << 8) | byte
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text += ALPHABET[(value >> bits) & 31]
    }
    value &= (1 << bits) - 1
  }
  return text
}

/** The reverse of `base32` for a 26 character text of the alphabet. */
export function fromBase32(text: string): Buffer {
  const bytes = Buffer.alloc(16)
  let bits = -2
  let value = 0
  let at = 0
  for (const char of text) {
    value = (value << 5) | ALPHABET.indexOf(char)
    bits += 5
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (value >> bits) & 255
      value &= (1 << bits) - 1
    }
  }
  return bytes
}
