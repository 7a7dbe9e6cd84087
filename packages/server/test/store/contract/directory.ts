import { describe, expect, it } from 'vitest'
import { newApp } from '../../../src/core/apps/apps.ts'
import { newId } from '../../../src/core/ids.ts'
import type { ApiKey, SigningKey } from '../../../src/core/rows.ts'
import { systemRandom } from '../../../src/core/system.ts'
import { HOUR, type House, hashOf, type InHouse, newEnvironment, page, tally, times, WEAK } from './house.ts'

const apiKey = (house: House, more: Partial<ApiKey> = {}): ApiKey => ({
  id: newId('key', house.now()),
  environmentId: house.environment.id,
  name: 'backend',
  hint: 'osk_test_…abcd',
  scopes: ['auth'],
  isDevelopment: false,
  createdAt: house.now(),
  revokedAt: null,
  ...more,
})

const signingKey = (house: House, id: string, more: Partial<SigningKey> = {}): SigningKey => ({
  id,
  environmentId: house.environment.id,
  publicJwk: { kid: id },
  sealedPrivateJwk: 'keyid-01.sealed',
  createdAt: house.now(),
  activatesAt: house.now(),
  ...more,
})

export function directory(inHouse: InHouse) {
  describe('environments, apps and keys', () => {
    it(
      'an environment is made once of many, with one default app',
      inHouse(async house => {
        const made = await times(10, () => newEnvironment(house.store, 'live', house.now(), 'new'))
        expect(new Set(made.map(one => one.environment.id)).size).toBe(1)
        const environmentId = made[0]?.environment.id ?? ''
        expect(await house.store.listApps(environmentId)).toMatchObject([{ isDefault: true, environmentId }])
        expect(await house.store.listEnvironments()).toHaveLength(2)
      }),
    )

    it(
      'settings are saved by one of many who read the same version',
      inHouse(async house => {
        const saved = await times(10, index =>
          house.store.saveSettings({
            origin: house.origin,
            now: house.now(),
            version: 1,
            settings: { index },
            changed: ['index'],
          }),
        )
        expect(saved.filter(Boolean)).toHaveLength(1)
        expect((await house.store.listEnvironments())[0]).toMatchObject({
          settingsVersion: 2,
          settings: { index: saved.indexOf(true) },
        })
        expect(await house.events('settings.updated')).toHaveLength(1)
      }),
    )

    it(
      'an API key is found by its hash until it is revoked, once, and by nobody else',
      inHouse(async house => {
        const key = apiKey(house)
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        await house.store.createApiKey(key, hashOf('key'), house.origin, house.now())
        expect(await house.store.findApiKey(hashOf('key'))).toEqual(key)
        expect(await house.store.revokeApiKey(key.id, live.origin, house.now())).toBe(false)
        const revoked = await times(5, () => house.store.revokeApiKey(key.id, house.origin, house.now()))
        expect(revoked.filter(Boolean)).toHaveLength(1)
        expect(await house.store.findApiKey(hashOf('key'))).toBeNull()
        expect(await house.store.listApiKeys(house.environment.id, page())).toEqual([
          { ...key, revokedAt: house.now() },
        ])
        expect(await house.events('api_key.revoked')).toHaveLength(1)
      }),
    )

    it(
      'a development key that is there already is left as it is',
      inHouse(async house => {
        const key = apiKey(house, { isDevelopment: true })
        await house.store.createApiKey(key, hashOf('dev'), house.origin, house.now())
        const again = apiKey(house, { isDevelopment: true, name: 'again' })
        expect(await house.store.createApiKey(again, hashOf('dev'), house.origin, house.now())).toEqual(key)
        expect(await house.events('api_key.created')).toHaveLength(1)
      }),
    )

    it(
      'an app is changed and deleted with what hangs on it; the default app stays',
      inHouse(async house => {
        const app = newApp(systemRandom, house.environment, house.now(), { name: 'Second' })
        const live = await newEnvironment(house.store, 'live', house.now(), 'live')
        const del = (id: string, origin = house.origin) => house.store.deleteApp(id, origin, house.now())
        await house.store.createApp(app, house.origin, house.now())
        expect(await house.store.updateApp(app.id, { name: 'X' }, live.origin, house.now())).toBeNull()
        expect(await house.store.updateApp(app.id, { name: 'X' }, house.origin, house.now())).toMatchObject({
          name: 'X',
          publishableKey: app.publishableKey,
        })
        const { session } = await house.signIn('a@x.test', { row: { appId: app.id } })
        const pending = await house.created('a@x.test', { row: { appId: app.id } })
        expect(await del(app.id, live.origin)).toBe('notFound')
        expect(await del(house.app.id)).toBe('stateConflict')
        expect([...(await times(3, () => del(app.id)))].sort()).toEqual(['deleted', 'notFound', 'notFound'])
        expect((await house.verify(pending, WEAK)).kind).toBe('notFound')
        expect((await house.rotate(session?.id ?? '', 0)).kind).toBe('invalid')
        expect(await house.store.listApps(house.environment.id)).toEqual([house.app])
      }),
    )

    it(
      'a signing key is added by one of many nodes, newest first',
      inHouse(async house => {
        const added = await times(10, index =>
          house.store.addSigningKey(signingKey(house, `k${index}`), house.origin, house.now()),
        )
        expect(tally(added.map(one => ({ kind: String(one) })))).toEqual({ true: 1, false: 9 })
        house.advance(HOUR)
        const next = signingKey(house, 'next', { activatesAt: house.now() + HOUR })
        expect(await house.store.addSigningKey(next, house.origin, house.now())).toBe(true)
        const keys = await house.store.listSigningKeys(house.environment.id)
        expect(keys.map(key => key.id)).toEqual(['next', expect.stringMatching(/^k\d$/)])
        expect(await house.events('signing_key.rotated')).toHaveLength(1)
      }),
    )

    it(
      'signing keys are removed and sealed anew as asked',
      inHouse(async house => {
        const { store } = house
        await store.addSigningKey(signingKey(house, 'old'), house.origin, house.now())
        house.advance(HOUR)
        await store.addSigningKey(signingKey(house, 'new'), house.origin, house.now())
        const reseal = [{ id: 'new', sealedPrivateJwk: 'keyid-02.sealed' }]
        await store.tidySigningKeys({ now: house.now(), remove: ['old'], reseal })
        expect(await store.listSigningKeys(house.environment.id)).toEqual([
          { ...signingKey(house, 'new'), sealedPrivateJwk: 'keyid-02.sealed' },
        ])
      }),
    )
  })
}
