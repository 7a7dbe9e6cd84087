import type * as chunks from './chunks.ts'

/** `?v=…` of a page that names the version of this script: what it loads is kept as long as the script is. */
export const VERSION = /^\?v=[\w-]+$/.exec(new URL(import.meta.url).search)?.[0] ?? ''

const ATTEMPTS = 3

/** Another file of this build, beside this script. A browser may remember that an address failed: each attempt has its own. */
async function load(name: string, attempt = 1): Promise<never> {
  const again = attempt > 1 ? `${VERSION ? '&' : '?'}again=${attempt}` : ''
  try {
    return (await import(new URL(`${name}.js${VERSION}${again}`, import.meta.url).href)) as never
  } catch (error) {
    if (attempt === ATTEMPTS) throw error
    await new Promise(resolve => setTimeout(resolve, 1000 * attempt))
    return load(name, attempt + 1)
  }
}

export const loadPasskeys: typeof chunks.loadPasskeys = () => load('passkeys')
export const loadSignIn: typeof chunks.loadSignIn = () => load('v1')
export const loadWatch: typeof chunks.loadWatch = () => load('watch')
