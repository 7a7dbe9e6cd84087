import { isIPv4 } from 'node:net'

/** Where mail is handed over, and how the way there is protected. */
export interface SmtpServer {
  host: string
  port: number
  /** `implicit`: TLS from the first byte. `starttls`: an upgrade, without which nothing is sent. `none`: clear text. */
  tls: 'implicit' | 'starttls' | 'none'
  auth: { user: string; pass: string } | null
}

/**
 * Reads `SMTP_URL`: `smtps://user:password@host:465` or `smtp://user:password@host:587`. Throws an Error that names the
 * fault and its remedy, without the password.
 *
 * With `smtp:` the server has to offer STARTTLS: a network that hides the offer must not get codes in clear text
 * (RFC 3207 section 6). Loopback alone is clear text by default. `?tls=never` says that the way to the server is safe by
 * itself (a container network), `?tls=required` asks for STARTTLS on loopback too.
 */
export function parseSmtpUrl(text: string): SmtpServer {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    throw new Error('is not a URL; write smtps://user:password@host:465 or smtp://user:password@host:587')
  }
  const isImplicit = url.protocol === 'smtps:'
  if (!isImplicit && url.protocol !== 'smtp:') throw new Error('has to start with smtp:// or smtps://')
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (host === '') throw new Error('names no host')
  if ((url.pathname !== '' && url.pathname !== '/') || url.hash !== '')
    throw new Error('ends after the port, but for ?tls=')
  if (/\?.*@/.test(text)) throw new Error('has a ? before the @; in user or password it is written as %3F')
  for (const name of url.searchParams.keys())
    if (name !== 'tls') throw new Error(`has the parameter "${name}"; only tls is known`)
  const tls = url.searchParams.get('tls')
  if (tls !== null && tls !== 'never' && tls !== 'required')
    throw new Error('has to have tls=required or tls=never')
  if (isImplicit && tls === 'never') throw new Error('asks for smtps and for tls=never at once')
  return {
    host,
    port: url.port === '' ? (isImplicit ? 465 : 587) : Number(url.port),
    tls: isImplicit
      ? 'implicit'
      : (tls ?? (isLoopback(host) ? 'never' : 'required')) === 'never'
        ? 'none'
        : 'starttls',
    auth: url.username === '' ? null : { user: decoded(url.username), pass: decoded(url.password) },
  }
}

function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'))
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new Error('has a % in user or password that is not written as %25')
  }
}
