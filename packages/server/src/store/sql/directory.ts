import { OstiaryError } from '../../core/errors.ts'
import type { Page, Store } from '../../core/ports.ts'
import type { ApiKey, App, Environment, Origin, SigningKey } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { insertEvents, newEvent } from './events.ts'
import { pageOf } from './pages.ts'
import { assignments, forUpdate, places, type Transaction } from './transaction.ts'

/** Environments and what belongs to them as a whole: settings, apps, keys. */

export async function listEnvironments(tx: Transaction): Promise<Environment[]> {
  return (await tx.all('SELECT * FROM environments ORDER BY id')).map(columns.environments.read)
}

export async function createEnvironment(
  tx: Transaction,
  environment: Environment,
  app: App,
  origin: Origin,
  now: number,
): Promise<Environment> {
  const { columns: names } = columns.environments
  const inserted = await tx.run(
    `INSERT INTO environments (${names.join(', ')}) VALUES ${places(1, names.length)} ON CONFLICT (slug) DO NOTHING`,
    ...columns.environments.values(environment),
  )
  if (inserted === 1) {
    await insertApp(tx, app)
    await insertEvents(tx, [
      newEvent('environment.created', origin, now),
      newEvent('app.created', origin, now, { appId: app.id }),
    ])
  }
  const row = await tx.one('SELECT * FROM environments WHERE slug = $1', environment.slug)
  return row ? columns.environments.read(row) : environment
}

export async function saveSettings(
  tx: Transaction,
  input: {
    origin: Origin
    now: number
    version: number
    settings: Record<string, unknown>
    changed: string[]
  },
): Promise<boolean> {
  const saved = await tx.run(
    'UPDATE environments SET settings = $1, settings_version = settings_version + 1 WHERE id = $2 AND settings_version = $3',
    JSON.stringify(input.settings),
    input.origin.environmentId,
    input.version,
  )
  if (saved === 1)
    await insertEvents(tx, [
      newEvent('settings.updated', input.origin, input.now, { data: { changed: input.changed } }),
    ])
  return saved === 1
}

export async function findApiKey(tx: Transaction, hash: string): Promise<ApiKey | null> {
  const row = await tx.one('SELECT * FROM api_keys WHERE hash = $1 AND revoked_at IS NULL', hash)
  return row ? columns.apiKeys.read(row) : null
}

export async function createApiKey(
  tx: Transaction,
  key: ApiKey,
  hash: string,
  origin: Origin,
  now: number,
): Promise<ApiKey> {
  // Only the key of `ostiary dev` can be there already: it is derived. Who starts it anew wants it to work.
  const known = await tx.one(
    'UPDATE api_keys SET revoked_at = NULL WHERE hash = $1 AND is_development = 1 RETURNING *',
    hash,
  )
  if (known) return columns.apiKeys.read(known)
  const { columns: names } = columns.apiKeys
  await tx.run(
    `INSERT INTO api_keys (hash, ${names.join(', ')}) VALUES ${places(1, names.length + 1)}`,
    hash,
    ...columns.apiKeys.values(key),
  )
  await insertEvents(tx, [
    newEvent('api_key.created', origin, now, { data: { keyId: key.id, name: key.name, scopes: key.scopes } }),
  ])
  return key
}

export async function listApiKeys(tx: Transaction, environmentId: string, page: Page): Promise<ApiKey[]> {
  return (await tx.all(...pageOf('api_keys', page, [['environment_id = ?', environmentId]]))).map(
    columns.apiKeys.read,
  )
}

export async function revokeApiKey(
  tx: Transaction,
  id: string,
  origin: Origin,
  now: number,
): Promise<boolean> {
  const revoked = await tx.run(
    'UPDATE api_keys SET revoked_at = $1 WHERE id = $2 AND environment_id = $3 AND revoked_at IS NULL',
    now,
    id,
    origin.environmentId,
  )
  if (revoked === 1)
    await insertEvents(tx, [newEvent('api_key.revoked', origin, now, { data: { keyId: id } })])
  return revoked === 1
}

export async function listApps(tx: Transaction, environmentId: string): Promise<App[]> {
  return (await tx.all('SELECT * FROM apps WHERE environment_id = $1 ORDER BY id DESC', environmentId)).map(
    columns.apps.read,
  )
}

async function insertApp(tx: Transaction, app: App): Promise<void> {
  const { columns: names } = columns.apps
  await tx.run(
    `INSERT INTO apps (${names.join(', ')}) VALUES ${places(1, names.length)}`,
    ...columns.apps.values(app),
  )
}

/**
 * Until the transaction ends the app of a new row is not deleted. On SQLite a foreign key says so; on PostgreSQL it would
 * lock the one row of the default app for everybody, which nobody can delete.
 */
export async function holdApp(tx: Transaction, { appId }: { appId: string }): Promise<void> {
  if (!tx.isShared) return
  const found = await tx.one('SELECT is_default FROM apps WHERE id = $1', appId)
  if (found?.is_default === 1) return
  if (!(await tx.one('SELECT 1 FROM apps WHERE id = $1 FOR KEY SHARE', appId)))
    throw new OstiaryError('state_conflict', { reason: 'the app was deleted' })
}

export async function createApp(tx: Transaction, app: App, origin: Origin, now: number): Promise<App> {
  await insertApp(tx, app)
  await insertEvents(tx, [newEvent('app.created', origin, now, { appId: app.id })])
  return app
}

export async function updateApp(
  tx: Transaction,
  id: string,
  patch: Partial<App>,
  origin: Origin,
  now: number,
): Promise<App | null> {
  const row = await tx.one(
    `SELECT * FROM apps WHERE id = $1 AND environment_id = $2 ${forUpdate(tx, 'apps')}`,
    id,
    origin.environmentId,
  )
  if (!row) return null
  const app = { ...columns.apps.read(row), ...patch, updatedAt: now }
  const { columns: names } = columns.apps
  await tx.run(`UPDATE apps SET ${assignments(names, 2)} WHERE id = $1`, id, ...columns.apps.values(app))
  await insertEvents(tx, [
    newEvent('app.updated', origin, now, { appId: id, data: { changed: Object.keys(patch) } }),
  ])
  return app
}

export async function deleteApp(
  tx: Transaction,
  id: string,
  origin: Origin,
  now: number,
): Promise<'deleted' | 'notFound' | 'stateConflict'> {
  const row = await tx.one(
    `SELECT * FROM apps WHERE id = $1 AND environment_id = $2 ${forUpdate(tx, 'apps')}`,
    id,
    origin.environmentId,
  )
  if (!row) return 'notFound'
  if (row.is_default === 1) return 'stateConflict'
  // What hangs on the app goes with it; events stay, and tell of it by its id.
  await tx.run('DELETE FROM sessions WHERE environment_id = $1 AND app_id = $2', origin.environmentId, id)
  await tx.run('DELETE FROM challenges WHERE environment_id = $1 AND app_id = $2', origin.environmentId, id)
  await tx.run('DELETE FROM actions WHERE environment_id = $1 AND app_id = $2', origin.environmentId, id)
  await tx.run('DELETE FROM apps WHERE id = $1', id)
  await insertEvents(tx, [newEvent('app.deleted', origin, now, { appId: id })])
  return 'deleted'
}

export async function listSigningKeys(tx: Transaction, environmentId: string): Promise<SigningKey[]> {
  const rows = await tx.all(
    'SELECT * FROM signing_keys WHERE environment_id = $1 ORDER BY activates_at DESC, id DESC',
    environmentId,
  )
  return rows.map(columns.signingKeys.read)
}

export async function addSigningKey(
  tx: Transaction,
  key: SigningKey,
  origin: Origin,
  now: number,
): Promise<boolean> {
  await tx.lock([`${key.environmentId}:signingKeys`])
  const newer = await tx.one(
    'SELECT 1 FROM signing_keys WHERE environment_id = $1 AND created_at > $2',
    key.environmentId,
    key.createdAt - 60_000,
  )
  if (newer) return false
  const isFirst = !(await tx.one('SELECT 1 FROM signing_keys WHERE environment_id = $1', key.environmentId))
  const { columns: names } = columns.signingKeys
  await tx.run(
    `INSERT INTO signing_keys (${names.join(', ')}) VALUES ${places(1, names.length)}`,
    ...columns.signingKeys.values(key),
  )
  if (!isFirst)
    await insertEvents(tx, [
      newEvent('signing_key.rotated', origin, now, {
        data: { keyId: key.id, activatesAt: new Date(key.activatesAt).toISOString() },
      }),
    ])
  return true
}

export async function tidySigningKeys(
  tx: Transaction,
  { remove, reseal }: Parameters<Store['tidySigningKeys']>[0],
): Promise<void> {
  for (const id of remove) await tx.run('DELETE FROM signing_keys WHERE id = $1', id)
  for (const { id, sealedPrivateJwk } of reseal)
    await tx.run('UPDATE signing_keys SET sealed_private_jwk = $2 WHERE id = $1', id, sealedPrivateJwk)
}
