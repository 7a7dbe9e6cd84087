import { describe, expect, it } from 'vitest'
import { DAY, type House, type InHouse, newEnvironment, page, somewhere, tally, times } from './house.ts'

async function open(house: House, to = 'a@x.test') {
  const { session, user } = await house.signIn(to)
  if (!session || !user) throw new Error('no session')
  // The first refresh token of a session is number 0 (see newSession).
  return { id: session.id, userId: user.id, session }
}

export function sessions(inHouse: InHouse) {
  describe('refresh', () => {
    it(
      'rotates once; of many at once three more get the same successor, and one more is reuse',
      inHouse(async house => {
        const { id } = await open(house)
        const outcomes = await times(4, () => house.rotate(id, 0))
        expect(tally(outcomes)).toEqual({ rotated: 1, repeated: 3 })
        for (const outcome of outcomes)
          if (outcome.kind === 'repeated')
            expect(outcome).toMatchObject({ salt: 'salt-0', keyId: 'keyid-01' })
        expect((await house.rotate(id, 0)).kind).toBe('reused')
        expect((await house.rotate(id, 1)).kind).toBe('invalid')
        expect(await house.events('session.refresh_reused')).toHaveLength(1)
        expect(await house.events('session.refreshed')).toHaveLength(4)
      }),
    )

    it(
      'repeats only for the same circumstances, within the grace time, while the successor is unused',
      inHouse(async house => {
        const [a, b, c] = [
          await open(house, 'a@x.test'),
          await open(house, 'b@x.test'),
          await open(house, 'c@x.test'),
        ]
        for (const { id } of [a, b, c]) await house.rotate(id, 0, { circumstances: somewhere(1) })
        const [host, agent] = [somewhere(2), { ...somewhere(1), userAgent: 'Chrome' }]
        expect((await house.rotate(a.id, 0, { circumstances: somewhere(1) })).kind).toBe('repeated')
        expect((await house.rotate(a.id, 0, { circumstances: host })).kind).toBe('reused')
        expect((await house.rotate(b.id, 0, { circumstances: agent })).kind).toBe('reused')
        expect((await house.rotate(c.id, 1)).kind).toBe('rotated')
        expect((await house.rotate(c.id, 0, { circumstances: somewhere(1) })).kind).toBe('reused')
        const d = await open(house, 'd@x.test')
        await house.rotate(d.id, 0)
        house.advance(9_999)
        expect((await house.rotate(d.id, 0)).kind).toBe('repeated')
        house.advance(1)
        expect((await house.rotate(d.id, 0)).kind).toBe('reused')
      }),
    )

    it(
      'with a token that this server did not make revokes nothing',
      inHouse(async house => {
        const { id } = await open(house)
        expect((await house.rotate(id, 7, { isGenuine: false })).kind).toBe('invalid')
        expect((await house.rotate(id, 0)).kind).toBe('rotated')
        expect((await house.rotate(id, 7)).kind).toBe('reused')
      }),
    )

    it(
      'is refused in another environment and epoch, and revokes nothing there',
      inHouse(async house => {
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const { id } = await open(house)
        expect((await house.rotate(id, 0, { origin: live.origin })).kind).toBe('invalid')
        expect((await house.rotate(id, 7, { origin: live.origin })).kind).toBe('invalid')
        expect((await house.rotate(id, 0, { epoch: 2 })).kind).toBe('invalid')
        expect((await house.rotate(id, 7, { epoch: 2 })).kind).toBe('invalid')
        expect((await house.rotate('ses_unknown', 0)).kind).toBe('invalid')
        expect((await house.rotate(id, 0)).kind).toBe('rotated')
      }),
    )

    it(
      'ends when idle for too long, and at the fixed end of the session',
      inHouse(async house => {
        const [idle, end] = [await open(house, 'a@x.test'), await open(house, 'b@x.test')]
        const week = { idleMs: 7 * DAY }
        for (let number = 0; number < 5; number++) {
          if (number < 2) expect((await house.rotate(idle.id, number, week)).kind).toBe('rotated')
          // The last rotation was on day 6; now it is day 18 or later, and the session itself lasts for 30.
          if (number > 2) expect((await house.rotate(idle.id, 2, week)).kind).toBe('invalid')
          const outcome = await house.rotate(end.id, number, week)
          if (outcome.kind !== 'rotated') throw new Error(outcome.kind)
          expect(outcome.session.expiresAt).toBe(end.session.expiresAt)
          expect(outcome.refreshExpiresAt).toBe(Math.min(house.now() + 7 * DAY, end.session.expiresAt))
          house.advance(6 * DAY)
        }
        expect((await house.rotate(idle.id, 2, week)).kind).toBe('invalid')
        expect((await house.rotate(end.id, 5, week)).kind).toBe('invalid')
      }),
    )

    it(
      'is refused for a blocked user, and for a revoked session, repeats too',
      inHouse(async house => {
        const [a, b] = [await open(house, 'a@x.test'), await open(house, 'b@x.test')]
        await house.rotate(a.id, 0)
        await house.rotate(b.id, 0)
        await house.store.setUserStatus(a.userId, 'blocked', house.origin, house.now())
        await house.store.setUserStatus(a.userId, 'active', house.origin, house.now())
        await house.store.revokeSession(b.id, house.origin, house.now())
        for (const { id } of [a, b]) {
          expect((await house.rotate(id, 0)).kind).toBe('invalid')
          expect((await house.rotate(id, 1)).kind).toBe('invalid')
        }
      }),
    )
  })

  describe('revocation', () => {
    it(
      'of one session happens once and is told once',
      inHouse(async house => {
        const { id } = await open(house)
        const outcomes = await times(5, () => house.store.revokeSession(id, house.origin, house.now()))
        expect(new Set(outcomes.map(one => one?.revokedAt))).toEqual(new Set([house.now()]))
        expect(await house.events('session.revoked')).toHaveLength(1)
        expect(await house.store.revokeSession('ses_unknown', house.origin, house.now())).toBeNull()
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        expect(await house.store.revokeSession(id, live.origin, house.now())).toBeNull()
      }),
    )

    it(
      'of all sessions of a user counts the live ones',
      inHouse(async house => {
        const { id, userId } = await open(house)
        await open(house)
        await open(house)
        const stranger = await open(house, 'b@x.test')
        await house.store.revokeSession(id, house.origin, house.now())
        const revoke = (user: string) => house.store.revokeUserSessions(user, house.origin, house.now())
        expect(await revoke(userId)).toBe(2)
        expect(await revoke(userId)).toBe(0)
        expect(await revoke('usr_unknown')).toBeNull()
        const list = await house.store.listSessions(house.environment.id, userId, page())
        expect(list.map(one => one.revokedAt)).toEqual([house.now(), house.now(), house.now()])
        expect((await house.rotate(stranger.id, 0)).kind).toBe('rotated')
      }),
    )

    it(
      'does not stop at looks: a session of another environment is not found',
      inHouse(async house => {
        const { id, session } = await open(house)
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        expect((await house.store.findSession(house.environment.id, id))?.session).toEqual(session)
        expect(await house.store.findSession(live.environment.id, id)).toBeNull()
        const now = house.now()
        expect(await house.store.findSessionNow(house.environment.id, id, now)).toMatchObject({
          session,
          at: now,
        })
        expect(await house.store.findSessionNow(live.environment.id, id, now)).toBeNull()
      }),
    )
  })
}
