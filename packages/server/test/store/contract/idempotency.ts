import { describe, expect, it } from 'vitest'
import { OstiaryError } from '../../../src/core/errors.ts'
import { type Once, Replayed } from '../../../src/core/ports.ts'
import { HOUR, hashOf, type InHouse, times, WEAK, WRONG } from './house.ts'

function once<T extends { kind: string }>(id: string, bodyHash = 'body', keepMs = HOUR): Once<T> {
  let answers = 0
  return {
    id,
    environmentId: 'env',
    bodyHash,
    answer: async outcome =>
      ['created', 'verified'].includes(outcome.kind)
        ? { sealed: `${outcome.kind} ${answers++}`, keepMs }
        : null,
  }
}

const result = async (call: Promise<{ kind: string }>) => {
  try {
    return (await call).kind
  } catch (error) {
    if (error instanceof Replayed) return `replayed: ${error.sealed}`
    if (error instanceof OstiaryError) return error.code
    throw error
  }
}

export function idempotency(inHouse: InHouse) {
  describe('Idempotency-Key', () => {
    it(
      'of many calls at once lets one have an effect, and gives its answer to the others',
      inHouse(async house => {
        const results = await times(20, () =>
          result(house.store.createChallenge(house.newChallenge('a@x.test'), once('key'))),
        )
        expect(results.sort()).toEqual(['created', ...new Array(19).fill('replayed: created 0')])
        expect(await house.counts()).toMatchObject({ challenges: 1, messages: 1 })
        expect(await house.rows('SELECT * FROM idempotency')).toHaveLength(1)
      }),
    )

    it(
      'keeps nothing of a refusal, which spends its attempt all the same',
      inHouse(async house => {
        const challenge = await house.created('a@x.test')
        const attempt = (code: string) => {
          const hashes = [hashOf(challenge.id, code === WRONG ? WRONG : WEAK)]
          const proof = { kind: 'code' as const, challengeId: challenge.id, hashes }
          return result(house.store.attempt(house.attemptOf(proof), once('key')))
        }
        expect(await attempt(WRONG)).toBe('incorrect')
        expect(await house.rows('SELECT * FROM idempotency')).toEqual([])
        expect(await attempt('right')).toBe('verified')
        expect(await attempt('right')).toBe('replayed: verified 0')
        expect(await house.store.findChallenge(house.environment.id, challenge.id)).toMatchObject({
          attemptsLeft: 3,
        })
      }),
    )

    it(
      'with another body is refused without an effect',
      inHouse(async house => {
        const send = (body: string) =>
          result(house.store.createChallenge(house.newChallenge('a@x.test'), once('key', body)))
        expect(await send('one')).toBe('created')
        expect(await send('two')).toBe('idempotency_key_reused')
        expect(await house.counts()).toMatchObject({ challenges: 1 })
        expect(await send('one')).toBe('replayed: created 0')
      }),
    )

    it(
      'is forgotten from the instant of its end on',
      inHouse(async house => {
        const send = (body: string) =>
          result(house.store.createChallenge(house.newChallenge('a@x.test'), once('key', body)))
        await send('one')
        house.advance(HOUR - 1)
        expect(await send('one')).toBe('replayed: created 0')
        house.advance(1)
        expect(await send('two')).toBe('created')
        expect(await send('two')).toBe('replayed: created 0')
      }),
    )

    it(
      'commits with the effect or not at all',
      inHouse(async house => {
        const broken = { ...once<{ kind: string }>('key'), answer: () => Promise.reject(new Error('broken')) }
        const before = await house.counts()
        await expect(house.store.createChallenge(house.newChallenge('a@x.test'), broken)).rejects.toThrow(
          'broken',
        )
        expect(await house.counts()).toEqual(before)
        expect(await house.rows('SELECT * FROM idempotency')).toEqual([])
      }),
    )

    it(
      'keeps the answer of a call that changed nothing',
      inHouse(async house => {
        const keep = (kind: string) => result(house.store.keep({ kind }, house.now(), once('key')))
        expect(await keep('verified')).toBe('verified')
        expect(await keep('created')).toBe('replayed: verified 0')
        expect(await result(house.store.keep({ kind: 'verified' }, house.now()))).toBe('verified')
      }),
    )
  })
}
