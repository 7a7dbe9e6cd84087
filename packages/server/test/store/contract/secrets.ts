import { describe, expect, it } from 'vitest'
import type { ForgeableKind, Page } from '../../../src/core/ports.ts'
import type { SigningKey } from '../../../src/core/rows.ts'
import { type House, type InHouse, MINUTE, page, WEAK } from './house.ts'

const everything: Page = page({ limit: 1000 })
const types = async ({ store, environment }: House, type: string) =>
  (
    await store.listEvents(
      environment.id,
      { type, userId: null, challengeId: null, actionId: null, sessionId: null },
      everything,
    )
  ).rows

const signingKey = (house: House, id: string, sealedPrivateJwk: string): SigningKey => ({
  id,
  environmentId: house.environment.id,
  publicJwk: { kid: id },
  sealedPrivateJwk,
  createdAt: house.now(),
  activatesAt: house.now(),
})

/** Ends all of a kind, by steps of `limit`; how many steps it took and what was ended. */
async function endAll({ store, origin, now }: House, kind: ForgeableKind, limit = 2) {
  let after: string | null = ''
  let ended = 0
  let steps = 0
  while (after !== null) {
    const step: { ended: number; next: string | null } = await store.endForgeable({
      kind,
      origin,
      now: now(),
      after,
      limit,
    })
    ended += step.ended
    steps++
    after = step.next
  }
  return { ended, steps }
}

export function secrets(inHouse: InHouse) {
  describe('sealed rows', () => {
    it(
      'lists what is sealed under another key, in steps, and nothing else',
      inHouse(async house => {
        const { store, created } = house
        await store.addSigningKey(signingKey(house, 'a', 'keyid-01.aaa'), house.origin, house.now())
        for (const name of ['x', 'y', 'z']) await created(`${name}@example.com`)
        const list = (exceptKeyId: string, after = '') =>
          store.listSealed({ kind: 'message', exceptKeyId, after, limit: 2 })
        expect(await list('keyid-01')).toEqual([])
        const first = await list('keyid-02')
        const last = await list('keyid-02', first.at(-1)?.id)
        expect([first.length, last.length]).toEqual([2, 1])
        expect(new Set([...first, ...last].map(({ id }) => id)).size).toBe(3)
        const keys = await store.listSealed({
          kind: 'signingKey',
          exceptKeyId: 'keyid-02',
          after: '',
          limit: 10,
        })
        expect(keys).toEqual([
          { kind: 'signingKey', id: 'a', environmentId: house.environment.id, sealed: 'keyid-01.aaa' },
        ])
      }),
    )

    it(
      'puts a new seal in place of the one that was read, and brings nothing back that was wiped',
      inHouse(async house => {
        const { store, created } = house
        const challenge = await created('x@example.com')
        await created('y@example.com')
        const rows = await store.listSealed({
          kind: 'message',
          exceptKeyId: 'keyid-02',
          after: '',
          limit: 10,
        })
        const [claimed] = await store.claimMessages({
          now: house.now(),
          limit: 1,
          leaseMs: 1000,
          busyDomains: [],
        })
        const settled = { id: claimed?.message.id ?? '', environmentId: challenge.environmentId, attempt: 1 }
        await store.settleMessages([
          { ...settled, now: house.now(), kind: 'sent', reply: '250 ok', keepSealedUntil: null },
        ])
        const resealed = rows.map(row => ({ ...row, resealed: `keyid-02.${row.id}` }))
        expect(await store.reseal(resealed, house.now())).toBe(1)
        expect(await store.reseal(resealed, house.now())).toBe(0)
        const left = await house.rows('SELECT sealed FROM messages ORDER BY sealed IS NOT NULL')
        expect(left.map(({ sealed }) => sealed)).toEqual([null, expect.stringMatching(/^keyid-02\./)])
      }),
    )
  })

  describe('after a leak', () => {
    it(
      'one signing key is left, the new one, and development keys are revoked, others not',
      inHouse(async house => {
        const { store, origin, environment } = house
        await store.addSigningKey(signingKey(house, 'old', 'keyid-01.a'), origin, house.now())
        for (const isDevelopment of [true, false])
          await store.createApiKey(
            {
              id: `key_${isDevelopment}`,
              environmentId: environment.id,
              name: 'x',
              hint: 'x',
              scopes: [],
              isDevelopment,
              createdAt: house.now(),
              revokedAt: null,
            },
            `hash ${isDevelopment}`,
            origin,
            house.now(),
          )
        await store.replaceSigningKeys(signingKey(house, 'new', 'keyid-02.b'), origin, house.now())
        expect((await store.listSigningKeys(environment.id)).map(({ id }) => id)).toEqual(['new'])
        expect(await store.findApiKey('hash true')).toBeNull()
        expect(await store.findApiKey('hash false')).not.toBeNull()
        expect(await types(house, 'signing_key.rotated')).toHaveLength(1)
        expect(await types(house, 'api_key.revoked')).toHaveLength(1)
      }),
    )

    it(
      'ends sessions and challenges in steps, each with what tells of it; the second time there is nothing left',
      inHouse(async house => {
        const { created, signIn, verify } = house
        for (const name of ['a', 'b', 'c']) await signIn(`${name}@example.com`)
        const open = await created('open@example.com')
        expect(await endAll(house, 'sessions')).toEqual({ ended: 3, steps: 2 })
        expect(await endAll(house, 'sessions')).toEqual({ ended: 0, steps: 2 })
        expect(await types(house, 'session.revoked')).toHaveLength(3)
        expect((await endAll(house, 'challenges')).ended).toBe(1)
        expect((await endAll(house, 'challenges')).ended).toBe(0)
        expect(await verify(open, WEAK)).toEqual({ kind: 'expired' })
        // What is made afterwards is made under the new secret, and works.
        const after = await created('after@example.com')
        expect((await verify(after, WEAK)).kind).toBe('verified')
      }),
    )

    it(
      'fails queued messages with an event, and wipes what is sealed',
      inHouse(async house => {
        const { created, store } = house
        for (const name of ['a', 'b', 'c']) await created(`${name}@example.com`)
        expect((await endAll(house, 'messages')).ended).toBe(3)
        expect(await types(house, 'message.failed')).toHaveLength(3)
        expect(
          await house.rows("SELECT 1 FROM messages WHERE sealed IS NOT NULL OR status <> 'failed'"),
        ).toEqual([])
        const claim = { now: house.now() + MINUTE, limit: 10, leaseMs: 1000, busyDomains: [] }
        expect(await store.claimMessages(claim)).toEqual([])
      }),
    )
  })
}
