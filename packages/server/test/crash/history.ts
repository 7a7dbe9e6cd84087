/** What a client did. `prove` answers a challenge by code or by hand-over token; `check` verifies an access token. */
export type Op =
  | 'send'
  | 'resend'
  | 'read'
  | 'wrong'
  | 'prove'
  | 'press'
  | 'refresh'
  | 'check'
  | 'revoke'
  | 'block'
  | 'unblock'
  | 'import'
  | 'settings'
  | 'createKey'
  | 'useKey'
  | 'revokeKey'

/**
 * One call from invoke to return, both on the one clock of the campaign (milliseconds). `fail`: refused, without an
 * effect. `unknown`: no answer, or one that says that nobody knows; it may have its effect now, later or never.
 */
export interface Entry {
  op: Op
  node: number
  invokedAt: number
  /** When the client gave up, of an unknown outcome without an answer. */
  returnedAt: number
  outcome: 'ok' | 'fail' | 'unknown'
  status: number | null
  /** The code of a refusal. */
  code: string | null
  /** How far the node's clock was off, where it was the same all the while. */
  clockOffsetMs: number | null
  /** The Idempotency-Key. */
  key: string | null
  isReplayed: boolean
  /** What it acts on: challenge, presented refresh token, session, user, API key. */
  on: string
  /** What a yes names: the session of a proof, the successor of a token, the id of what was made. */
  named: string | null
  /** Attempts that the answer says are left, or that a setting gives. */
  attempts: number | null
  session: string | null
}
