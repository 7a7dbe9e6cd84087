import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import type { AtAction } from '../../../src/core/ports.ts'
import type { Action, Challenge, User } from '../../../src/core/rows.ts'
import { type House, hashOf, type InHouse, MINUTE, newEnvironment, WEAK, WRONG } from './house.ts'
import {
  address,
  answer,
  approvalOf,
  ask,
  cancel,
  finish,
  LIVES,
  newAction,
  openingOf,
  press,
  send,
  sent,
  standing,
  told,
  toldAll,
  tracked,
  workingOf,
} from './tab.ts'

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

/** A step of an action, when it is due; `done` is what it answers then, `over` when the action is not to be worked on. */
interface Step {
  prepare(house: House): Promise<{ action: Action; challenge?: Challenge }>
  act(
    house: House,
    made: { action: Action; challenge?: Challenge },
    more: Partial<AtAction>,
  ): Promise<unknown>
  done: string
  over: string
}

const blank = (house: House): User => ({
  id: newId('usr', house.now()),
  environmentId: house.environment.id,
  externalId: null,
  name: null,
  username: null,
  locale: null,
  status: 'active',
  metadata: {},
  createdAt: house.now(),
  updatedAt: house.now(),
  lastSignInAt: null,
  identifiers: [],
})

const challengeOf = ({ challenge }: { challenge?: Challenge }): Challenge => {
  if (!challenge) throw new Error('nothing was sent')
  return challenge
}

const STEPS: Record<string, Step> = {
  addressAction: {
    prepare: async house => ({ action: await tracked(house) }),
    act: (house, { action }, more) => address(house, action, 'b@x.test', more),
    done: 'done',
    over: 'over',
  },
  sendInAction: {
    prepare: async house => {
      const action = await tracked(house)
      await address(house, action, 'a@x.test')
      return { action }
    },
    act: (house, { action }, more) => send(house, action, 'a@x.test', 'code', more),
    done: 'created',
    over: 'stateConflict',
  },
  'attemptInAction by a code': {
    prepare: house => sent(house),
    act: (house, made, more) =>
      answer(house, made.action, challengeOf(made), '', { at: more, attempt: { epoch: 1 } }),
    done: 'verified',
    over: 'stateConflict',
  },
  'attemptInAction by a link': {
    prepare: house => sent(house, 'a@x.test', 'link'),
    act: (house, made, more) =>
      press(house, made.action, challengeOf(made), { at: more, attempt: { epoch: 1 } }),
    done: 'verified',
    over: 'stateConflict',
  },
  askApproval: {
    prepare: house => sent(house, 'a@x.test', 'link'),
    act: (house, made, more) => ask(house, made.action, approvalOf(challengeOf(made), '42'), more),
    done: 'asked',
    over: 'stateConflict',
  },
  finishAction: {
    async prepare(house) {
      const made = await sent(house, 'a@x.test', 'link')
      await press(house, made.action, made.challenge, { withResult: false })
      return made
    },
    act: (house, { action }, more) => finish(house, action, more),
    done: 'done',
    over: 'over',
  },
  cancelAction: {
    prepare: house => sent(house),
    act: (house, { action }, more) => cancel(house, action, more),
    done: 'done',
    over: 'over',
  },
}

/** Why nobody works on an action: who calls, or what happened to it before. */
const REASONS: Record<string, (house: House, action: Action) => Promise<Partial<AtAction>>> = {
  'another working hash': async () => ({ workingHash: hashOf('another') }),
  'another environment': async house => ({
    origin: (await newEnvironment(house.store, 'test', house.now(), 'other')).origin,
  }),
  'another action': async house => ({ actionId: (await tracked(house)).id }),
  'a higher epoch': async () => ({ epoch: 2 }),
  'its end in time': async house => {
    house.advance(LIVES)
    return { now: house.now() }
  },
}

export function actions(inHouse: InHouse) {
  describe('an action', () => {
    it(
      'is kept as it was told, with one event',
      inHouse(async house => {
        const action = await tracked(house, { clientState: 's', loginHint: 'a@x.test' })
        expect(await house.store.findAction(house.environment.id, action.id)).toEqual(action)
        expect(await house.store.findActionByToken(workingOf(action))).toEqual({ action, challenge: null })
        const waiting = await sent(house)
        expect(await house.store.findActionByToken(workingOf(waiting.action))).toEqual({
          action: await house.store.findAction(house.environment.id, waiting.action.id),
          challenge: waiting.challenge,
        })
        expect(await house.store.findActionByToken(openingOf(action))).toBeNull()
        const { origin } = await newEnvironment(house.store, 'test', house.now(), 'other')
        expect(await house.store.findAction(origin.environmentId, action.id)).toBeNull()
        expect((await house.events('action.tracked')).at(-1)).toMatchObject({ actionId: action.id })
      }),
    )

    it(
      'is begun as often as its limit lets pass, however many begin at once',
      inHouse(async house => {
        const limits = [{ name: 'actionsPerIp', key: 'h', windows: [{ ms: 10 * MINUTE, max: 3 }] }]
        const begun = many(10, () => house.store.createAction(newAction(house, {}, { limits })))
        expect(await toldAll(begun)).toEqual({ tracked: 3, limited: 7 })
        expect(await house.events('action.tracked')).toHaveLength(3)
        expect(await house.rows('SELECT id FROM actions')).toHaveLength(3)
      }),
    )

    it(
      'makes its user in the same write, once for an externalId however many come at once',
      inHouse(async house => {
        const externalId = 'person-1'
        const userOf = (value: string): User => ({
          ...blank(house),
          externalId,
          identifiers: [{ type: 'email', value, spelling: value, verifiedAt: null, isPrimary: true }],
        })
        const track = (newUser: User, row: Partial<Action> = {}) =>
          house.store.createAction(newAction(house, { ...row, userId: newUser.id }, { newUser }))
        const begun = many(10, index => track(userOf(`a${index}@x.test`)))
        expect(await toldAll(begun)).toEqual({ tracked: 1, userKnown: 9 })
        expect(await house.rows('SELECT id FROM actions')).toHaveLength(1)
        const [user, ...others] = await house.rows('SELECT id FROM users')
        expect(others).toEqual([])
        expect(await house.rows('SELECT user_id, verified_at FROM identifiers')).toEqual([
          { user_id: user?.id, verified_at: null },
        ])
        expect((await house.events('user.created')).map(one => one.userId)).toEqual([user?.id])
        // Nobody is made for a reference by which something else was asked for, or the same.
        await tracked(house, { reference: 'r', askedHash: 'h' })
        const before = await standing(house)
        const another = { ...blank(house), externalId: 'person-2' }
        expect((await track(another, { reference: 'r', askedHash: 'x' })).kind).toBe('referenceTaken')
        expect((await track(another, { reference: 'r', askedHash: 'h' })).kind).toBe('repeated')
        expect(await standing(house)).toEqual(before)
      }),
    )

    for (const [name, { prepare, act, done, over }] of Object.entries(STEPS)) {
      for (const [reason, make] of Object.entries(REASONS)) {
        // A link stands for itself: there is no working token that could be another one.
        if (reason === 'another working hash' && /link|askApproval/.test(name)) continue
        it(
          `is left as it is by ${name} with ${reason}`,
          inHouse(async house => {
            const made = await prepare(house)
            const more = await make(house, made.action)
            const before = await standing(house)
            expect(await told(act(house, made, more))).toBe(over)
            expect(await standing(house)).toEqual(before)
          }),
        )
      }

      it(
        `takes ${name} until the last millisecond, and not after it was cancelled`,
        inHouse(async house => {
          const made = await prepare(house)
          house.advance(LIVES - 1)
          expect(await told(act(house, made, {}))).toBe(done)
          const next = await prepare(house)
          const isProven = name === 'finishAction'
          expect(await told(cancel(house, next.action))).toBe(isProven ? 'over' : 'done')
          if (isProven) return
          const before = await standing(house)
          expect(await told(act(house, next, {}))).toBe(over)
          expect(await standing(house)).toEqual(before)
        }),
      )
    }
  })

  describe('of many at once', () => {
    it(
      'one opens an action, and the working token of before drives it no more',
      inHouse(async house => {
        const action = await tracked(house)
        const opened = many(20, index =>
          house.store.openAction({
            openingHash: openingOf(action),
            workingHash: hashOf(action.id, index),
            now: house.now(),
            epoch: 1,
          }),
        )
        expect(await toldAll(opened)).toEqual({ done: 1, over: 19 })
        expect(await house.store.findActionByToken(workingOf(action))).toBeNull()
        expect(await told(address(house, action, 'a@x.test'))).toBe('over')
      }),
    )

    it(
      'either opens an action or works on it: never both',
      inHouse(async house => {
        for (let round = 0; round < 10; round++) {
          const action = await tracked(house)
          const outcomes = [
            house.store.openAction({
              openingHash: openingOf(action),
              workingHash: hashOf(action.id, 'next'),
              now: house.now(),
              epoch: 1,
            }),
            address(house, action, 'a@x.test'),
          ]
          expect(await toldAll(round % 2 ? outcomes : outcomes.reverse())).toEqual({ done: 1, over: 1 })
        }
      }),
    )

    it(
      'that send, the last one counts: a code of another is worth nothing',
      inHouse(async house => {
        const action = await tracked(house)
        await address(house, action, 'a@x.test')
        const created = await Promise.all(many(5, () => send(house, action, 'a@x.test')))
        const challenges = created.flatMap(one => (one.kind === 'created' ? one.challenge : []))
        expect(challenges).toHaveLength(5)
        const { challengeId } = (await house.store.findAction(house.environment.id, action.id)) ?? {}
        const [due, ...others] = challenges.toSorted(one => (one.id === challengeId ? -1 : 1))
        expect(due?.id).toBe(challengeId)
        for (const other of others) expect(await told(answer(house, action, other))).toBe('stateConflict')
        expect(due && (await told(answer(house, action, due)))).toBe('verified')
      }),
    )

    it(
      'right codes one proves, with one user and no session; the rest is too late',
      inHouse(async house => {
        const { action, challenge } = await sent(house)
        const { verified, ...late } = await toldAll(many(20, () => answer(house, action, challenge)))
        expect(verified).toBe(1)
        // Whoever looked at the action before the proof, and at the challenge after it, is told so.
        expect((late.stateConflict ?? 0) + (late.used ?? 0)).toBe(19)
        expect(await house.counts()).toMatchObject({ users: 1, identifiers: 1, sessions: 0 })
        expect(await house.events('action.challenge_succeeded')).toHaveLength(1)
        expect(await house.events('challenge.verified')).toHaveLength(1)
      }),
    )

    it(
      'wrong codes as many are judged as there are attempts, and none ends the action',
      inHouse(async house => {
        const { action, challenge } = await sent(house)
        const outcomes = many(20, () => answer(house, action, challenge, WRONG))
        expect(await toldAll(outcomes)).toEqual({ incorrect: 5, exhausted: 15 })
        expect(await told(answer(house, action, challenge, WEAK))).toBe('exhausted')
        expect(await house.store.findAction(house.environment.id, action.id)).toMatchObject({
          state: 'CHALLENGE_REQUIRED',
        })
      }),
    )

    it(
      'one cancels, with one event',
      inHouse(async house => {
        const { action } = await sent(house)
        expect(await toldAll(many(20, () => cancel(house, action)))).toEqual({ done: 1, over: 19 })
        expect(await house.events('action.challenge_failed')).toHaveLength(1)
      }),
    )

    it(
      'cancel and proof, one happened wholly and the other not at all',
      inHouse(async house => {
        for (let round = 0; round < 10; round++) {
          const to = `c${round}@x.test`
          const { action, challenge } = await sent(house, to)
          const [first, second] = await Promise.all(
            round % 2
              ? [told(cancel(house, action)), told(answer(house, action, challenge))].reverse()
              : [told(answer(house, action, challenge)), told(cancel(house, action))],
          )
          expect([first, second]).toEqual(
            first === 'verified' ? ['verified', 'over'] : ['stateConflict', 'done'],
          )
          const isProven = first === 'verified'
          const users = await house.rows(`SELECT user_id FROM identifiers WHERE value = '${to}'`)
          expect(users).toHaveLength(isProven ? 1 : 0)
          const { state } = (await house.store.findAction(house.environment.id, action.id)) ?? {}
          expect(state).toBe(isProven ? 'CHALLENGE_SUCCEEDED' : 'CHALLENGE_FAILED')
        }
      }),
    )
  })

  describe('an action that moved on meanwhile', () => {
    it(
      'takes back a whole send to the address of before',
      inHouse(async house => {
        const action = await tracked(house)
        await address(house, action, 'new@x.test')
        const before = await standing(house)
        expect(await told(send(house, action, 'old@x.test'))).toBe('stateConflict')
        expect(await standing(house)).toEqual(before)
        expect(await house.events('challenge.created')).toEqual([])
      }),
    )

    it(
      'sends to the address that stands, or not at all',
      inHouse(async house => {
        for (let round = 0; round < 10; round++) {
          const action = await tracked(house)
          await address(house, action, 'one@x.test')
          const before = (await house.counts()).messages ?? 0
          const [outcome] = await Promise.all([
            told(send(house, action, 'one@x.test')),
            told(address(house, action, 'two@x.test')),
          ])
          const after = await house.store.findAction(house.environment.id, action.id)
          expect(after).toMatchObject({ address: 'two@x.test', challengeId: null })
          expect((await house.counts()).messages).toBe(before + (outcome === 'created' ? 1 : 0))
        }
      }),
    )

    it(
      'is proven for the address that stands, or not at all',
      inHouse(async house => {
        for (let round = 0; round < 10; round++) {
          const to = `d${round}@x.test`
          const { action, challenge } = await sent(house, to)
          const [first, second] = await Promise.all([
            told(answer(house, action, challenge)),
            told(address(house, action, 'two@x.test')),
          ])
          expect([first, second]).toEqual(
            first === 'verified' ? ['verified', 'over'] : ['stateConflict', 'done'],
          )
          const users = await house.rows(`SELECT user_id FROM identifiers WHERE value = '${to}'`)
          expect(users).toHaveLength(first === 'verified' ? 1 : 0)
        }
      }),
    )

    it(
      'is not proven by a code of before the user was blocked',
      inHouse(async house => {
        const user = await house.newUser([{ value: 'a@x.test', verifiedAt: house.now() }])
        const { action, challenge } = await sent(house)
        await house.store.setUserStatus(user.id, 'blocked', house.origin, house.now())
        expect(await told(answer(house, action, challenge))).toBe('expired')
        expect(await told(finish(house, action))).toBe('over')
        expect(await house.counts()).toMatchObject({ sessions: 0 })
      }),
    )

    it(
      'fails where the proof meets a closed sign-up',
      inHouse(async house => {
        const { action, challenge } = await sent(house)
        const how = { attempt: { isSignUpOpen: false } }
        expect(await told(answer(house, action, challenge, '', how))).toBe('signUpClosed')
        expect(await house.store.findAction(house.environment.id, action.id)).toMatchObject({
          state: 'CHALLENGE_FAILED',
          reason: 'blocked',
        })
        expect(await house.counts()).toMatchObject({ users: 0 })
        expect(await told(address(house, action, 'b@x.test'))).toBe('over')
      }),
    )
  })
}
