import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hash,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { parseRefreshToken } from './tokens.ts'

/**
 * Everything that is derived from `OSTIARY_SECRET` (DESIGN section 7). The first secret writes, all of them read.
 * A key id is the first 8 characters of a hash under the secret: it stands in rows and tells nothing of the secret.
 */
export interface Keyring {
  /** Id of the secret that writes, and of all that read. */
  readonly currentKeyId: string
  readonly keyIds: readonly string[]
  /** HMAC-SHA-256 of a code, bound to challenge, purpose and epoch, under the current secret. */
  codeHash(code: string, challengeId: string, purpose: string): string
  /** The same under each secret: a code that was sent before a rotation is still right. */
  codeHashes(code: string, challengeId: string, purpose: string): string[]
  /** SHA-256 of a random token, bound to the epoch. Needs no key: 32 random bytes cannot be searched for. */
  tokenHash(token: string): string
  /** AES-256-GCM. The result starts with the key id. `aad` ties it to its row: it opens nowhere else. */
  seal(plain: string, aad: string): string
  /** What was sealed, or null when it was altered, belongs to another row, or its secret is not on the list. */
  open(sealed: string, aad: string): string | null
  /** As seal and open, but under a key that also needs `value`, which is not stored: the Idempotency-Key header. */
  sealWith(value: string, plain: string, aad: string): string
  openWith(value: string, sealed: string, aad: string): string | null
  /** The successor's secret part: HMAC of presented token and salt (PROTOCOL section 3); null for an unknown key id. */
  refreshSuccessor(presented: string, salt: string, keyId: string): Buffer | null
  /** The tag of a refresh token, under the current secret. */
  refreshTag(sessionId: string, secret: Uint8Array): Buffer
  /** Whether a refresh token's tag was made under any secret of the list. */
  isGenuineRefreshToken(token: string): boolean
  /** 32 bytes for a purpose of its own, for example the key of `ostiary dev`. */
  derive(purpose: string): Buffer
}

const SEALED = /^([\w-]{8})\.([\w-]+)$/

/** @param secrets at least one, each of 32 bytes or more; the first one writes. @param epoch see PROTOCOL section 6. */
export function createKeyring(secrets: readonly string[], epoch: number): Keyring {
  const roots = secrets.map(secret => {
    const key = (purpose: string, length = 32) =>
      Buffer.from(hkdfSync('sha256', secret, 'ostiary', purpose, length))
    // As key objects: Node prepares a key given as bytes anew for each use.
    const keyObject = (purpose: string) => createSecretKey(key(purpose))
    return {
      id: key('id', 6).toString('base64url'),
      key,
      codes: keyObject('codes'),
      sealing: keyObject('sealing'),
      refresh: keyObject('refresh'),
      refreshTag: keyObject('refresh tag'),
      idempotency: keyObject('idempotency'),
    }
  })
  const current = roots[0]
  if (!current) throw new Error('a keyring needs a secret')
  const byId = new Map(roots.map(root => [root.id, root]))
  const tagUnder = (key: KeyObject, sessionId: string, secret: Uint8Array) =>
    createHmac('sha256', key).update(sessionId).update(secret).digest().subarray(0, 16)
  const hashCode = (key: KeyObject, code: string, challengeId: string, purpose: string) =>
    createHmac('sha256', key).update(`${epoch}\n${challengeId}\n${purpose}\n${code}`).digest('base64url')
  const valueKey = (root: typeof current, value: string) =>
    createSecretKey(Buffer.from(hkdfSync('sha256', root.idempotency, 'ostiary', value, 32)))

  return {
    currentKeyId: current.id,
    keyIds: roots.map(root => root.id),
    codeHash: (code, challengeId, purpose) => hashCode(current.codes, code, challengeId, purpose),
    codeHashes: (code, challengeId, purpose) =>
      roots.map(root => hashCode(root.codes, code, challengeId, purpose)),
    tokenHash: token => hash('sha256', `${epoch}\n${token}`, 'base64url'),
    seal: (plain, aad) => encrypt(current.id, current.sealing, plain, aad),
    open(sealed, aad) {
      const root = byId.get(sealed.slice(0, 8))
      return root ? decrypt(root.sealing, sealed, aad) : null
    },
    sealWith: (value, plain, aad) => encrypt(current.id, valueKey(current, value), plain, aad),
    openWith(value, sealed, aad) {
      const root = byId.get(sealed.slice(0, 8))
      return root ? decrypt(valueKey(root, value), sealed, aad) : null
    },
    refreshSuccessor(presented, salt, keyId) {
      const root = byId.get(keyId)
      return root ? createHmac('sha256', root.refresh).update(`${presented}\n${salt}`).digest() : null
    },
    refreshTag: (sessionId, secret) => tagUnder(current.refreshTag, sessionId, secret),
    isGenuineRefreshToken(token) {
      const parts = parseRefreshToken(token)
      if (!parts) return false
      return roots.some(root =>
        timingSafeEqual(tagUnder(root.refreshTag, parts.sessionId, parts.secret), parts.tag),
      )
    },
    derive: purpose => current.key(purpose),
  }
}

function encrypt(keyId: string, key: KeyObject, plain: string, aad: string): string {
  const iv = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(aad))
  const body = Buffer.concat([iv, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return `${keyId}.${body.toString('base64url')}`
}

function decrypt(key: KeyObject, sealed: string, aad: string): string | null {
  const body = Buffer.from(SEALED.exec(sealed)?.[2] ?? '', 'base64url')
  if (body.length < 28) return null
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, 12)).setAAD(Buffer.from(aad))
    decipher.setAuthTag(body.subarray(-16))
    return decipher.update(body.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8')
  } catch {
    return null
  }
}
