import { z } from 'zod'
import { rotateHookSecret } from '../../core/hooks/secret.ts'
import { endpoint } from '../endpoint.ts'
import { Instant, iso } from '../wire.ts'

/** What signs the calls of hooks (docs/hooks.md). Where they go is a setting. */

export const rotateHookSecretEndpoint = endpoint({
  method: 'POST',
  path: '/v1/hooks/before-sign-in/rotate-secret',
  summary: 'Give the hook before sign-in a secret; for a while the one before signs, too',
  scopes: ['admin'],
  body: z
    .strictObject({ overlapSeconds: z.int().min(0).max(604_800).optional() })
    .meta({ id: 'RotateHookSecret', description: 'overlapSeconds is a day where it is not said' }),
  status: 200,
  answer: z
    .object({
      secret: z.string().meta({ description: 'Shown once: whsec_ and base64' }),
      createdAt: Instant,
      previousSecretUntil: Instant.meta({ description: 'Until when a secret from before signs as well' }),
    })
    .meta({ id: 'HookSecret' }),
  errors: [],
  holdsTokens: true,
  act: (deps, call, keep) => rotateHookSecret(deps, call, call.body.overlapSeconds ?? 86_400, keep),
  render: ({ secret, createdAt, previousUntil }) => ({
    secret,
    createdAt: iso(createdAt),
    previousSecretUntil: iso(previousUntil),
  }),
})
