let people = 0

/**
 * A new address each time, so no limit is met and every sign-in makes a user; they come in no order, as people do, and
 * from a hundred domains.
 */
export function newAddress(word = 'person'): string {
  people++
  // An odd factor maps each 32-bit number to another one.
  const shuffled = Math.imul(people, 0x9e3779b1) >>> 0
  return `${word}-${String(shuffled).padStart(10, '0')}@mail-${String(people % 100).padStart(2, '0')}.example`
}
