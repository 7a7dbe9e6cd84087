import { newApp } from '../apps/apps.ts'
import type { Deps } from '../deps.ts'
import { newId } from '../ids.ts'
import type { Keyring } from '../keys.ts'
import type { Environment, Origin, SigningKey } from '../rows.ts'
import { newSigningKey, verifyingKeys } from '../sessions/access-token.ts'

const DAY = 24 * 60 * 60_000
const ROTATE_AFTER_MS = 90 * DAY
/** A new key stands in the JWKS for this long before it signs, so that every cached copy has it by then. */
const PUBLISH_AHEAD_MS = 60 * 60_000

export const systemOrigin = (environmentId: string): Origin => ({
  environmentId,
  appId: null,
  actor: { type: 'system', id: null },
  requestId: null,
})

/** The row of a new environment, with nothing set. */
export const newEnvironment = (slug: string, mode: Environment['mode'], now: number): Environment => ({
  id: newId('env', now),
  slug,
  mode,
  settings: {},
  settingsVersion: 1,
  templatesVersion: 0,
  rulesVersion: 0,
  listsVersion: 0,
  createdAt: now,
})

/** Makes sure that an environment is there, with its default app and a key that signs. */
export async function ensureEnvironment(
  deps: Pick<Deps, 'store' | 'clock' | 'random' | 'keyring'>,
  slug: string,
  mode: Environment['mode'],
): Promise<Environment> {
  const { store, clock, random } = deps
  const now = clock.now()
  const wanted = newEnvironment(slug, mode, now)
  const known = (await store.listEnvironments()).find(one => one.slug === slug)
  const environment =
    known ??
    (await store.createEnvironment(
      wanted,
      newApp(random, wanted, now, { name: 'Default' }, true),
      systemOrigin(wanted.id),
      now,
    ))
  await keepSigningKeys(deps, environment.id)
  return environment
}

/**
 * Keeps the signing keys of an environment: adds one where there is none or the newest is 90 days old, removes those
 * that can verify nothing any more, and seals the rest under the current secret, so that an old one can leave the list.
 * Any number of nodes may ask at once.
 */
export async function keepSigningKeys(
  deps: Pick<Deps, 'store' | 'clock' | 'keyring'>,
  environmentId: string,
): Promise<void> {
  const { store, clock, keyring } = deps
  const now = clock.now()
  const keys = await store.listSigningKeys(environmentId)
  const [newest] = keys
  if (!newest || now - newest.createdAt >= ROTATE_AFTER_MS) {
    const key = await newSigningKey(keyring, environmentId, now, newest ? now + PUBLISH_AHEAD_MS : now)
    await store.addSigningKey(key, systemOrigin(environmentId), now)
  }
  const verifying = verifyingKeys(keys, now)
  const remove = keys.filter(key => !verifying.includes(key)).map(key => key.id)
  const reseal = verifying.flatMap(key => resealed(keyring, key))
  if (remove.length + reseal.length > 0) await store.tidySigningKeys({ now, remove, reseal })
}

function resealed(
  keyring: Keyring,
  { id, environmentId, sealedPrivateJwk }: SigningKey,
): { id: string; sealedPrivateJwk: string }[] {
  if (sealedPrivateJwk.startsWith(`${keyring.currentKeyId}.`)) return []
  const aad = `${environmentId}/${id}`
  const plain = keyring.open(sealedPrivateJwk, aad)
  return plain === null ? [] : [{ id, sealedPrivateJwk: keyring.seal(plain, aad) }]
}
