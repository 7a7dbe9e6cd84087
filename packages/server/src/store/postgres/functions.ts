import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import type pg from 'pg'
import { SHIPPED } from '../migrations.ts'
import * as columns from '../sql/columns.ts'
import { MAX_DEVICES } from '../sql/devices.ts'
import { REMEMBERED } from '../sql/notices.ts'

/**
 * The operations that PostgreSQL runs in one round trip (`migrations/postgres/functions`). Each version of the source
 * installs them under names of its own, by the hash of the source (`ostiary_send_3fa2b1c9`), so that while one deploy
 * follows another every process calls those that it was written for. They are few and small; old ones stay.
 */
const FOLDER = new URL('postgres/functions/', SHIPPED)

/** The columns that the functions write by name: a column that a later version adds keeps its default. */
const WRITTEN = {
  challenges: [
    'code_hashes',
    'live_codes',
    'exposure_spent',
    'verifier_tries_left',
    'link_opens',
    ...columns.challenges.columns,
  ],
  sessions: ['refresh_hash', 'refresh_expires_at', 'repeats', 'seen_as', ...columns.sessions.columns],
}

const source = readdirSync(FOLDER)
  .filter(name => name.endsWith('.sql'))
  .sort()
  .map(name => readFileSync(new URL(name, FOLDER), 'utf8'))
  .join('\n')
  .replaceAll(/\/\*(challenges|sessions)\*\//g, (_, table: keyof typeof WRITTEN) => WRITTEN[table].join(', '))
  .replaceAll('/*remembered*/', String(REMEMBERED))
  .replaceAll('/*maxDevices*/', String(MAX_DEVICES))

const VERSION = createHash('sha256').update(source).digest('hex').slice(0, 8)

/** A function of this version by its plain name. */
export const functionName = (name: string) => `ostiary_${name}_${VERSION}`

/** Creates the functions of this version, in the transaction that is open, unless they are there. */
export async function installFunctions(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query('SELECT to_regproc($1) IS NOT NULL AS found', [functionName('rotate')])
  if (rows[0]?.found) return
  await client.query(source.replaceAll(/\bostiary\.(\w+)/g, (_, name) => functionName(name)))
}
