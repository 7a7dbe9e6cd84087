import type { Random } from '../ports.ts'

/** Digits of a strong code, which is shown 5 + 5: fields for codes are numeric, so letters cannot be asked for. */
export const STRONG_LENGTH = 10

/** A code of so many digits, each as likely as the others. Leading zeros count. */
export function newCode(random: Random, length: number): string {
  let code = ''
  while (code.length < length) {
    const digits = Math.min(6, length - code.length)
    code += String(random.below(10 ** digits)).padStart(digits, '0')
  }
  return code
}

// Without I, L and O, which are read as digits, and without vowels, which make words.
const TAG_LETTERS = 'BCDFGHJKMNPQRSTVWXZ'

/** Three letters that stand in the mail and in the answer, so that a person sees which mail belongs to which page. */
export function newTag(random: Random): string {
  return Array.from({ length: 3 }, () => TAG_LETTERS[random.below(TAG_LETTERS.length)]).join('')
}

/**
 * What a person typed, as digits: spaces and dashes fall away, digits of other
 * keyboards become ASCII (`latinDigits`). Null when it is too long or too strange to be a try at a code; a short string that is merely wrong
 * stays as it is and is judged, so that it costs an attempt.
 */
export function normaliseCode(text: string): string | null {
  if (text.length > 64) return null
  const code = latinDigits(text).replace(/[\s\p{Pd}\u200b-\u200d\ufeff]/gu, '')
  return code.length >= 1 && code.length <= 20 ? code : null
}

/** Full-width, Arabic and Persian digits as 0 to 9: those are what the keyboards of our languages type. */
export function latinDigits(text: string): string {
  return text
    .normalize('NFKC')
    .replace(/[\u0660-\u0669\u06f0-\u06f9]/g, digit => `${digit.charCodeAt(0) & 15}`)
}
