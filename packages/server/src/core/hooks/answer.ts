import { z } from 'zod'
import type { Claims } from '../rows.ts'
import { ClaimName, MAX_CLAIMS_LENGTH, RESERVED_CLAIMS } from '../settings/settings.ts'
import type { HookFailure } from './call.ts'

/** What a hook may say. Unknown fields are refused: with `claim` for `claims` an app would miss what it relies on. */
const Answer = z.strictObject({
  decision: z.enum(['allow', 'deny']),
  claims: z.record(ClaimName, z.json()).optional(),
  reason: z.string().max(200).nullable().optional(),
})

export type Decision = { decision: 'allow'; claims: Claims } | { decision: 'deny'; reason: string | null }

/** Reads the body of an answer; whatever is not wholly as it should be is a failure, never half a yes. */
export function readAnswer(text: string): Decision | HookFailure {
  let value: unknown
  try {
    // zod would drop this name without a word.
    value = JSON.parse(text, (name, part) => (name === '__proto__' ? refuseName() : part))
  } catch {
    return malformed('the answer is not JSON')
  }
  const parsed = Answer.safeParse(value)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return malformed(`${issue?.path.join('.') || 'the answer'}: ${issue?.message}`.slice(0, 300))
  }
  const { decision, claims = {}, reason = null } = parsed.data
  if (decision === 'deny') return { decision, reason: reason?.replace(/\p{Cc}/gu, ' ') ?? null }
  const reserved = Object.keys(claims).find(name => RESERVED_CLAIMS.has(name))
  if (reserved !== undefined) return malformed(`claims.${reserved} is a claim that Ostiary sets`)
  if (Buffer.byteLength(JSON.stringify(claims)) > MAX_CLAIMS_LENGTH)
    return malformed(`claims are longer than ${MAX_CLAIMS_LENGTH} bytes`)
  return { decision, claims }
}

function refuseName(): never {
  throw new SyntaxError('__proto__ is no name')
}

const malformed = (detail: string): HookFailure => ({ failure: 'malformed', detail })
