import type { Challenge, ChallengeStatus } from '../rows.ts'

/** What a challenge is at an instant. Nothing is stored of it: expiry is judged where it is asked for. */
export function statusOf(challenge: Challenge, now: number, epoch: number): ChallengeStatus {
  if (challenge.verifiedAt !== null) return 'verified'
  if (challenge.endedAt !== null || challenge.expiresAt <= now || challenge.epoch !== epoch) return 'expired'
  return challenge.attemptsLeft > 0 ? 'pending' : 'exhausted'
}
