import { randomBytes } from 'node:crypto'
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createKeyring } from '../core/keys.ts'
import { formatApiKey } from '../core/tokens.ts'
import { Hint } from './terminal.ts'

/** The data folder of `ostiary dev`: a secret that only its owner reads, and the database. */
export interface DataFolder {
  database: string
  secret: string
  /** Derived from the secret file, so that each run can print it and nothing is stored in clear (PROTOCOL section 7). */
  secretKey: string
}

/** Opens the folder, and makes what is missing. Of several processes at once, one makes the secret. */
export function openDataFolder(folder: string): DataFolder {
  const path = resolve(folder)
  mkdirSync(path, { recursive: true, mode: 0o700 })
  const file = join(path, 'secret')
  try {
    writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, 0o600)
  const secret = readFileSync(file, 'utf8').trim()
  if (Buffer.byteLength(secret) < 32)
    throw new Hint(
      `${file} holds no secret of 32 bytes`,
      'delete the data folder to start anew, or put the secret back',
    )
  const secretKey = formatApiKey('osk', 'test', createKeyring([secret], 1).derive('ostiary dev key'))
  return { database: join(path, 'ostiary.db'), secret, secretKey }
}
