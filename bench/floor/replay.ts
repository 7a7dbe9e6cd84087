import type { Cast, Fill } from './roles.ts'

/** A recorded database, on which what its tape holds is played again, each part durable when its promise is kept. */
export interface Replay {
  send(address: string): Promise<Cast>
  /** Null when the challenge is unknown, or answered before. */
  verify(challengeId: string): Promise<Cast | null>
  /** Null, as for a check, when there is no such session. */
  refresh(sessionId: string): Promise<Cast | null>
  check(sessionId: string): Promise<Cast | null>
  /** Claims at most as many messages as the recorded server did; empty when none is due. */
  claim(): Promise<Cast[]>
  settle(claimed: readonly Cast[]): Promise<void>
  /** A recorded text that mentions roles, to be filled. */
  fillText(text: string): Fill<string>
}
