/**
 * Redirect URLs (PROTOCOL section 3) are compared after WHATWG parsing: origin and whole path are equal, or the entry
 * ends in `/*` and its path is a prefix of whole segments. The query of the request is the app's own.
 */
const RESERVED = ['token', 'state', 'error']

/** Why a URL cannot be a redirect target at all, or null when it can. Judged at save, at send and at use. */
export function redirectUrlFault(
  text: string,
  mode: 'test' | 'live',
  hasCodeChallenge = false,
): string | null {
  if (text.length > 2048) return 'is longer than 2048 characters'
  if (/[\\\s\p{Cc}]/u.test(text)) return 'has a backslash, white space or control character'
  if (text.includes('#')) return 'has a fragment'
  const segments = pathOf(text).split('/')
  if (segments.some(segment => /^(\.|%2e){1,2}$/i.test(segment) || /%2f|%5c/i.test(segment)))
    return 'has dot segments or encoded slashes'
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return 'is not an absolute URL'
  }
  if (url.username || url.password || /^[a-z][a-z0-9+.-]*:\/\/[^/?]*@/i.test(text))
    return 'has user information'
  if (RESERVED.some(name => url.searchParams.has(name)))
    return 'uses a query name that Ostiary adds: token, state or error'
  if (url.protocol === 'https:') return null
  if (url.protocol === 'http:') {
    const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
    return mode === 'test' && isLoopback ? null : 'is http; only loopback in a test environment may be'
  }
  // RFC 8252 7.1: a private-use scheme is a reversed domain name; any app can claim it, so only PKCE makes it safe.
  if (!/^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(url.protocol)) return 'has a scheme that is not allowed'
  return hasCodeChallenge ? null : 'has a private-use scheme, which needs codeChallenge'
}

/** Whether the list of an app, or the leave that `test` gives to `http://localhost`, lets this URL be used. */
export function isRedirectUrlAllowed(
  text: string,
  entries: readonly string[],
  mode: 'test' | 'live',
  hasCodeChallenge = false,
): boolean {
  if (redirectUrlFault(text, mode, hasCodeChallenge) !== null) return false
  const url = new URL(text)
  if (mode === 'test' && url.protocol === 'http:' && url.hostname === 'localhost') return true
  return entries.some(entry => matches(url, new URL(entry)))
}

function matches(url: URL, entry: URL): boolean {
  // `origin` is "null" for private-use schemes, so protocol and host are compared by themselves.
  if (url.protocol !== entry.protocol || url.host !== entry.host) return false
  if (!entry.pathname.endsWith('/*')) return url.pathname === entry.pathname
  const prefix = entry.pathname.slice(0, -1)
  return url.pathname.startsWith(prefix) || url.pathname === prefix.slice(0, -1)
}

function pathOf(text: string): string {
  return text.replace(/^[a-z][a-z0-9+.-]*:(\/\/[^/?]*)?/i, '').replace(/\?.*$/s, '')
}

/**
 * The redirect target with Ostiary's answer behind the app's own query, which is kept to the letter: writing it anew
 * through `searchParams` would turn `?flag` into `?flag=`. The names added cannot be there already (`RESERVED`).
 */
export function withQuery(url: string, answer: Record<string, string | null>): string {
  const target = new URL(url)
  const added = new URLSearchParams()
  for (const [name, value] of Object.entries(answer)) if (value !== null) added.set(name, value)
  target.search = target.search === '' ? added.toString() : `${target.search}&${added}`
  return target.href
}
