import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  jwtVerify,
  SignJWT,
} from 'jose'
import type { EnvironmentView } from '../environments/directory.ts'
import { OstiaryError } from '../errors.ts'
import { newId } from '../ids.ts'
import type { Keyring } from '../keys.ts'
import type { Session, SigningKey } from '../rows.ts'

export interface SigningKeyPair {
  kid: string
  privateKey: CryptoKey
}

/** A new ES256 key for an environment; its private half is sealed to its row. It signs from `activatesAt` on. */
export async function newSigningKey(
  keyring: Keyring,
  environmentId: string,
  now: number,
  activatesAt: number,
): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const publicJwk = await exportJWK(publicKey)
  const id = await calculateJwkThumbprint(publicJwk)
  return {
    id,
    environmentId,
    publicJwk: { ...publicJwk, kid: id, use: 'sig', alg: 'ES256' },
    sealedPrivateJwk: keyring.seal(JSON.stringify(await exportJWK(privateKey)), `${environmentId}/${id}`),
    createdAt: now,
    activatesAt,
  }
}

export async function importSigningKey(keyring: Keyring, key: SigningKey): Promise<SigningKeyPair> {
  const plain = keyring.open(key.sealedPrivateJwk, `${key.environmentId}/${key.id}`)
  if (plain === null)
    throw new OstiaryError('unavailable', {
      reason: `signing key ${key.id} cannot be opened: its secret is not in OSTIARY_SECRET`,
    })
  return { kid: key.id, privateKey: (await importJWK(JSON.parse(plain) as JWK, 'ES256')) as CryptoKey }
}

// The longest life of an access token, and how long a cached JWKS may be used before it is read anew.
const LONGEST_TOKEN_MS = 3600_000
const CACHED_MS = 3600_000

/**
 * The keys whose tokens can still be valid: those that will sign or do, and those that did until their last token has
 * ended, counted from the moment when a successor took over. Newest first.
 */
export function verifyingKeys(keys: readonly SigningKey[], now: number): SigningKey[] {
  return keys.filter((_, index) => {
    const successor = keys[index - 1]
    return !successor || successor.activatesAt + LONGEST_TOKEN_MS + CACHED_MS > now
  })
}

/** `iss` of an environment's tokens; its keys are at `{iss}/.well-known/jwks.json`. */
export const issuerOf = (publicUrl: string, view: EnvironmentView) =>
  `${publicUrl}/e/${view.environment.slug}`

/** The audience of an app's tokens: its own, else the environment's id. */
export function audienceOf(view: EnvironmentView, appId: string): string {
  return view.apps.find(app => app.id === appId)?.audience ?? view.environment.id
}

/**
 * Signs the access token of a session (RFC 9068, `typ: at+jwt`). It lives `accessTokenSeconds`, and never longer than
 * its session: a check without asking Ostiary sees a revocation within that time.
 */
export async function signAccessToken(
  publicUrl: string,
  view: EnvironmentView,
  session: Session,
  now: number,
): Promise<{ accessToken: string; accessTokenExpiresAt: number }> {
  const issuedAt = Math.floor(now / 1000)
  const expiresAt = Math.min(
    issuedAt + view.settings.session.accessTokenSeconds,
    Math.floor(session.expiresAt / 1000),
  )
  const accessToken = await new SignJWT({
    ...view.settings.session.claims,
    ...session.claims,
    sid: session.id,
    client_id: session.appId,
    amr: session.amr,
    auth_time: Math.floor(session.authTime / 1000),
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: view.signer.kid })
    .setIssuer(issuerOf(publicUrl, view))
    .setAudience(audienceOf(view, session.appId))
    .setSubject(session.userId)
    .setJti(newId('evt', now).slice(4))
    .setIssuedAt(issuedAt)
    .setExpirationTime(expiresAt)
    .sign(view.signer.privateKey)
  return { accessToken, accessTokenExpiresAt: expiresAt * 1000 }
}

// Importing a key costs as much as a verification. The id is the key's thumbprint, so the same id is the same key.
const imported = new Map<string, Promise<CryptoKey>>()
const MAX_IMPORTED = 1000

function publicKeyOf({ id, publicJwk }: SigningKey): Promise<CryptoKey> {
  let key = imported.get(id)
  if (!key) {
    if (imported.size >= MAX_IMPORTED) imported.clear()
    key = importJWK(publicJwk as JWK, 'ES256') as Promise<CryptoKey>
    imported.set(id, key)
  }
  return key
}

/**
 * Whom a genuine access token of this environment names, and until when, or null: also for one that was over at `now`.
 * Keys come from rows, never from the token.
 */
export async function readAccessToken(
  publicUrl: string,
  view: EnvironmentView,
  token: string,
  now: number,
): Promise<{ sessionId: string; userId: string; expiresAt: number } | null> {
  if (token.length > 8192) return null
  const keyNamed = ({ kid }: { kid?: string }): Promise<CryptoKey> => {
    const key = verifyingKeys(view.signingKeys, now).find(({ id }) => id === kid)
    if (!key) throw new Error('no such key')
    return publicKeyOf(key)
  }
  try {
    const { payload } = await jwtVerify(token, keyNamed, {
      issuer: issuerOf(publicUrl, view),
      audience: [view.environment.id, ...view.apps.flatMap(app => app.audience ?? [])],
      typ: 'at+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['exp', 'iat', 'sub', 'sid'],
      currentDate: new Date(now),
    })
    const { sid, sub, exp = 0 } = payload
    if (typeof sid !== 'string' || sub === undefined) return null
    return { sessionId: sid, userId: sub, expiresAt: exp * 1000 }
  } catch {
    return null
  }
}
