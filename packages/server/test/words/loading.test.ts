import { readFileSync } from 'node:fs'
import { expect, test, vi } from 'vitest'
import { effectiveSettings } from '../../src/core/settings/settings.ts'
import { wordsFor } from '../../src/words/catalogue.ts'

vi.mock('node:fs', { spy: true })

test('a language is read when it is first asked for, once, and no other is', () => {
  const read = () =>
    vi
      .mocked(readFileSync)
      .mock.calls.map(([file]) => /src\/words\/([\w-]+\.json)$/.exec(String(file))?.[1])
      .filter(file => file !== undefined)
  expect(read()).toEqual([])
  for (let time = 0; time < 3; time++) {
    wordsFor(['ja'], effectiveSettings({}), 'mail.')
    wordsFor(['xx', 'ja'], null, 'link.')
  }
  expect(read()).toEqual(['ja.json'])
  wordsFor(['pt-PT'], null, 'signIn.')
  expect(read()).toEqual(['ja.json', 'pt-BR.json'])
})
