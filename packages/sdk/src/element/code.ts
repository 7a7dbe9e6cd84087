/**
 * What was typed or pasted as digits: spaces, dashes and whatever else came along are left out, digits of any script
 * (full-width, Arabic-Indic, …) become ASCII.
 */
export function digitsOf(typed: string): string {
  let digits = ''
  for (const char of typed.normalize('NFKC')) {
    if (/[0-9]/.test(char)) digits += char
    else if (/\p{Nd}/u.test(char)) digits += digitValueOf(char)
  }
  return digits
}

// Unicode keeps the decimal digits of a script together, from 0 to 9 (chapter 4.6).
function digitValueOf(char: string): number {
  const at = char.codePointAt(0) ?? 0
  let zero = at
  while (at - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero--
  return at - zero
}

/**
 * The code inside of a paste, or what there is of it: a run of exactly `length` digits wins over the other digits of a
 * copied sentence ("Your code is 123 456, valid for 10 minutes").
 */
export function codeIn(pasted: string, length: number): string {
  const runs = pasted.normalize('NFKC').match(/\p{Nd}(?:[\s\p{Pd}.]?\p{Nd})*/gu) ?? []
  const whole = runs.map(digitsOf).find(run => run.length === length)
  return whole ?? digitsOf(pasted).slice(0, length)
}
