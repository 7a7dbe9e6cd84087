import { newApp } from '../apps/apps.ts'
import type { Deps } from '../deps.ts'
import { OstiaryError } from '../errors.ts'
import type { Environment, Origin } from '../rows.ts'
import { keepSigningKeys, newEnvironment } from './bootstrap.ts'

const SLUG = /^[a-z][a-z0-9-]{0,30}[a-z0-9]$/

/**
 * Makes an environment with its default app and a key that signs. The slug stands in the issuer of its tokens, so it
 * never changes. Refusals: `invalid_request` for a slug that would not do in a URL, `already_exists`.
 */
export async function createEnvironment(
  deps: Pick<Deps, 'store' | 'clock' | 'random' | 'keyring' | 'directory'>,
  { slug, mode, actor }: Pick<Environment, 'slug' | 'mode'> & Pick<Origin, 'actor'>,
): Promise<Environment> {
  if (!SLUG.test(slug))
    throw new OstiaryError('invalid_request', {
      detail: `"${slug}" is not 2 to 32 lower-case letters, digits and dashes, beginning with a letter`,
    })
  const now = deps.clock.now()
  const wanted = newEnvironment(slug, mode, now)
  const { id } = wanted
  const app = newApp(deps.random, wanted, now, { name: 'Default' }, true)
  const origin: Origin = { environmentId: id, appId: null, actor, requestId: null }
  // The store makes it for exactly one caller; any other is handed the one that is there.
  const made = await deps.store.createEnvironment(wanted, app, origin, now)
  if (made.id !== id)
    throw new OstiaryError('already_exists', { detail: `there is an environment "${slug}" already` })
  await keepSigningKeys(deps, id)
  deps.directory.forget()
  return made
}
