import { serialize } from 'hono/utils/cookie'
import type { Browser } from '../../core/actions/track.ts'
import type { EnvironmentView } from '../../core/environments/directory.ts'
import type { Circumstances } from '../../core/ports.ts'
import type { Jar } from './action-cookies.ts'

/**
 * The device token of a browser, on Ostiary's own origin: one for each environment, for a device is known in its own alone.
 */
const cookieOf = ({ environment }: View) => `__Host-ostiary-device-${environment.id}`

/** Set by the page while its box is ticked; see `DEVICE_CHOICE` in pages/sign-in-page.ts. */
export const REMEMBER_COOKIE = '__Host-ostiary-remember'

type View = Pick<EnvironmentView, 'environment' | 'settings'>

/** Browsers keep no cookie for longer (RFC 6265bis 5.5). */
const MAX_AGE = 400 * 86_400

/** The device token of a browser: null where it has none yet. */
export const heldDevice = (jar: Jar, view: View): string | null => jar[cookieOf(view)] ?? null

/** Whether a sign-in on a page of ours remembers its browser: by the settings, or where they ask, by the person. */
export const isRemembered = (jar: Jar, { settings }: View): boolean =>
  !settings.device.askToRemember || jar[REMEMBER_COOKIE] === '1'

/** Where a call comes from. A cookie of ours stays in pages of ours; elsewhere the app's backend keeps the token. */
export const browserOf = ({
  circumstances,
  jar,
  isOwnPage,
  view,
}: {
  circumstances: Circumstances
  jar: Jar
  isOwnPage: boolean
  view: View
}): Browser => ({
  circumstances,
  shown: isOwnPage ? heldDevice(jar, view) : undefined,
})

/** For an answer that gives this browser a new token; nothing where it keeps the one that it has. Lax: see `actionCookies`. */
export const deviceCookies = (token: string | null, view: View): string[] =>
  token === null
    ? []
    : [
        serialize(cookieOf(view), token, {
          path: '/',
          secure: true,
          httpOnly: true,
          sameSite: 'Lax',
          maxAge: MAX_AGE,
        }),
      ]
