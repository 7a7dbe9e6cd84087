import { type Call, type Deps, refuse } from '../deps.ts'
import { OstiaryError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { ApiKey, Scope } from '../rows.ts'
import { apiKeyHash, formatApiKey } from '../tokens.ts'

/** A key as its maker sees it: the secret is shown once. */
export interface CreatedApiKey {
  key: ApiKey
  secret: string
}

/** Whether a key with these scopes may do what asks for one of `wanted`. */
export function hasScope(scopes: readonly Scope[], wanted: readonly Scope[]): boolean {
  return scopes.includes('admin') || wanted.some(scope => scopes.includes(scope))
}

/**
 * Makes a secret key. A key never grants more than it has: `scope_insufficient`. `granter` is null for the operator,
 * who works on the machine itself.
 */
export async function createApiKey(
  deps: Deps,
  call: Call,
  input: { name: string; scopes: Scope[]; granter: ApiKey | null; secret?: string },
  keep?: Keep<CreatedApiKey>,
): Promise<CreatedApiKey> {
  const beyond = input.scopes.filter(
    scope => input.granter !== null && !hasScope(input.granter.scopes, [scope]),
  )
  if (beyond.length > 0)
    throw new OstiaryError('scope_insufficient', {
      detail: `The key does not have the scope ${beyond.join(', ')} itself.`,
    })
  const now = deps.clock.now()
  const { environment } = call.view
  const secret = input.secret ?? formatApiKey('osk', environment.mode, deps.random.bytes(32))
  const key: ApiKey = {
    id: newId('key', now),
    environmentId: environment.id,
    name: input.name,
    hint: `${secret.slice(0, 9)}…${secret.slice(-4)}`,
    scopes: [...new Set(input.scopes)],
    isDevelopment: input.secret !== undefined,
    createdAt: now,
    revokedAt: null,
  }
  return await writeOnce<ApiKey, CreatedApiKey>(
    keep,
    once => deps.store.createApiKey(key, apiKeyHash(secret), call.origin, now, once),
    stored => ({ key: stored, secret }),
  )
}

/** Revokes a key: at once here, within a second on other nodes. Refusal: `not_found`. */
export async function revokeApiKey(deps: Deps, call: Call, id: string): Promise<void> {
  const isRevoked = await deps.store.revokeApiKey(id, call.origin, deps.clock.now())
  deps.directory.forget()
  if (!isRevoked) return refuse('not_found')
}
