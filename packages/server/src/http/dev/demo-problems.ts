import type { Problem } from './demo-api.ts'

/** A problem as the person in front of the form should read it. `isOver`: the challenge is of no more use. */
export interface Trouble {
  title: string
  text: string
  isOver: boolean
  problem: Problem | null
}

/** Plain words for a refusal of Ostiary. What is not in the table shows its own `detail`. */
export function inWords(problem: Problem): Trouble {
  const again =
    problem.retryAfterSeconds === null
      ? 'Try again in a moment.'
      : `Try again in ${duration(problem.retryAfterSeconds)}.`
  const table: Record<string, [title: string, text: string, isOver?: boolean]> = {
    invalid_request: ['That did not work', problem.detail],
    destination_not_allowed: [
      'Nothing can be sent to this address',
      'Check it for typing errors or use another one.',
    ],
    code_incorrect: [
      'That is not the code',
      `Compare it with the newest message. ${attempts(problem.attemptsLeft)}`,
    ],
    challenge_expired: ['The code has expired', 'Ask for a new one: it takes a few seconds.', true],
    challenge_used: ['This code was used already', 'Ask for a new one to sign in again.', true],
    attempts_exhausted: ['No attempt is left', 'Ask for a new code. Your account is not locked.', true],
    sends_exhausted: ['No more messages for this code', 'Look into your spam folder, or begin again.'],
    resend_too_late: ['This code is about to expire', 'Begin again for a fresh one.', true],
    link_invalid: [
      'This link does not fit',
      'It was opened in another browser, used before, or belongs to an older message. You can type the code instead.',
    ],
    not_found: ['This sign-in is not known any more', 'Begin again.', true],
    rate_limited: ['Too many tries', again],
    unavailable: ['Ostiary cannot decide right now', again],
    outcome_unknown: ['It is not known whether that took effect', again],
    sign_up_closed: [
      'Sign-up is closed',
      'There is no account with this address, and new ones are not taken.',
      true,
    ],
    user_blocked: ['This account is blocked', 'Ask the people who run this app.', true],
    unauthorized: ['The demo has no valid secret key', 'Restart `ostiary dev`: it gives the demo its key.'],
  }
  const [title, text, isOver] = table[problem.code ?? ''] ?? ['That did not work', problem.detail]
  return { title, text, isOver: isOver ?? false, problem }
}

/** Trouble that the demo itself noticed. */
export function ownTrouble(title: string, text: string): Trouble {
  return { title, text, isOver: false, problem: null }
}

function attempts(left: number | null): string {
  if (left === null) return ''
  return left === 1 ? 'One attempt is left.' : `${left} attempts are left.`
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`
  return seconds < 7200 ? `${Math.ceil(seconds / 60)} minutes` : `${Math.ceil(seconds / 3600)} hours`
}
