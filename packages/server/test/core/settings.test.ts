import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  DEFAULTS,
  effectiveSettings,
  mergePatch,
  patchSettings,
  Settings,
} from '../../src/core/settings/settings.ts'

// The examples of RFC 7396, appendix A.
const EXAMPLES: [target: unknown, patch: unknown, result: unknown][] = [
  [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
  [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
  [{ a: 'b' }, { a: null }, {}],
  [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
  [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
  [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
  [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
  [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
  [
    ['a', 'b'],
    ['c', 'd'],
    ['c', 'd'],
  ],
  [{ a: 'b' }, ['c'], ['c']],
  [{ a: 'foo' }, null, null],
  [{ a: 'foo' }, 'bar', 'bar'],
  [{ e: null }, { a: 1 }, { e: null, a: 1 }],
  [[1, 2], { a: 'b', c: null }, { a: 'b' }],
  [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
]

describe('a merge patch', () => {
  test.each(EXAMPLES)('of %j by %j gives %j', (target, patch, result) => {
    expect(mergePatch(target, patch)).toEqual(result)
  })
  test('leaves the prototype of objects alone', () => {
    const result = mergePatch(
      {},
      JSON.parse('{"__proto__":{"isAdmin":true},"a":{"__proto__":{"isAdmin":true}}}'),
    )
    expect((result as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
  })
  test('changes neither target nor patch', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (target, patch) => {
        const before = JSON.stringify([target, patch])
        mergePatch(target, patch)
        expect(JSON.stringify([target, patch])).toBe(before)
      }),
    )
  })
})

describe('settings', () => {
  test('are valid by default, and what holds is always whole', () => {
    expect(Settings.parse(DEFAULTS)).toEqual(DEFAULTS)
    expect(effectiveSettings({})).toEqual(DEFAULTS)
    expect(effectiveSettings({ challenge: { codeLength: 8 } }).challenge).toEqual({
      ...DEFAULTS.challenge,
      codeLength: 8,
    })
  })
  test('under ostiary dev have ten times the per-address and per-IP numbers, and no other', () => {
    const { limits } = effectiveSettings({}, 10)
    expect(limits.sendsPerAddress).toEqual({ hour: 150, day: 400 })
    expect(limits.sendsPerIp).toEqual({ hour: 300 })
    expect(limits.wrongPerIp).toEqual({ tenMinutes: 600 })
    expect(limits.weakGuessesPerAddress).toEqual(DEFAULTS.limits.weakGuessesPerAddress)
    expect(limits.weakGuessesPerEnvironment).toEqual(DEFAULTS.limits.weakGuessesPerEnvironment)
  })
  test('after any patch are valid or unchanged', () => {
    const names = Object.keys(DEFAULTS)
    const patches = fc.dictionary(fc.constantFrom(...names, 'nonsense'), fc.jsonValue({ maxDepth: 2 }))
    fc.assert(
      fc.property(patches, patch => {
        let next: Record<string, unknown>
        try {
          next = patchSettings({}, patch)
        } catch (error) {
          expect(error).toMatchObject({ code: 'invalid_request' })
          return
        }
        expect(Settings.safeParse(effectiveSettings(next)).success).toBe(true)
      }),
      { numRuns: 500 },
    )
  })
})
