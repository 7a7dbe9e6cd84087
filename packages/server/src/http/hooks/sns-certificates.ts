import { type KeyObject, X509Certificate } from 'node:crypto'
import { OstiaryError } from '../../core/errors.ts'

/** The part of `fetch` that this needs; tests give their own. */
export type Fetch = (url: string, init: { redirect: 'error'; signal: AbortSignal }) => Promise<Response>

const TIMEOUT_MS = 5_000
const MAX_BYTES = 16 * 1024
const KEPT_MS = 24 * 3_600_000
const MAX_KEPT = 10
const MAX_AT_ONCE = 4

/**
 * The signing certificates of SNS, fetched by https from the host of one region and nowhere else: TLS to that host is what
 * makes them trusted. Strangers can make us ask, so only a few questions run at once and what was found is kept.
 */
export function snsCertificates(region: string, fetch: Fetch) {
  const kept = new Map<string, { key: KeyObject; until: number }>()
  const asking = new Map<string, Promise<KeyObject | null>>()

  async function ask(url: string, now: number): Promise<KeyObject | null> {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (response.status >= 500) throw new Error(`status ${response.status}`)
    const pem = await textOf(response)
    if (response.status !== 200 || pem === null) return null
    const key = publicKeyOf(pem)
    if (key) kept.set(url, { key, until: now + KEPT_MS })
    const [oldest] = kept.keys()
    if (kept.size > MAX_KEPT && oldest !== undefined) kept.delete(oldest)
    return key
  }

  return {
    /** The key behind `SigningCertURL`; null when there is none. Throws `unavailable` when it cannot be fetched now. */
    async keyAt(url: string, now: number): Promise<KeyObject | null> {
      if (!isSigningCertUrl(url, region)) return null
      const found = kept.get(url)
      if (found && found.until > now) return found.key
      if (!asking.has(url) && asking.size >= MAX_AT_ONCE)
        throw unavailable('too many certificates are asked for')
      const answer = asking.get(url) ?? ask(url, now).finally(() => asking.delete(url))
      asking.set(url, answer)
      return await answer.catch(cause => {
        throw unavailable('the SNS signing certificate cannot be fetched', cause)
      })
    },
  }
}

/**
 * Whether the URL is a certificate on the SNS host of this region, in its one spelling: by another one, or with a query,
 * strangers could have the same certificate fetched and kept again and again.
 */
export function isSigningCertUrl(text: string, region: string): boolean {
  const host = /^https:\/\/([a-z0-9.-]+)\/SimpleNotificationService-[0-9a-f]{1,64}\.pem$/.exec(text)?.[1]
  return host === `sns.${region}.amazonaws.com` && isSnsUrl(text, region)
}

/** Whether the URL leads to the SNS host of this region by https. */
export function isSnsUrl(text: string, region: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  const isHost =
    /^sns\.[a-z0-9-]+\.amazonaws\.com$/.test(url.host) && url.host === `sns.${region}.amazonaws.com`
  return isHost && url.protocol === 'https:' && url.username === '' && url.password === ''
}

async function textOf(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    size += chunk.byteLength
    if (size > MAX_BYTES) return null
  }
  return Buffer.concat(chunks).toString()
}

function publicKeyOf(pem: string): KeyObject | null {
  try {
    const { publicKey } = new X509Certificate(pem)
    return publicKey.asymmetricKeyType === 'rsa' ? publicKey : null
  } catch {
    return null
  }
}

function unavailable(reason: string, cause?: unknown): OstiaryError {
  return new OstiaryError('unavailable', { reason, cause })
}
