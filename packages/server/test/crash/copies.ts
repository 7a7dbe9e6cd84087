import type { Email } from 'postal-mime'

/** A mail that a provider took whole. */
export interface Taken {
  email: Email
  to: string[]
  /** When it was taken; unknown to a provider that keeps no time. */
  at?: number
  /** False where the provider never said that it took it. */
  isAnswered?: boolean
}

/** How many mails were copies of others, and how many of these no crash and no lost answer of the provider explains. */
export interface Copies {
  copies: number
  unexplained: number
}

/** A server that is killed knows nothing of what it was told a moment before; nor of what it sent just then. */
const MARGIN_MS = 1000

/**
 * Promise 4: at most one more copy for each crash and each lost answer of the provider, and each copy is the same:
 * Message-ID, recipient, code and link.
 */
export function checkCopies(
  mails: readonly Taken[],
  kills: readonly number[],
  tell: (what: string) => void,
): Copies {
  let unexplained = 0
  const byId = Map.groupBy(mails, ({ email }) => email.messageId ?? '')
  for (const [id, copies] of byId) {
    const excess = copies.length - 1 - explained(copies, kills)
    if (excess > 0) {
      unexplained += excess
      tell(`${id} was sent ${copies.length} times, ${excess} more than crashes and lost answers explain`)
    }
    if (new Set(copies.map(({ email, to }) => `${to} ${secretsIn(email.text ?? '')}`)).size > 1)
      tell(`${id} was sent with two contents`)
  }
  return { copies: mails.length - byId.size, unexplained }
}

function explained(copies: readonly Taken[], kills: readonly number[]): number {
  const from = Math.min(...copies.map(({ at }) => at ?? Number.NEGATIVE_INFINITY)) - MARGIN_MS
  const until = Math.max(...copies.map(({ at }) => at ?? Number.POSITIVE_INFINITY))
  const lost = copies.filter(({ isAnswered }) => isAnswered === false).length
  return kills.filter(at => at >= from && at <= until).length + lost
}

function secretsIn(text: string): string {
  return [/^ {4}([\d ]+)$/m.exec(text)?.[1], /olk_[\w-]+/.exec(text)?.[0]].join(' ')
}
