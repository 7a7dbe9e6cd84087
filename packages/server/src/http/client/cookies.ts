import { serialize } from 'hono/utils/cookie'

/** The working token of an action, on Ostiary's own pages. */
export const ACTION_COOKIE = '__Host-ostiary-action'

/** The refresh token of an app without a backend. Each app has its own: they share Ostiary's origin. */
export const refreshCookieName = (appId: string) => `__Host-ostiary-refresh-${appId}`

/** Lax: the person comes back to it by a link from their mail. */
export const actionCookie = (token: string, expiresAt: number, now: number) =>
  serialize(ACTION_COOKIE, token, {
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'Lax',
    maxAge: Math.max(0, Math.ceil((expiresAt - now) / 1000)),
  })

/** Strict: only calls of the app's own pages, on the same site, bring it. */
export const refreshCookie = (appId: string, token: string, expiresAt: number, now: number) =>
  serialize(refreshCookieName(appId), token, {
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'Strict',
    // Browsers keep no cookie for longer (RFC 6265bis 5.5).
    maxAge: Math.min(400 * 86_400, Math.max(0, Math.floor((expiresAt - now) / 1000))),
  })
