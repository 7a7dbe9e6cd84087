import { createApiKey } from '../../src/core/api-keys/api-keys.ts'
import type { Ostiary } from '../../src/main.ts'

/** A key of the test environment with scope admin. */
export async function newKey({ deps }: Ostiary): Promise<string> {
  const view = await deps.directory.bySlug('test')
  if (!view) throw new Error('no environment test')
  const origin = {
    environmentId: view.environment.id,
    appId: null,
    actor: { type: 'admin' as const, id: null },
    requestId: null,
  }
  const { secret } = await createApiKey(
    deps,
    { view, origin },
    { name: 'test', scopes: ['admin'], granter: null },
  )
  return secret
}
