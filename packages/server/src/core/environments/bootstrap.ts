import { newApp } from '../apps/apps.ts'
import type { Deps } from '../deps.ts'
import { newId } from '../ids.ts'
import type { Environment, Origin } from '../rows.ts'
import { newSigningKey } from '../sessions/access-token.ts'

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

/** Makes sure that an environment is there, with its default app and a key that signs. */
export async function ensureEnvironment(
  deps: Pick<Deps, 'store' | 'clock' | 'random' | 'keyring'>,
  slug: string,
  mode: Environment['mode'],
): Promise<Environment> {
  const { store, clock, random } = deps
  const now = clock.now()
  const wanted: Environment = {
    id: newId('env', now),
    slug,
    mode,
    settings: {},
    settingsVersion: 1,
    createdAt: now,
  }
  const known = (await store.listEnvironments()).find(one => one.slug === slug)
  const environment =
    known ??
    (await store.createEnvironment(
      wanted,
      newApp(random, wanted, now, { name: 'Default' }, true),
      systemOrigin(wanted.id),
      now,
    ))
  await rotateSigningKey(deps, environment.id)
  return environment
}

/** Adds a signing key where there is none, or where the newest is 90 days old. Any number of nodes may ask at once. */
export async function rotateSigningKey(
  deps: Pick<Deps, 'store' | 'clock' | 'keyring'>,
  environmentId: string,
): Promise<void> {
  const { store, clock, keyring } = deps
  const now = clock.now()
  const [newest] = await store.listSigningKeys(environmentId)
  if (newest && now - newest.createdAt < ROTATE_AFTER_MS) return
  const key = await newSigningKey(keyring, environmentId, now, newest ? now + PUBLISH_AHEAD_MS : now)
  await store.addSigningKey(key, systemOrigin(environmentId), now)
}
