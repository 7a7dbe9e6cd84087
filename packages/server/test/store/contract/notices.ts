import { describe, expect, it } from 'vitest'
import { newId } from '../../../src/core/ids.ts'
import type { NewNotice, NewSession } from '../../../src/core/ports.ts'
import { DAY, EXPOSURE, HOUR, type House, type InHouse, page, somewhere, times, WEAK } from './house.ts'

const notice = (house: House, kind: NewNotice['kind'] = 'newDevice'): NewNotice => {
  const messageId = newId('msg', house.now())
  return {
    kind,
    messageId,
    expiresAt: house.now() + DAY,
    sealed: subject => `keyid-01.${messageId}.${subject ?? '-'}`,
  }
}

/** A session from somewhere, that tells of it where it is new. */
const from = (house: House, number: number): NewSession => ({
  ...house.newSession(),
  circumstances: somewhere(number),
  seenAs: `Firefox ${number}`,
  notice: notice(house),
})

async function signIn(house: House, to: string, number: number) {
  house.advance(1000)
  const challenge = await house.created(to)
  return await house.verify(challenge, WEAK, { session: from(house, number) })
}

const noticesIn = async (house: House) =>
  await house.rows('SELECT * FROM messages WHERE notice IS NOT NULL ORDER BY id')

/** A person whose second sign-in was told of. */
async function told(house: House, to = 'a@x.test') {
  await signIn(house, to, 1)
  await signIn(house, to, 2)
  const [row] = await noticesIn(house)
  if (!row) throw new Error('nothing was told')
  return row as { id: string; user_id: string }
}

const claimAll = (house: House) =>
  house.store.claimMessages({ now: house.now(), limit: 100, leaseMs: 30_000, busyDomains: [] })
const find = async (house: House, to: string | null) =>
  (await house.store.findMessages(house.environment.id, { to, challengeId: null }, page())).rows

export function notices(inHouse: InHouse) {
  describe('a security notice', () => {
    it(
      'of a new device is written with its session: not of the first, not of one seen before, not where nobody told',
      inHouse(async house => {
        const first = await signIn(house, 'a@x.test', 1)
        expect(await noticesIn(house)).toEqual([])
        await signIn(house, 'a@x.test', 1)
        const untold = { ...house.newSession(), notice: notice(house) }
        await house.verify(await house.created('a@x.test'), WEAK, { session: untold })
        expect(await noticesIn(house)).toEqual([])
        await signIn(house, 'a@x.test', 2)
        await signIn(house, 'a@x.test', 2)
        const userId = first.kind === 'verified' ? first.user?.id : null
        expect(await noticesIn(house)).toMatchObject([
          {
            challenge_id: null,
            notice: 'newDevice',
            user_id: userId,
            address: 'a@x.test',
            recipient: 'a@x.test',
            domain: 'x.test',
            status: 'queued',
            is_void: 0,
          },
        ])
        const silent = { ...from(house, 9), notice: null }
        await house.verify(await house.created('a@x.test'), WEAK, { session: silent })
        expect(await noticesIn(house)).toHaveLength(1)
        expect((await house.events('message.queued')).filter(one => one.challengeId === null)).toMatchObject([
          { userId, data: { notice: 'newDevice' } },
        ])
      }),
    )

    it(
      'of many sign-ins from one new place at once is there for each that could not see another',
      inHouse(async house => {
        await signIn(house, 'a@x.test', 1)
        const asked = await times(5, () => house.created('a@x.test'))
        await Promise.all(asked.map(one => house.verify(one, WEAK, { session: from(house, 2) })))
        // On PostgreSQL the address is locked, on SQLite one writes at a time: the second sees the first.
        expect(await noticesIn(house)).toHaveLength(1)
      }),
    )

    it(
      'is told by the listener, claimed once, and settled with an event of its user',
      inHouse(async house => {
        let rang = 0
        house.store.onQueued(() => rang++)
        await signIn(house, 'a@x.test', 1)
        await expect.poll(() => rang).toBe(1)
        await signIn(house, 'a@x.test', 2)
        await expect.poll(() => rang).toBe(3)
        const [row] = await noticesIn(house)
        const claimed = (await Promise.all([claimAll(house), claimAll(house)]))
          .flat()
          .filter(one => one.message.notice !== null)
        expect(claimed).toMatchObject([
          {
            challenge: null,
            sealed: `keyid-01.${row?.id}.-`,
            attempt: 1,
            message: { id: row?.id, userId: row?.user_id },
          },
        ])
        const outcome = { id: row?.id, environmentId: house.environment.id, attempt: 1, now: house.now() }
        await house.store.settleMessages([{ ...outcome, kind: 'sent', reply: '250', keepSealedUntil: null }])
        await house.store.settleMessages([{ ...outcome, kind: 'sent', reply: '250', keepSealedUntil: null }])
        expect(await noticesIn(house)).toMatchObject([{ status: 'sent', sealed: null }])
        expect(await house.events('message.sent')).toMatchObject([
          { userId: row?.user_id, challengeId: null, data: { messageId: row?.id } },
        ])
      }),
    )

    it(
      'speaks its user’s language, and is found by its address as the messages of challenges are',
      inHouse(async house => {
        const { user_id } = await told(house)
        await house.store.updateUser(user_id, { locale: 'ja' }, house.origin, house.now())
        await signIn(house, 'b@x.test', 1)
        const mine = await find(house, 'a@x.test')
        expect(mine.map(one => one.message.notice)).toEqual(['newDevice', null, null])
        expect(mine[0]).toMatchObject({ userLocale: 'ja', challenge: null })
        expect(await find(house, null)).toHaveLength(4)
        await house.store.deleteUser(user_id, house.origin, house.now())
        expect((await find(house, 'a@x.test'))[0]).toMatchObject({ userLocale: null })
      }),
    )

    it(
      'that a provider reports on has one event a kind',
      inHouse(async house => {
        const { id, user_id } = await told(house)
        await times(10, () =>
          house.store.recordDelivery({ messageId: id, kind: 'bounced', detail: 'full', now: house.now() }),
        )
        expect(await house.events('message.bounced')).toMatchObject([
          { userId: user_id, challengeId: null, data: { messageId: id } },
        ])
      }),
    )

    it(
      'ends with a secret that is replaced, and counts as queued until then',
      inHouse(async house => {
        const { id, user_id } = await told(house)
        expect((await house.store.vitals()).outbox.queued).toBe(3)
        const sealed = { kind: 'message', exceptKeyId: 'keyid-02', after: '', limit: 10 } as const
        expect((await house.store.listSealed(sealed)).map(one => one.id)).toContain(id)
        const step = {
          kind: 'messages',
          origin: house.origin,
          now: house.now(),
          after: '',
          limit: 100,
        } as const
        await house.store.endForgeable(step)
        expect(await noticesIn(house)).toMatchObject([{ id, status: 'failed', sealed: null }])
        expect(await house.events('message.failed')).toContainEqual(
          expect.objectContaining({ userId: user_id, challengeId: null }),
        )
      }),
    )

    it(
      'is purged when it is old, and outlives the challenges of its user',
      inHouse(async house => {
        const { id } = await told(house)
        const retentionDays = { events: 90, challenges: 1, messages: 7, sessions: 30 }
        const purge = async () => {
          const asked = {
            now: house.now(),
            environmentId: house.environment.id,
            retentionDays,
            exposure: EXPOSURE,
            limit: 100,
          }
          while (await house.store.purge(asked));
        }
        for (const { message, attempt } of await claimAll(house))
          await house.store.settleMessages([
            {
              id: message.id,
              environmentId: house.environment.id,
              attempt,
              now: house.now(),
              kind: 'sent',
              reply: '250',
              keepSealedUntil: null,
            },
          ])
        house.advance(2 * DAY)
        await purge()
        expect(await house.rows('SELECT id FROM messages')).toEqual([{ id }])
        house.advance(6 * DAY)
        await purge()
        expect(await house.rows('SELECT id FROM messages')).toEqual([])
      }),
    )

    it(
      'goes to no address that nobody has proven, and is no message of nothing',
      inHouse(async house => {
        const user = await house.newUser([{ value: 'a@x.test' }])
        house.advance(HOUR)
        const asked = await house.created('new@x.test', { row: { userMode: 'none', opensSession: false } })
        await house.verify(asked, WEAK)
        const claimed = await house.store.claimChallenge({
          origin: house.origin,
          now: house.now(),
          epoch: 1,
          challengeId: asked.id,
          userId: user.id,
          externalId: null,
          withinMs: HOUR,
          notice: notice(house, 'addressAdded'),
        })
        expect(claimed.kind).toBe('claimed')
        expect(await noticesIn(house)).toEqual([])
        await expect(
          house.rows(
            `INSERT INTO messages (id, environment_id, channel, recipient, domain, is_void, status, attempt, due_at,
               leased_until, created_at, expires_at) SELECT 'msg_x', environment_id, channel, recipient, domain, is_void,
               status, attempt, due_at, leased_until, created_at, expires_at FROM messages LIMIT 1`,
          ),
        ).rejects.toThrow()
      }),
    )
  })

  describe('what a person may do to their own account', () => {
    const context = { ipAddress: null, userAgent: null }
    const own = (house: House, userId: string, value: string) => ({
      userId,
      type: 'email' as const,
      value,
      context,
      notice: notice(house, 'addressRemoved'),
      origin: house.origin,
      now: house.now(),
    })

    it(
      'never takes the last way in: not with a phone that leads nowhere, nor an unproven address',
      inHouse(async house => {
        const user = await house.newUser([
          { value: 'a@x.test', verifiedAt: 1 },
          { value: 'b@x.test', isPrimary: false },
          { type: 'phone', value: '+491701234567', verifiedAt: 1, isPrimary: true },
        ])
        const remove = (value: string) =>
          house.store.removeOwnAddress({
            ...own(house, user.id, value),
            addressTypes: ['email'],
            takesPasskeys: true,
          })
        expect((await remove('a@x.test')).kind).toBe('lastWayIn')
        expect((await remove('nobody@x.test')).kind).toBe('notFound')
        expect((await remove('b@x.test')).kind).toBe('changed')
        expect(await noticesIn(house)).toEqual([])
      }),
    )

    it(
      'shows sessions that are live, and ends none that is another’s',
      inHouse(async house => {
        const mine = await house.signIn('a@x.test')
        const other = await house.signIn('b@x.test')
        const ids = [mine, other].map(one => one.session?.id ?? '')
        const live = (now = house.now(), epoch = 1) =>
          house.store.listLiveSessions({
            environmentId: house.environment.id,
            userId: mine.user?.id ?? '',
            now,
            epoch,
          })
        const end = (which: { id: string } | { except: string }) =>
          house.store.endOwnSessions({
            userId: mine.user?.id ?? '',
            which,
            origin: house.origin,
            context,
            now: house.now(),
          })
        expect((await live()).map(one => one.id)).toEqual([ids[0]])
        expect(await live(house.now() + 30 * DAY)).toEqual([])
        expect(await live(house.now(), 2)).toEqual([])
        expect(await end({ id: ids[1] ?? '' })).toBe(0)
        expect(await end({ except: ids[0] ?? '' })).toBe(0)
        expect(await end({ id: ids[0] ?? '' })).toBe(1)
        expect(await end({ id: ids[0] ?? '' })).toBe(0)
        expect(await live()).toEqual([])
        const found = await house.store.findSession(house.environment.id, ids[1] ?? '')
        expect(found?.session.revokedAt).toBeNull()
      }),
    )
  })
}
