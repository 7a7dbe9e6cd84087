import { OstiaryClientError, type PopupCode } from './errors.ts'
import { codeChallengeOf, createCodeVerifier } from './pkce.ts'

export interface PopupOptions {
  /** Ostiary's origin, e.g. `https://auth.example.com`. */
  server: string
  /** The app's publishable key (`opk_…`). */
  key: string
  /** On the app's list, and of the origin of this page: the result is told to no other. */
  redirectUrl: string
  loginHint?: string | undefined
  /** BCP 47. */
  locale?: string | undefined
  theme?: 'light' | 'dark' | undefined
  /** Ends the waiting and closes the window. */
  signal?: AbortSignal | undefined
}

/** What `validate` takes, here (`createClient`) or at the app's backend. */
export interface PopupResult {
  /** A result token: 60 s, once, and only together with the verifier. */
  token: string
  codeVerifier: string
}

const LOOK_EVERY_MS = 300
const SIZE = { width: 440, height: 680 }
const SENTENCES: Record<PopupCode | 'aborted', string> = {
  popup_blocked: 'The browser opened no window: call signInByPopup inside the press, before any await',
  popup_open: 'A sign-in window is open already',
  popup_lost:
    'The sign-in window was closed before it had loaded, shows an error, or was cut off: this page may send no Cross-Origin-Opener-Policy but same-origin-allow-popups',
  popup_mismatch: 'The sign-in window answered for another sign-in',
  cancelled: 'The person gave up',
  aborted: 'The call was given up',
}

let standing: Window | null = null

/**
 * The hosted page in a window of its own, one at a time. Call it first thing in the handler of a press: the window opens before
 * it returns. Throws `OstiaryClientError` with a `PopupCode` or `aborted`. The window is closed when it ends, however it ends.
 */
export async function signInByPopup(options: PopupOptions): Promise<PopupResult> {
  const server = new URL(options.server).origin
  if (new URL(options.redirectUrl).origin !== location.origin)
    throw new TypeError(`redirectUrl has to be of this page's origin, ${location.origin}`)
  if (options.signal?.aborted) throw failed('aborted')
  if (standing && !standing.closed) {
    standing.focus()
    throw failed('popup_open')
  }
  // No name: a window of that name could be somebody else's.
  const popup = open('', '_blank', features())
  if (!popup) throw failed('popup_blocked')
  standing = popup
  try {
    const codeVerifier = createCodeVerifier()
    const state = createCodeVerifier()
    const codeChallenge = await codeChallengeOf(codeVerifier)
    // Listening first: what the window says is not kept for later.
    const token = tokenFrom(popup, server, state, options.signal)
    popup.location.replace(addressOf(server, { ...options, state, codeChallenge }))
    return { token: await token, codeVerifier }
  } finally {
    standing = null
    popup.close()
  }
}

/** The one answer of this window, of that origin, for this state. Whatever anybody else says is passed over. */
function tokenFrom(
  popup: Window,
  server: string,
  state: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const over = new AbortController()
  const told = new Promise<string>((resolve, reject) => {
    let isHeard = false
    let wasClosed = false
    const timer = setInterval(() => {
      // Its last message may still be on the way when it is seen closed.
      if (wasClosed) reject(failed(isHeard ? 'cancelled' : 'popup_lost'))
      wasClosed = popup.closed
    }, LOOK_EVERY_MS)
    over.signal.addEventListener('abort', () => clearInterval(timer))
    if (signal?.aborted) reject(failed('aborted'))
    signal?.addEventListener('abort', () => reject(failed('aborted')), { signal: over.signal })
    addEventListener(
      'message',
      event => {
        if (event.source !== popup || event.origin !== server || event.data?.type !== 'ostiary.signIn') return
        const { state: toldState, token, error } = event.data
        isHeard = true
        if (toldState !== state) reject(failed('popup_mismatch'))
        else if (typeof token === 'string') resolve(token)
        else if (error !== undefined) reject(failed('cancelled'))
      },
      { signal: over.signal },
    )
  })
  return told.finally(() => over.abort())
}

function addressOf(
  server: string,
  { key, redirectUrl, state, codeChallenge, loginHint, locale, theme }: PopupOptions & Secrets,
): string {
  const query = new URLSearchParams({ key, redirectUrl, state, codeChallenge, display: 'popup' })
  for (const [name, value] of Object.entries({ loginHint, locale, theme })) if (value) query.set(name, value)
  return `${server}/sign-in?${query}`
}

interface Secrets {
  state: string
  codeChallenge: string
}

/** In the middle of the window that is pressed in. */
function features(): string {
  const left = Math.round(screenX + (outerWidth - SIZE.width) / 2)
  const top = Math.round(screenY + (outerHeight - SIZE.height) / 2)
  return `popup,width=${SIZE.width},height=${SIZE.height},left=${left},top=${top}`
}

function failed(code: PopupCode | 'aborted'): OstiaryClientError {
  const nothing = { status: null, requestId: null, retryAfterSeconds: null, attemptsLeft: null }
  return new OstiaryClientError({ code, message: SENTENCES[code], ...nothing })
}
