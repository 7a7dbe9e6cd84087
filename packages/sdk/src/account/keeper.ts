import { type AccountClient, createAccountClient } from '../client/account.ts'
import type { Client } from '../client/client.ts'
import { OstiaryClientError } from '../client/errors.ts'
import type { Validation } from '../client/wire.ts'

/**
 * Keeps the tokens of one account page. Either the page signed in by itself, and the tokens are its own; or the app has a
 * session, and lends its access token at each call. Then a fresh proof opens a second session, which is for what needs it and
 * for nothing else, is not shown, and ends with the page.
 */
export interface Keeper {
  /** By the session that the person knows. */
  readonly own: AccountClient
  /** By the session that was proven last. */
  readonly fresh: AccountClient
  /** Signs in by the refresh cookie, where there is one. */
  resume(): Promise<boolean>
  /** Takes the session of a sign-in, or of a fresh proof. The one that it takes the place of is ended. */
  take(validation: Validation): Promise<void>
  /** The session of the proof alone: not one of the person's. */
  hiddenSessionId(): string | null
  /** Whether a call by a token that was refused may be tried again, by another one. */
  mayRetry(): boolean
  signOut(): Promise<void>
  /** The page is left: ends what is for it alone. */
  leave(): void
}

export interface KeeperDeps {
  server: string
  client: Client
  /** The app's access token; null where this page signs in by itself. */
  lent: (() => string | Promise<string>) | null
  now(): number
}

interface Held {
  accessToken: string
  expiresAt: number
  sessionId: string | null
}

const EARLY_MS = 20_000

export function createKeeper({ server, client, lent, now }: KeeperDeps): Keeper {
  let held: Held | null = null
  let renewing: Promise<Held> | null = null

  async function ownToken(): Promise<string> {
    if (lent) return await lent()
    if (held && now() < held.expiresAt - EARLY_MS) return held.accessToken
    // One at a time: the second of two would use a refresh token that is used up.
    renewing ??= renew().finally(() => {
      renewing = null
    })
    return (await renewing).accessToken
  }

  async function renew(): Promise<Held> {
    const { accessToken, accessTokenExpiresAt } = await client.refresh()
    held = { accessToken, expiresAt: Date.parse(accessTokenExpiresAt), sessionId: held?.sessionId ?? null }
    return held
  }

  async function freshToken(): Promise<string> {
    if (lent && held && now() < held.expiresAt - EARLY_MS) return held.accessToken
    return await ownToken()
  }

  const own = createAccountClient({ server, accessToken: ownToken })
  const fresh = createAccountClient({ server, accessToken: freshToken })

  /** For the last word of a page that is left: the call outlives it. */
  const parting = createAccountClient({
    server,
    accessToken: ownToken,
    fetch: (input, init) => fetch(input, { ...init, keepalive: true }),
  })

  async function currentId(): Promise<string | null> {
    return held?.sessionId ?? (await own.sessions()).find(one => one.isCurrent)?.id ?? null
  }

  return {
    own,
    fresh,
    async resume() {
      try {
        await ownToken()
        return true
      } catch (error) {
        const isOut = error instanceof OstiaryClientError && OUT.includes(error.code)
        if (isOut) return false
        throw error
      }
    },
    async take({ session, tokens }) {
      if (!tokens) throw new TypeError('the action had no codeChallenge')
      const before = lent ? held?.sessionId : held && (await currentId().catch(() => null))
      held = {
        accessToken: tokens.accessToken,
        expiresAt: Date.parse(tokens.accessTokenExpiresAt),
        sessionId: typeof session?.id === 'string' ? session.id : null,
      }
      if (before) await fresh.endSession(before).catch(() => {})
    },
    hiddenSessionId: () => (lent ? (held?.sessionId ?? null) : null),
    mayRetry() {
      const isLost = held !== null
      held = null
      return isLost
    },
    async signOut() {
      const proof = lent ? held?.sessionId : null
      if (proof) await own.endSession(proof).catch(() => {})
      await own.signOut()
      held = null
    },
    leave() {
      const proof = lent ? held?.sessionId : null
      if (proof) void parting.endSession(proof).catch(() => {})
      held = null
    },
  }
}

/** Refusals that mean: nobody is signed in. */
export const OUT: readonly string[] = ['session_invalid', 'refresh_invalid', 'refresh_reused', 'unauthorized']
