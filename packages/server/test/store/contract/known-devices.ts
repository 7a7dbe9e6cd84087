import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import type { KnownSend, Limit } from '../../../src/core/ports.ts'
import type { Challenge } from '../../../src/core/rows.ts'
import {
  type Asked,
  DAY,
  EXPOSURE,
  HOUR,
  type House,
  hashOf,
  type InHouse,
  identifier,
  MINUTE,
  newEnvironment,
  STRONG,
  somewhere,
  tally,
  times,
  WEAK,
  WRONG,
} from './house.ts'
import * as tab from './tab.ts'

const hour = (name: string, max: number, key: string): Limit => ({ name, key, windows: [{ ms: HOUR, max }] })
/** What strangers use up. */
const USED_UP = [hour('sendsPerAddress', 1, 'a@x.test')]

/** The token of this number, shown with a send. */
const shown = (number: number, limits: Limit[] = [], max = 5): KnownSend => ({
  tokenHash: hashOf('device token', number),
  own: { name: 'sendsPerKnownDevice', windows: [{ ms: HOUR, max }] },
  limits,
})
/** Of a sign-in in a browser that shows a token, or has none yet: it gets the token of this number. */
const device = (house: House, number: number, from: number | null = null) => ({
  id: newId('dev', house.now()),
  tokenHash: hashOf('device token', number),
  presentedHash: from === null ? null : hashOf('device token', from),
  rememberMs: 90 * DAY,
})

/** Signs in on a device that has the token of this number then. */
async function signInOn(house: House, to: string, number: number, from: number | null = null) {
  const challenge = await house.created(to)
  const session = { ...house.newSession(), device: device(house, number, from) }
  const outcome = await house.verify(challenge, challenge.isStrong ? STRONG : WEAK, { session })
  if (outcome.kind !== 'verified' || !outcome.user || !outcome.session?.deviceId)
    throw new Error(outcome.kind)
  return { user: outcome.user, deviceId: outcome.session.deviceId }
}

/** One more address that the user has proven. */
const addSecond = (house: House, userId: string) =>
  house.store.addIdentifier(
    userId,
    identifier('b@x.test', { verifiedAt: house.now(), isPrimary: false }),
    house.origin,
    house.now(),
  )

const send = (house: House, to: string, known: KnownSend | null, more: Asked['more'] = {}) =>
  house.store.createChallenge(house.newChallenge(to, { more: { known, ...more } }))
const guess = async (house: House, challenge: Pick<Challenge, 'id'>, count = 5) => {
  for (let index = 0; index < count; index++) await house.verify(challenge, WRONG)
}

export function knownDevices(inHouse: InHouse) {
  describe('a known device', () => {
    it(
      'sends when strangers have used up what the address has, and takes nothing from that',
      inHouse(async house => {
        const { user, deviceId } = await signInOn(house, 'a@x.test', 1)
        const more = { limits: USED_UP }
        expect((await send(house, 'a@x.test', null, more)).kind).toBe('created')
        expect(await send(house, 'a@x.test', null, more)).toMatchObject({ limit: 'sendsPerAddress' })
        expect(await send(house, 'a@x.test', shown(1), more)).toMatchObject({
          kind: 'created',
          challenge: { deviceId, ownerId: user.id },
        })
        house.advance(2 * HOUR)
        for (let index = 0; index < 3; index++)
          expect((await send(house, 'a@x.test', shown(1), more)).kind).toBe('created')
        expect((await send(house, 'a@x.test', null, more)).kind).toBe('created')
      }),
    )

    it(
      'has its own number: of many at once exactly N pass, whichever of the addresses they go to',
      inHouse(async house => {
        const { user } = await signInOn(house, 'a@x.test', 1)
        await addSecond(house, user.id)
        const outcomes = await times(30, index =>
          send(house, index % 2 === 0 ? 'a@x.test' : 'b@x.test', shown(1, [], 7), { limits: [] }),
        )
        expect(tally(outcomes)).toEqual({ created: 7, limited: 23 })
        expect(outcomes.find(({ kind }) => kind === 'limited')).toMatchObject({
          limit: 'sendsPerKnownDevice',
        })
        expect(await house.events('limit.fired')).toHaveLength(1)
      }),
    )

    it(
      'is not spared what holds for an IP',
      inHouse(async house => {
        await signInOn(house, 'a@x.test', 1)
        const known = shown(1, [hour('sendsPerIp', 1, '198.51.1.7')])
        expect((await send(house, 'a@x.test', known)).kind).toBe('created')
        expect(await send(house, 'a@x.test', known)).toMatchObject({ kind: 'limited', limit: 'sendsPerIp' })
        // What was refused took nothing from the device.
        expect(
          tally(await Promise.all(Array.from({ length: 5 }, () => send(house, 'a@x.test', shown(1, [], 5))))),
        ).toEqual({ created: 4, limited: 1 })
      }),
    )

    it(
      'counts a bucket for each user, so that none of several people uses up another’s',
      inHouse(async house => {
        await signInOn(house, 'a@x.test', 1)
        await signInOn(house, 'b@x.test', 2, 1)
        expect(tally(await times(3, () => send(house, 'a@x.test', shown(2, [], 2))))).toEqual({
          created: 2,
          limited: 1,
        })
        expect((await send(house, 'b@x.test', shown(2, [], 2))).kind).toBe('created')
        // A new token does not empty it.
        await signInOn(house, 'c@x.test', 3, 2)
        expect((await send(house, 'a@x.test', shown(3, [], 2))).kind).toBe('limited')
      }),
    )

    const AS_NONE: [string, (house: House) => Promise<void>][] = [
      ['an unknown token', async () => {}],
      ['a token of another user', async house => void (await signInOn(house, 'b@x.test', 1))],
      [
        'a token that moved on',
        async house => {
          await signInOn(house, 'a@x.test', 1)
          await signInOn(house, 'b@x.test', 2, 1)
        },
      ],
      [
        'a device that is ended for the user',
        async house => {
          const { user, deviceId } = await signInOn(house, 'a@x.test', 1)
          await house.store.endDevice(user.id, deviceId, house.origin, house.now())
        },
      ],
      [
        'a device of another epoch',
        async house => {
          await signInOn(house, 'a@x.test', 1)
          await house.store.begin({ now: house.now(), epoch: 2, keyIds: ['keyid-01'] })
        },
      ],
    ]
    for (const [name, prepare] of AS_NONE)
      it(
        `is no other: ${name} counts as none`,
        inHouse(async house => {
          // Who has proven it, or the token would be known to nobody anyway.
          await house.signIn('a@x.test')
          await prepare(house)
          const epoch = name.includes('epoch') ? 2 : 1
          const ask = (known: KnownSend | null) =>
            house.store.createChallenge(
              house.newChallenge('a@x.test', { row: { epoch }, more: { known, limits: USED_UP, epoch } }),
            )
          expect(await ask(shown(1))).toMatchObject({ kind: 'created', challenge: { deviceId: null } })
          const refused = await ask(shown(1))
          expect(refused).toMatchObject({ kind: 'limited', limit: 'sendsPerAddress' })
          expect(await ask(null)).toEqual(refused)
          expect(await house.rows("SELECT id FROM limits WHERE id LIKE '%sendsPerKnownDevice%'")).toEqual([])
        }),
      )

    it(
      'is no other: a device of another environment counts as none',
      inHouse(async house => {
        await signInOn(house, 'a@x.test', 1)
        const { app, origin } = await newEnvironment(house.store, 'live', house.now(), 'live')
        await house.newUser([{ value: 'a@x.test', verifiedAt: house.now() }], {}, origin)
        const outcome = await house.store.createChallenge(
          house.newChallenge('a@x.test', {
            row: { environmentId: origin.environmentId, appId: app.id },
            more: { origin, known: shown(1) },
          }),
        )
        expect(outcome).toMatchObject({ kind: 'created', challenge: { deviceId: null } })
      }),
    )

    it(
      'is not known to whom the address does not belong, or does not belong yet',
      inHouse(async house => {
        const { user } = await signInOn(house, 'a@x.test', 1)
        await house.newUser([{ value: 'other@x.test', verifiedAt: house.now() }])
        for (const to of ['other@x.test', 'nobody@x.test', 'a@x.tes', 'a@x.test2'])
          expect(await send(house, to, shown(1))).toMatchObject({
            kind: 'created',
            challenge: { deviceId: null },
          })
        expect(await send(house, 'a@x.test', shown(1), { userId: user.id })).toMatchObject({
          kind: 'created',
          challenge: { userId: user.id, ownerId: user.id, deviceId: expect.stringMatching(/^dev_/) },
        })
      }),
    )

    it(
      'counts a resend, too, and only while it knows the owner',
      inHouse(async house => {
        const { user, deviceId } = await signInOn(house, 'a@x.test', 1)
        const knownLimits = [hour('sendsPerKnownDevice', 2, `${user.id} ${deviceId}`)]
        const begun = await house.created('a@x.test', { more: { known: shown(1, [], 2) } })
        const full = { limits: USED_UP, knownLimits }
        await house.created('a@x.test', { more: { limits: USED_UP } })
        house.advance(31_000)
        expect((await house.resend(begun, 2, full)).kind).toBe('resent')
        house.advance(61_000)
        expect(await house.resend(begun, 3, full)).toMatchObject({ limit: 'sendsPerKnownDevice' })
        await house.store.endDevice(user.id, deviceId, house.origin, house.now())
        expect(await house.resend(begun, 3, full)).toMatchObject({ limit: 'sendsPerAddress' })
        expect((await house.resend(begun, 3, { knownLimits })).kind).toBe('resent')
      }),
    )

    it(
      'counts where it is sent inside an action',
      inHouse(async house => {
        const { deviceId } = await signInOn(house, 'a@x.test', 1)
        const action = await tab.tracked(house)
        await tab.address(house, action, 'a@x.test')
        const outcome = await house.store.sendInAction({
          ...tab.at(house, action),
          challenge: house.newChallenge('a@x.test', {
            row: { actionId: action.id, opensSession: false },
            more: { known: shown(1, [], 1), limits: USED_UP },
          }),
        })
        expect(outcome).toMatchObject({ kind: 'created', challenge: { deviceId } })
        expect((await send(house, 'a@x.test', shown(1, [], 1))).kind).toBe('limited')
      }),
    )
  })

  describe('exposure of a known device', () => {
    it(
      'is its own: strangers do not force it on to long codes, and it does not force them',
      inHouse(async house => {
        await signInOn(house, 'a@x.test', 1)
        for (let index = 0; index < 2; index++) await guess(house, await house.created('a@x.test'))
        expect((await house.created('a@x.test')).isStrong).toBe(true)
        expect(await send(house, 'a@x.test', shown(1))).toMatchObject({ challenge: { isStrong: false } })

        await signInOn(house, 'b@x.test', 2)
        for (let index = 0; index < 2; index++)
          await guess(house, await house.created('b@x.test', { more: { known: shown(2, [], 50) } }))
        expect((await house.created('b@x.test')).isStrong).toBe(false)
      }),
    )

    it(
      'has the bounds of an address: a stolen token guesses ten times an hour and twenty a day, at all addresses together',
      inHouse(async house => {
        const { user } = await signInOn(house, 'a@x.test', 1)
        await addSecond(house, user.id)
        const strengths: boolean[] = []
        for (let index = 0; index < 8; index++) {
          const to = index % 2 === 0 ? 'a@x.test' : 'b@x.test'
          const { isStrong, ...challenge } = await house.created(to, { more: { known: shown(1, [], 50) } })
          strengths.push(isStrong)
          if (!isStrong) await guess(house, challenge)
          if (index % 3 === 2) house.advance(75 * MINUTE)
        }
        expect(strengths).toEqual([false, false, true, false, false, true, true, true])
        house.advance(25 * HOUR)
        expect(await send(house, 'a@x.test', shown(1))).toMatchObject({ challenge: { isStrong: false } })
      }),
    )

    it(
      'is that of one user: what others guess on it does not count',
      inHouse(async house => {
        await signInOn(house, 'a@x.test', 1)
        await signInOn(house, 'b@x.test', 2, 1)
        for (let index = 0; index < 2; index++)
          await guess(house, await house.created('a@x.test', { more: { known: shown(2, [], 50) } }))
        expect(await send(house, 'a@x.test', shown(2, [], 50))).toMatchObject({
          challenge: { isStrong: true },
        })
        expect(await send(house, 'b@x.test', shown(2, [], 50))).toMatchObject({
          challenge: { isStrong: false },
        })
      }),
    )

    it(
      'bounds resends, also after it has ended',
      inHouse(async house => {
        const { user, deviceId } = await signInOn(house, 'a@x.test', 1)
        const known = { more: { known: shown(1, [], 50) } }
        await guess(house, await house.created('a@x.test', known))
        const second = await house.created('a@x.test', known)
        await house.store.endDevice(user.id, deviceId, house.origin, house.now())
        house.advance(31_000)
        expect(await house.resend(second)).toMatchObject({ earlierCodes: 'replaced' })
        // And of the address nothing was taken by it.
        house.advance(61_000)
        const stranger = await house.created('a@x.test')
        house.advance(31_000)
        expect(await house.resend(stranger)).toMatchObject({ earlierCodes: 'valid' })
      }),
    )

    it(
      'does not lift what protects the whole environment',
      inHouse(async house => {
        await signInOn(house, 'a@x.test', 1)
        const narrow = { ...EXPOSURE, perEnvironment: { tenMinutes: 2, factor: 5, cap: 500 } }
        const other = await house.created('other@x.test')
        for (const number of [1, 2])
          await house.verify(other, WRONG, { exposure: narrow, circumstances: somewhere(number) })
        expect(await send(house, 'a@x.test', shown(1), { exposure: narrow })).toMatchObject({
          challenge: { isStrong: true },
        })
      }),
    )
  })
}
