import { describe, expect, it } from 'vitest'
import type { AtAction } from '../../../src/core/ports.ts'
import { DAY, type House, type InHouse, MINUTE } from './house.ts'
import {
  approvalOf,
  ask,
  cancel,
  finish,
  press,
  send,
  sent,
  standing,
  told,
  toldAll,
  tracked,
} from './tab.ts'

const many = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index))

type Made = Awaited<ReturnType<typeof sent>>
const waiting = (house: House, to?: string): Promise<Made> => sent(house, to, 'link')
const type = (
  house: House,
  { action, challenge }: Made,
  number: string,
  { browser = 'phone', at = {} }: { browser?: string; at?: Partial<AtAction> } = {},
) =>
  told(
    press(house, action, challenge, {
      approval: approvalOf(challenge, number, browser),
      withResult: false,
      at,
    }),
  )

/** Numbers that prove nothing, after 42 was drawn for the browser `phone`. */
const USELESS: Record<string, [outcome: string, act: (house: House, made: Made) => Promise<string>]> = {
  'another number': ['approvalWrong', (house, made) => type(house, made, '43')],
  'the number in another browser': [
    'approvalOver',
    (house, made) => type(house, made, '42', { browser: 'laptop' }),
  ],
  'the number after two minutes': [
    'approvalOver',
    (house, made) => {
      house.advance(2 * MINUTE)
      return type(house, made, '42')
    },
  ],
  'the number of before, once another was drawn': [
    'approvalWrong',
    async (house, made) => {
      await ask(house, made.action, approvalOf(made.challenge, '17'))
      return type(house, made, '42')
    },
  ],
  'the number that another browser has now': [
    'approvalOver',
    async (house, made) => {
      await ask(house, made.action, approvalOf(made.challenge, '42', 'laptop'))
      return type(house, made, '42')
    },
  ],
  'the number of another challenge': [
    'approvalOver',
    async (house, made) => {
      await send(house, made.action, 'a@x.test', 'link')
      return type(house, made, '42')
    },
  ],
  'the number after the action was cancelled': [
    'approvalOver',
    async (house, made) => {
      await cancel(house, made.action)
      return type(house, made, '42')
    },
  ],
  'the number of another action': [
    'approvalOver',
    async (house, made) => type(house, made, '42', { at: { actionId: (await tracked(house)).id } }),
  ],
  'the number by another epoch': [
    'approvalOver',
    (house, made) => type(house, made, '42', { at: { epoch: 2 } }),
  ],
}

export function approvals(inHouse: InHouse) {
  describe('an approval', () => {
    it(
      'proves for the first tab, which takes the result: once',
      inHouse(async house => {
        const made = await waiting(house)
        expect(await told(ask(house, made.action, approvalOf(made.challenge, '42')))).toBe('asked')
        expect(await type(house, made, '42')).toBe('verified')
        expect(await toldAll(many(20, index => finish(house, made.action, {}, `r${index}`)))).toEqual({
          done: 1,
          over: 19,
        })
        expect(await house.counts()).toMatchObject({ users: 1, sessions: 0 })
        expect(await house.events('challenge.link_approved')).toMatchObject([{ data: { isRight: true } }])
      }),
    )

    it(
      'is nothing that nobody asked for',
      inHouse(async house => {
        const made = await waiting(house)
        const before = await standing(house)
        for (const number of ['', '42', 'null']) expect(await type(house, made, number)).toBe('approvalOver')
        expect(await standing(house)).toEqual(before)
      }),
    )

    it(
      'is not asked for by the link of a challenge that was let go',
      inHouse(async house => {
        const made = await waiting(house)
        await send(house, made.action, 'a@x.test', 'link')
        const before = await standing(house)
        expect(await told(ask(house, made.action, approvalOf(made.challenge, '42')))).toBe('stateConflict')
        expect(await standing(house)).toEqual(before)
      }),
    )

    for (const [name, [outcome, act]] of Object.entries(USELESS))
      it(
        `is not given by ${name}`,
        inHouse(async house => {
          const made = await waiting(house)
          await ask(house, made.action, approvalOf(made.challenge, '42'))
          expect(await act(house, made)).toBe(outcome)
          const after = await house.store.findAction(house.environment.id, made.action.id)
          expect(after?.state).not.toBe('CHALLENGE_SUCCEEDED')
          expect(await house.counts()).toMatchObject({ users: 0, sessions: 0 })
          expect(await told(finish(house, made.action))).toBe('over')
        }),
      )

    it(
      'that many asked for at once belongs to one of them',
      inHouse(async house => {
        const { action, challenge } = await waiting(house)
        const asked = many(8, index =>
          ask(house, action, approvalOf(challenge, `${10 + index}`, `b${index}`)),
        )
        expect(await toldAll(asked)).toEqual({ asked: 8 })
        const { approvalNumber } = (await house.store.findAction(house.environment.id, action.id)) ?? {}
        const typed = many(8, index =>
          press(house, action, challenge, {
            approval: approvalOf(challenge, `${10 + index}`, `b${index}`),
            withResult: false,
          }),
        )
        const outcomes = await Promise.all(typed.map(told))
        expect(outcomes.filter(one => one === 'verified')).toHaveLength(1)
        expect(outcomes.indexOf('verified')).toBe(Number(approvalNumber) - 10)
      }),
    )

    it(
      'of many wrong numbers ends by the first, and counts one',
      inHouse(async house => {
        const made = await waiting(house)
        for (let round = 0; round < 3; round++) {
          await ask(house, made.action, approvalOf(made.challenge, '42'))
          const outcomes = await Promise.all(many(10, () => type(house, made, '43')))
          expect(outcomes.filter(one => one === 'approvalWrong')).toHaveLength(1)
          expect(outcomes.filter(one => one === 'approvalOver')).toHaveLength(9)
        }
        expect(await house.events('challenge.link_approved')).toHaveLength(3)
        // Three a day: from now on nobody is asked, here and in any other action for the address.
        expect(await told(ask(house, made.action, approvalOf(made.challenge, '42')))).toBe('limited')
        const next = await waiting(house)
        expect(await told(ask(house, next.action, approvalOf(next.challenge, '42')))).toBe('limited')
        const other = await waiting(house, 'b@x.test')
        expect(await told(ask(house, other.action, approvalOf(other.challenge, '42')))).toBe('asked')
        const [row] = await house.rows(
          `SELECT attempts_left FROM challenges WHERE id = '${made.challenge.id}'`,
        )
        expect(row?.attempts_left).toBe(5)
        house.advance(DAY + 24 * MINUTE)
        const tomorrow = await waiting(house)
        expect(await told(ask(house, tomorrow.action, approvalOf(tomorrow.challenge, '42')))).toBe('asked')
      }),
    )

    it(
      'that was asked for before the third wrong number counts no more',
      inHouse(async house => {
        const [first, second] = [await waiting(house), await waiting(house)]
        await ask(house, second.action, approvalOf(second.challenge, '77'))
        for (let round = 0; round < 3; round++) {
          await ask(house, first.action, approvalOf(first.challenge, '42'))
          expect(await type(house, first, '43')).toBe('approvalWrong')
        }
        expect(await type(house, second, '77')).toBe('limited')
        expect(await house.counts()).toMatchObject({ users: 0 })
      }),
    )
  })
}
