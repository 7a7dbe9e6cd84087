import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { newCode, newTag, normaliseCode } from '../../src/core/challenges/code.ts'
import { systemRandom } from '../../src/core/system.ts'

describe('what a person typed', () => {
  test.each([
    ['123456', '123456'],
    [' 123 456 ', '123456'],
    ['123-456', '123456'],
    ['123\u2013456', '123456'],
    ['123\u2014456', '123456'],
    ['123\uff0d456', '123456'],
    ['123\u00a0456', '123456'],
    ['123\u3000456', '123456'],
    ['123\u200b456', '123456'],
    ['123\t456\n', '123456'],
    ['１２３４５６', '123456'],
    ['٠١٢٣٤٥ ٦٧٨٩', '0123456789'],
    ['۰۱۲۳۴۵ ۶۷۸۹', '0123456789'],
    ['12345 67890', '1234567890'],
  ])('%j is the code %s', (text, code) => {
    expect(normaliseCode(text)).toBe(code)
  })
  test.each([
    ['abcdef', 'abcdef'],
    ['12345', '12345'],
    ['1234567', '1234567'],
    ['12345６x', '123456x'],
  ])('%j is a wrong code', (text, code) => {
    expect(normaliseCode(text)).toBe(code)
  })
  test.each([
    ['nothing', ''],
    ['spaces', '   '],
    ['21 characters', '1'.repeat(21)],
    ['a long text', 'x'.repeat(65)],
    ['a megabyte', '1'.repeat(1_000_000)],
    ['a ligature that grows', '\ufdfa'.repeat(20)],
  ])('%s is no try at a code', (_, text) => {
    expect(normaliseCode(text)).toBeNull()
  })
})

test('spaces and dashes anywhere never change the code', () => {
  const filler = fc.constantFrom('', ' ', '-', '\u2011', '\u00a0')
  fc.assert(
    fc.property(
      fc.stringMatching(/^\d{6,10}$/),
      fc.array(filler, { minLength: 11, maxLength: 11 }),
      (code, fill) => {
        expect(normaliseCode([...code].map((digit, at) => digit + fill[at]).join(''))).toBe(code)
      },
    ),
  )
})

test('a new code has as many digits as asked for, and each digit in each place', () => {
  const seen = Array.from({ length: 10 }, () => new Set<string>())
  for (let round = 0; round < 500; round++) {
    const code = newCode(systemRandom, 10)
    expect(code).toMatch(/^\d{10}$/)
    for (const [place, digit] of [...code].entries()) seen[place]?.add(digit)
  }
  expect(seen.map(digits => digits.size)).toEqual(Array(10).fill(10))
  for (const length of [6, 7, 8, 9])
    expect(newCode(systemRandom, length)).toMatch(new RegExp(`^\\d{${length}}$`))
})

test('a tag is three letters that are not mistaken for digits or words', () => {
  for (let round = 0; round < 200; round++) expect(newTag(systemRandom)).toMatch(/^[B-DF-HJKMNP-TV-XZ]{3}$/)
})
