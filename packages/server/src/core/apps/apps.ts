import { redirectUrlFault } from '../addresses/redirect-url.ts'
import { type Call, type Deps, refuse } from '../deps.ts'
import { fieldError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { Random } from '../ports.ts'
import type { App, Environment } from '../rows.ts'
import { formatApiKey } from '../tokens.ts'

export interface AppFields {
  name?: string | undefined
  redirectUrls?: string[] | undefined
  origins?: string[] | undefined
  audience?: string | null | undefined
  publicRefresh?: boolean | undefined
}

/** A new app of an environment, with its publishable key. */
export function newApp(
  random: Random,
  environment: Environment,
  now: number,
  fields: AppFields & { name: string },
  isDefault = false,
): App {
  return {
    id: newId('app', now),
    environmentId: environment.id,
    name: fields.name,
    publishableKey: formatApiKey('opk', environment.mode, random.bytes(32)),
    redirectUrls: fields.redirectUrls ?? [],
    origins: fields.origins ?? [],
    audience: fields.audience ?? null,
    isDefault,
    publicRefresh: fields.publicRefresh ?? false,
    createdAt: now,
    updatedAt: now,
  }
}

/** Makes an app. Refusal: `invalid_request` for a redirect URL or origin that could never be allowed. */
export async function createApp(
  deps: Deps,
  call: Call,
  fields: AppFields & { name: string },
  keep?: Keep<App>,
): Promise<App> {
  guardFields(call, fields)
  const now = deps.clock.now()
  const app = newApp(deps.random, call.view.environment, now, fields)
  const created = await writeOnce<App, App>(
    keep,
    once => deps.store.createApp(app, call.origin, now, once),
    one => one,
  )
  deps.directory.forget()
  return created
}

/** Changes an app. Refusals: `not_found`, `invalid_request`. */
export async function updateApp(deps: Deps, call: Call, id: string, fields: AppFields): Promise<App> {
  guardFields(call, fields)
  const patch = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))
  const app = await deps.store.updateApp(id, patch, call.origin, deps.clock.now())
  deps.directory.forget()
  return app ?? refuse('not_found')
}

/** Removes an app, with its sessions and challenges. Refusals: `not_found`, `state_conflict` for the default app. */
export async function deleteApp(deps: Deps, call: Call, id: string): Promise<void> {
  const outcome = await deps.store.deleteApp(id, call.origin, deps.clock.now())
  deps.directory.forget()
  if (outcome === 'notFound') return refuse('not_found')
  if (outcome === 'stateConflict') return refuse('state_conflict', 'The default app cannot be deleted.')
}

function guardFields({ view }: Call, { redirectUrls = [], origins = [] }: AppFields) {
  const { mode } = view.environment
  for (const [index, url] of redirectUrls.entries()) {
    // PKCE is asked for at use; an entry with a private-use scheme may stand on the list.
    const fault = redirectUrlFault(url, mode, true)
    if (fault) throw fieldError(`redirectUrls.${index}`, 'invalid_format', fault)
    if (url.includes('*') && !/^[^*?]*\/\*$/.test(url))
      throw fieldError(
        `redirectUrls.${index}`,
        'invalid_format',
        'may have one *, as the last segment of its path',
      )
  }
  for (const [index, origin] of origins.entries()) {
    const url = URL.canParse(origin) ? new URL(origin) : null
    const isAllowed =
      url?.protocol === 'https:' ||
      (mode === 'test' && url?.protocol === 'http:' && url.hostname === 'localhost')
    if (!isAllowed || url?.origin !== origin)
      throw fieldError(
        `origins.${index}`,
        'invalid_format',
        'is not an https origin like https://app.example',
      )
  }
}
