import type { Call, Deps } from '../deps.ts'
import type { Attempt, Circumstances, NewChallenge } from '../ports.ts'
import type { Action, Authenticator, Challenge, User } from '../rows.ts'
import type { Settings } from '../settings/settings.ts'

export type SentMethodName = 'emailCode' | 'emailLink'
export type MethodName = SentMethodName | 'passkey'

/**
 * A way to prove who is there inside an action. Each is one file; what a browser is shown, what is written and how an
 * answer is judged are made of these, and nothing else knows which methods there are.
 */
export interface Method {
  readonly name: MethodName
  /** Whether the environment has it on. Told alike for every address before the first proof. */
  isOn(settings: Settings): boolean
  /**
   * Whether the user can use it. A method that is enrolled by an act of its own has an authenticator for it; a mailbox is
   * enrolled by the proof of its address, so the first proof is its enrolment.
   */
  isEnrolled(user: User, authenticators: readonly Authenticator['type'][]): boolean
}

/** Who asks for a send, and by which device token (its hash; null where none counts). */
export interface Asking {
  circumstances: Circumstances
  presentedHash: string | null
}

/** A method that sends something to the person, who answers with it. A passkey sends nothing: see `core/passkeys`. */
export interface SentMethod extends Method {
  readonly name: SentMethodName
  /** The challenge that starts it, with all guards passed; the store writes it with the action's step. */
  begin(deps: Deps, call: Call, action: Action, asking: Asking): Promise<NewChallenge>
  /** An answer, as it will be judged. Refusal: `invalid_request` for what cannot be an answer at all. */
  finish(deps: Deps, challenge: Challenge, answer: string): Attempt['proof']
  /** What the browser does while the challenge is out. */
  readonly step: 'code' | 'link'
}
