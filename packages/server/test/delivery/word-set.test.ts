import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { LANGUAGES } from '../../src/delivery/words/catalogue.ts'

/** src/words/ is the one set for mails and element in ten languages. Until mails read it, the two may not drift apart. */
describe('the one set of words', () => {
  it.each(Object.keys(LANGUAGES))('says in %s what the mails say', language => {
    const file = new URL(`../../src/words/${language}.json`, import.meta.url)
    const texts: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'))
    const mails = Object.fromEntries(Object.entries(texts).filter(([key]) => key.startsWith('mail.')))
    expect(mails).toEqual(LANGUAGES[language])
  })
})
