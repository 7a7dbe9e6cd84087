import { serialize } from 'hono/utils/cookie'
import type { Browser } from '../../core/actions/track.ts'
import type { Circumstances } from '../../core/ports.ts'
import type { Jar } from './action-cookies.ts'

/** The device token of a browser, on Ostiary's own origin. */
export const DEVICE_COOKIE = '__Host-ostiary-device'

/** Browsers keep no cookie for longer (RFC 6265bis 5.5). */
const MAX_AGE = 400 * 86_400

/** The device token of a browser: null where it has none yet. */
export const heldDevice = (jar: Jar): string | null => jar[DEVICE_COOKIE] ?? null

/** Where a call comes from. A cookie of ours stays in pages of ours; elsewhere the app's backend keeps the token. */
export const browserOf = ({
  circumstances,
  jar,
  isOwnPage,
}: {
  circumstances: Circumstances
  jar: Jar
  isOwnPage: boolean
}): Browser => ({
  circumstances,
  shown: isOwnPage ? heldDevice(jar) : undefined,
})

/** For an answer that gives this browser a new token; nothing where it keeps the one that it has. Lax: see `actionCookies`. */
export const deviceCookies = (token: string | null): string[] =>
  token === null
    ? []
    : [
        serialize(DEVICE_COOKIE, token, {
          path: '/',
          secure: true,
          httpOnly: true,
          sameSite: 'Lax',
          maxAge: MAX_AGE,
        }),
      ]
