import { serialize } from 'hono/utils/cookie'

/** The refresh token of an app without a backend. Each app has its own: they share Ostiary's origin. */
export const refreshCookieName = (appId: string) => `__Host-ostiary-refresh-${appId}`

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
