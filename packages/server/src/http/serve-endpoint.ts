import { createHash } from 'node:crypto'
import type { Context } from 'hono'
import { hasScope } from '../core/api-keys/api-keys.ts'
import type { Deps } from '../core/deps.ts'
import type { EnvironmentView } from '../core/environments/directory.ts'
import { OstiaryError } from '../core/errors.ts'
import type { Keep } from '../core/idempotency.ts'
import { Replayed } from '../core/ports.ts'
import type { ApiKey } from '../core/rows.ts'
import { apiKeyHash, apiKeyMode } from '../core/tokens.ts'
import type { Admit } from './admission.ts'
import { parseJson, readBytes, validate } from './body.ts'
import type { ApiCall, Endpoint } from './endpoint.ts'

const KEPT_MS = 24 * 60 * 60_000
const KEPT_WITH_TOKENS_MS = 10 * 60_000

export interface ApiDeps extends Deps {
  /** Keys that `ostiary dev` derives from its secret file work there and nowhere else. */
  acceptsDevelopmentKeys: boolean
  admit: Admit
}

/** The handler of an endpoint: let in, translate in, call, translate out. */
export function serveEndpoint(deps: ApiDeps, endpoint: Endpoint) {
  const serve = async (c: Context<{ Variables: { requestId: string } }>): Promise<Response> => {
    const { key, view } = await letIn(deps, endpoint, c.req.header('authorization'))
    guardAccept(c.req.header('accept'))
    if (/%00/.test(c.req.url))
      throw new OstiaryError('invalid_request', { detail: 'The URL has a NUL character.' })
    const hasBody = endpoint.method === 'POST' || endpoint.method === 'PATCH'
    const bytes = hasBody ? await readBytes(c.req.raw, endpoint.maxBodyBytes) : Buffer.alloc(0)
    const call: ApiCall<unknown, unknown> = {
      view,
      key,
      origin: {
        environmentId: view.environment.id,
        appId: null,
        actor: { type: 'api_key', id: key.id },
        requestId: c.get('requestId'),
      },
      params: c.req.param() as Record<string, string>,
      body: endpoint.body
        ? validate(endpoint.body, parseJson(bytes, c.req.header('content-type')))
        : undefined,
      query: readQuery(endpoint, c.req.queries()),
      ifMatch: c.req.header('if-match') ?? null,
      // Asked for by few; making one costs.
      get signal() {
        return c.req.raw.signal
      },
    }
    const idempotencyKey = endpoint.method === 'POST' ? c.req.header('idempotency-key') : undefined
    const keep =
      idempotencyKey === undefined
        ? undefined
        : keepFor(deps, endpoint, call, idempotencyKey, c.req.path, bytes)
    try {
      const result = await endpoint.act(deps, call, keep)
      const etag = endpoint.etag?.(result)
      return answer(
        endpoint,
        JSON.stringify(endpoint.render(result, call, deps)),
        etag === undefined ? {} : { ETag: etag },
      )
    } catch (refusal) {
      const error = keep ? await recordOf(deps, keep, refusal) : refusal
      if (!(error instanceof Replayed) || idempotencyKey === undefined || !keep) throw error
      const kept = deps.keyring.openWith(idempotencyKey, error.sealed, keep.id)
      if (kept === null)
        throw new OstiaryError('outcome_unknown', { reason: 'the kept answer cannot be opened' })
      return answer(endpoint, kept, { 'Idempotency-Replayed': 'true' })
    }
  }
  if (endpoint.load === 'wait') return serve
  return (c: Parameters<typeof serve>[0]) => deps.admit(endpoint.load === 'send', () => serve(c))
}

/**
 * A guard before the write (settings, redirect list, a user who is gone) may refuse today what was answered before, and
 * the first answer holds: so the record is looked for after all. What the store says of it, else the refusal.
 */
async function recordOf(deps: Deps, keep: Keep<unknown>, refusal: unknown): Promise<unknown> {
  if (!(refusal instanceof OstiaryError) || refusal.status >= 500) return refusal
  const { id, environmentId, bodyHash } = keep
  try {
    await deps.store.keep(null, deps.clock.now(), { id, environmentId, bodyHash, answer: async () => null })
    return refusal
  } catch (error) {
    return error
  }
}

function answer(endpoint: Endpoint, body: string, headers: Record<string, string>): Response {
  const isRepeat = endpoint.isRepeat?.(JSON.parse(body)) ?? false
  return new Response(endpoint.status === 204 ? null : body, {
    status: isRepeat ? 200 : endpoint.status,
    headers: { ...(endpoint.status !== 204 && { 'Content-Type': 'application/json' }), ...headers },
  })
}

/** Who is calling, by the secret key; and whether its scopes let it do this. */
async function letIn(
  deps: ApiDeps,
  endpoint: Endpoint,
  authorization: string | undefined,
): Promise<{ key: ApiKey; view: EnvironmentView }> {
  const secret = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1]
  if (secret === undefined)
    throw new OstiaryError('unauthorized', {
      detail: 'Send the secret key as "Authorization: Bearer osk_…".',
    })
  if (apiKeyMode('opk', secret))
    throw new OstiaryError('unauthorized', {
      detail: 'This is a publishable key; /v1 takes a secret key (osk_…).',
    })
  if (!apiKeyMode('osk', secret))
    throw new OstiaryError('unauthorized', { detail: 'The API key is not whole: its checksum does not fit.' })
  const found = await deps.directory.byApiKeyHash(apiKeyHash(secret))
  if (!found || (found.key.isDevelopment && !deps.acceptsDevelopmentKeys))
    throw new OstiaryError('unauthorized', { detail: 'The API key is unknown or revoked.' })
  if (!hasScope(found.key.scopes, endpoint.scopes))
    throw new OstiaryError('scope_insufficient', {
      detail: `The key needs one of the scopes: ${[...endpoint.scopes, 'admin'].join(', ')}.`,
    })
  if (endpoint.isTestOnly && found.view.environment.mode !== 'test') throw new OstiaryError('not_found')
  return found
}

function guardAccept(accept: string | undefined) {
  if (accept === undefined || accept.trim() === '') return
  const accepts = accept
    .split(',')
    .some(
      entry =>
        /^\s*(\*\/\*|application\/(\*|json|problem\+json))\s*(;|$)/i.test(entry) &&
        !/;\s*q=0(\.0*)?\s*$/.test(entry),
    )
  if (!accepts) throw new OstiaryError('not_acceptable')
}

function readQuery(endpoint: Endpoint, queries: Record<string, string[]>): unknown {
  // Without a prototype, so that `?__proto__=` is a name like any other, and unknown.
  const input: Record<string, string> = Object.create(null)
  for (const [name, values] of Object.entries(queries)) {
    const [first, ...more] = values
    if (more.length > 0 || !endpoint.query)
      throw new OstiaryError('invalid_request', {
        errors: [
          {
            path: name,
            code: more.length > 0 ? 'repeated' : 'unknown_field',
            message: more.length > 0 ? 'stands in the query twice' : 'is not a field here',
          },
        ],
      })
    input[name] = first ?? ''
  }
  return endpoint.query ? validate(endpoint.query, input) : undefined
}

/** The record of an Idempotency-Key: scoped by environment, API key, method and path; of the header only a hash is kept. */
function keepFor(
  deps: Deps,
  endpoint: Endpoint,
  call: ApiCall<unknown, unknown>,
  header: string,
  path: string,
  bytes: Buffer,
): Keep<unknown> {
  if (!/^[\x20-\x7e]{1,255}$/.test(header))
    throw new OstiaryError('invalid_request', {
      errors: [
        {
          path: 'Idempotency-Key',
          code: 'invalid_format',
          message: 'is 1 to 255 printable ASCII characters',
        },
      ],
    })
  const environmentId = call.view.environment.id
  const named = [environmentId, call.key.id, endpoint.method, path, header].join('\n')
  const id = deps.keyring.tokenHash(named)
  // A header has no line end, so no other call has this name.
  const firstId = deps.keyring.tokenHash(`${named}\n`)
  return {
    id,
    environmentId,
    bodyHash: createHash('sha256').update(bytes).digest('base64url'),
    seal: result => ({
      sealed: deps.keyring.sealWith(header, JSON.stringify(endpoint.render(result, call, deps)), id),
      keepMs: endpoint.holdsTokens ? KEPT_WITH_TOKENS_MS : KEPT_MS,
    }),
    first: {
      id: firstId,
      seal: outcome => ({
        sealed: deps.keyring.sealWith(header, JSON.stringify(outcome), firstId),
        keepMs: KEPT_WITH_TOKENS_MS,
      }),
      open(sealed) {
        const kept = deps.keyring.openWith(header, sealed, firstId)
        if (kept === null)
          throw new OstiaryError('outcome_unknown', { reason: 'a kept step cannot be opened' })
        return JSON.parse(kept)
      },
    },
  }
}
