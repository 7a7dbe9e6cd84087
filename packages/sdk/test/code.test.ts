import { describe, expect, it } from 'vitest'
import { codeIn, digitsOf } from '../src/element/code.ts'

describe('the digits of what was typed', () => {
  it.each([
    ['123456', '123456'],
    [' 123 456 ', '123456'],
    ['123-456', '123456'],
    ['１２３４５６', '123456'],
    ['١٢٣٤٥٦', '123456'],
    ['۱۲۳۴۵۶', '123456'],
    ['00a07', '0007'],
    ['', ''],
  ])('%j is %j', (typed, digits) => expect(digitsOf(typed)).toBe(digits))
})

describe('the code in a paste', () => {
  it.each([
    ['123 456', 6, '123456'],
    ['123–456', 6, '123456'],
    ['Your code is 123 456, valid for 10 minutes.', 6, '123456'],
    ['Valid for 10 minutes: 12345 67890', 10, '1234567890'],
    ['12345', 6, '12345'],
    ['12345678', 6, '123456'],
    ['no digits', 6, ''],
  ])('%j with %i digits is %j', (pasted, length, code) => expect(codeIn(pasted, length)).toBe(code))
})
