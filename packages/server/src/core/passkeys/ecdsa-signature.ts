/**
 * Whether bytes are the DER of an ECDSA signature on P-256 (WebAuthn Level 3, section 6.5.5; X.690): one sequence of two
 * positive integers in their shortest form, and nothing behind. The library's reader takes other spellings as well.
 */
export function isDerSignature(bytes: Uint8Array): boolean {
  if (bytes[0] !== 0x30 || bytes[1] !== bytes.length - 2) return false
  const afterFirst = endOfInteger(bytes, 2)
  return afterFirst !== null && endOfInteger(bytes, afterFirst) === bytes.length
}

const MAX_INTEGER_BYTES = 33

function endOfInteger(bytes: Uint8Array, start: number): number | null {
  const [tag, length, first, second] = bytes.subarray(start, start + 4)
  if (tag !== 0x02 || length === undefined || first === undefined) return null
  if (length === 0 || length > MAX_INTEGER_BYTES || start + 2 + length > bytes.length) return null
  const isNegative = first >= 0x80
  const isPadded = first === 0 && (length === 1 || (second ?? 0) < 0x80)
  return isNegative || isPadded ? null : start + 2 + length
}
