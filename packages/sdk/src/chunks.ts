// What is loaded when it is needed. A bundler cuts these out; in the files that Ostiary serves, `chunks-served.ts` takes the
// place of this one (tools/build.ts).

/** Of the files that are served; a bundler has names of its own. */
export const VERSION = ''
export const loadPasskeys = () => import('./passkeys.ts')
export const loadSignIn = () => import('./element.ts')
export const loadWatch = () => import('./client/events.ts')
