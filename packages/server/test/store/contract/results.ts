import { describe, expect, it } from 'vitest'
import type { Action } from '../../../src/core/rows.ts'
import { type House, hashOf, type InHouse, MINUTE, newEnvironment } from './house.ts'
import { finish, LIVES, openSession, press, proven, RESULT_LIVES, sent, toldAll, validate } from './tab.ts'

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))
const sessionsOf = async (house: House) => (await house.counts()).sessions

type Validation = Parameters<typeof validate>[2]
type Opening = Parameters<typeof openSession>[2]
const elsewhere = async (house: House) =>
  (await newEnvironment(house.store, 'test', house.now(), 'other')).origin

/** What redeems nothing: how it is asked, for an action that was made so. */
const USELESS: Record<
  string,
  { row?: Partial<Action>; ask(house: House, action: Action): Promise<Validation>; kind?: string }
> = {
  'another token': { ask: async () => ({ resultHash: hashOf('another') }) },
  'another environment': { ask: async house => ({ origin: await elsewhere(house) }) },
  'another app': { ask: async () => ({ appId: 'app_other' }) },
  'another name': { ask: async () => ({ name: 'withdraw' }) },
  'another user': { ask: async () => ({ userId: 'usr_other' }) },
  'a higher epoch': { ask: async () => ({ epoch: 2 }) },
  'a verifier where none was bound': { ask: async () => ({ codeChallenge: 'S256' }) },
  'no verifier where one was bound': { row: { codeChallenge: 'S256' }, ask: async () => ({}) },
  'another verifier': {
    row: { codeChallenge: 'S256' },
    ask: async () => ({ codeChallenge: 'other' }),
  },
  'sixty seconds later': {
    async ask(house) {
      house.advance(RESULT_LIVES)
      return {}
    },
  },
  'the user deleted': {
    async ask(house, { userId }) {
      await house.store.deleteUser(userId ?? '', house.origin, house.now())
      return {}
    },
  },
  'the user blocked': {
    async ask(house, { userId }) {
      await house.store.setUserStatus(userId ?? '', 'blocked', house.origin, house.now())
      return {}
    },
  },
  'the user signed out everywhere': {
    async ask(house, { userId }) {
      await house.store.revokeUserSessions(userId ?? '', house.origin, house.now())
      return {}
    },
  },
}

/** Which actions open no session by their id. */
const CLOSED: Record<
  string,
  { row?: Partial<Action>; ask?(house: House, action: Action): Promise<Opening>; kind: string }
> = {
  'that a browser began': { row: { isTracked: false }, kind: 'stateConflict' },
  'that a verifier binds': { row: { codeChallenge: 'S256' }, kind: 'stateConflict' },
  'of another environment': {
    ask: async house => ({ origin: await elsewhere(house) }),
    kind: 'notFound',
  },
  'that is unknown': { ask: async () => ({ actionId: 'act_unknown' }), kind: 'notFound' },
  'of an earlier epoch': { ask: async () => ({ epoch: 2 }), kind: 'late' },
  'ten minutes after the proof': {
    async ask(house) {
      house.advance(10 * MINUTE)
      return {}
    },
    kind: 'late',
  },
}

export function results(inHouse: InHouse) {
  describe('the result of an action', () => {
    it(
      'opens one session for however many that redeem it at once, and tells all of the same user',
      inHouse(async house => {
        const { action, user } = await proven(house)
        const outcomes = await Promise.all(many(20, () => validate(house, action)))
        const valid = outcomes.flatMap(one => (one.kind === 'validated' ? one : []))
        expect(valid).toHaveLength(20)
        expect(valid.flatMap(one => one.session ?? [])).toHaveLength(1)
        expect(new Set(valid.map(one => one.user.id))).toEqual(new Set([user?.id]))
        expect(await sessionsOf(house)).toBe(1)
        expect(await house.events('action.validated')).toHaveLength(1)
        const [session] = valid.flatMap(one => one.session ?? [])
        const [proof] = await house.events('challenge.verified')
        expect(session).toMatchObject({ proofEventId: proof?.id, authTime: proof?.createdAt })
      }),
    )

    it(
      'is told again within the life of the action, without a session, and not after it',
      inHouse(async house => {
        const { action } = await proven(house)
        house.advance(RESULT_LIVES - 1)
        expect(await validate(house, action)).toMatchObject({
          kind: 'validated',
          session: { methods: ['emailCode'] },
        })
        house.advance(LIVES - RESULT_LIVES)
        expect(await validate(house, action)).toMatchObject({ kind: 'validated', session: null })
        house.advance(1)
        expect(await validate(house, action)).toEqual({ kind: 'tokenInvalid' })
        expect(await sessionsOf(house)).toBe(1)
      }),
    )

    for (const [name, { row, ask }] of Object.entries(USELESS))
      it(
        `is nothing with ${name}`,
        inHouse(async house => {
          const { action } = await proven(house, row)
          const outcome = await validate(house, action, await ask(house, action))
          expect(['tokenInvalid', 'userBlocked']).toContain(outcome.kind)
          expect(await sessionsOf(house)).toBe(0)
          expect(await house.events('action.validated')).toEqual([])
        }),
      )

    it(
      'survives four wrong verifiers and no fifth',
      inHouse(async house => {
        for (const [wrong, expected] of [
          [4, 'validated'],
          [5, 'tokenInvalid'],
        ] as const) {
          const { action } = await proven(house, { codeChallenge: 'S256' })
          const outcomes = many(wrong, () => validate(house, action, { codeChallenge: 'other' }))
          expect(await toldAll(outcomes)).toEqual({ tokenInvalid: wrong })
          expect((await validate(house, action, { codeChallenge: 'S256' })).kind).toBe(expected)
        }
      }),
    )

    it(
      'is taken by the answer of the proof: nobody finishes then',
      inHouse(async house => {
        const { action } = await proven(house)
        expect(await finish(house, action, {}, hashOf('other'))).toBeNull()
        const open = await sent(house, 'b@x.test')
        expect(await finish(house, open.action)).toBeNull()
      }),
    )

    it(
      'cannot be redeemed before somebody has taken it',
      inHouse(async house => {
        const { action, challenge } = await sent(house, 'a@x.test', 'link')
        await press(house, action, challenge, { withResult: false })
        expect((await validate(house, action)).kind).toBe('tokenInvalid')
        expect(await finish(house, action)).toMatchObject({ id: action.id })
        expect((await validate(house, action)).kind).toBe('validated')
      }),
    )
  })

  describe('the session of an action by its id', () => {
    it(
      'is opened once, however many ask at once; the result redeems without one then',
      inHouse(async house => {
        const { action } = await proven(house)
        const outcomes = many(20, () => openSession(house, action))
        expect(await toldAll(outcomes)).toEqual({ opened: 1, alreadyOpened: 19 })
        const valid = await validate(house, action)
        expect(valid).toMatchObject({ kind: 'validated', session: null })
        expect(await sessionsOf(house)).toBe(1)
      }),
    )

    it(
      'or by the result: one session between them',
      inHouse(async house => {
        for (let round = 0; round < 8; round++) {
          const { action } = await proven(house)
          const before = Number(await sessionsOf(house))
          const outcomes = [() => validate(house, action), () => openSession(house, action)]
          if (round % 2) outcomes.reverse()
          await Promise.all(outcomes.map(one => one()))
          expect(await sessionsOf(house)).toBe(before + 1)
        }
      }),
    )

    for (const [name, { row, ask, kind }] of Object.entries(CLOSED))
      it(
        `is not opened for one ${name}`,
        inHouse(async house => {
          const { action } = await proven(house, row)
          expect(await openSession(house, action, await ask?.(house, action))).toEqual({ kind })
          expect(await sessionsOf(house)).toBe(0)
        }),
      )

    it(
      'is not opened before the proof',
      inHouse(async house => {
        const { action } = await sent(house)
        expect(await openSession(house, action)).toEqual({ kind: 'stateConflict' })
      }),
    )
  })
}
