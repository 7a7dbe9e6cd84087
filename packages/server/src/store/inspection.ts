import { effectiveSettings } from '../core/settings/settings.ts'
import type { Migration } from './migrations.ts'
import { countSealed, type SealedCount } from './sql/secrets.ts'
import type { Transaction } from './sql/transaction.ts'

/** A look at a database as it is: nothing is migrated, begun or changed, whatever its state. */
export interface Inspection {
  /** Migrations of this version that were not applied, and applied ones that this version does not know. */
  missing: string[]
  unknown: string[]
  /** The rest is null while a migration is missing: its statements are those of this version. */
  state: {
    epoch: number
    lastInstant: number
    sealed: SealedCount[]
    /** Live challenges of the last day, and those of them whose asker's address was not told. */
    challenges: { all: number; untold: number }
    /** Of each environment: `passkey.rpId` of its settings, and its passkeys by the relying party of each. */
    passkeys: { slug: string; rpId: string | null; made: { rpId: string; count: number }[] }[]
    /** Webhook endpoints that were disabled, but not by hand. */
    disabledWebhooks: { slug: string; id: string; reason: 'gone' | 'failing' | 'secret_replaced' }[]
  } | null
}

const DAY_MS = 24 * 60 * 60_000

/** Inspects by a reading transaction, given the names of the migrations that were applied. */
export async function inspect(
  tx: Transaction,
  shipped: readonly Migration[],
  applied: readonly string[],
  now: number,
): Promise<Inspection> {
  const known = shipped.map(({ name }) => name)
  const missing = known.filter(name => !applied.includes(name))
  const unknown = applied.filter(name => !known.includes(name))
  return { missing, unknown, state: missing.length > 0 ? null : await stateOf(tx, now) }
}

async function stateOf(tx: Transaction, now: number): Promise<Inspection['state']> {
  const instance = await tx.one('SELECT epoch, last_instant FROM instance')
  const challenges = await tx.one(
    `SELECT count(*) AS found, sum(CASE WHEN ip_address IS NULL THEN 1 ELSE 0 END) AS untold
     FROM challenges JOIN environments ON environments.id = environment_id
     WHERE mode = 'live' AND expires_at > $1 AND challenges.created_at > $1`,
    now - DAY_MS,
  )
  return {
    epoch: Number(instance?.epoch ?? 0),
    lastInstant: Number(instance?.last_instant ?? 0),
    sealed: await countSealed(tx),
    challenges: { all: Number(challenges?.found ?? 0), untold: Number(challenges?.untold ?? 0) },
    passkeys: await passkeysIn(tx),
    disabledWebhooks: (
      await tx.all(
        `SELECT slug, webhook_endpoints.id, disabled_reason FROM webhook_endpoints
         JOIN environments ON environments.id = environment_id
         WHERE webhook_endpoints.status = 'disabled' AND disabled_reason <> 'manual' ORDER BY slug, webhook_endpoints.id`,
      )
    ).map(row => ({ slug: row.slug, id: row.id, reason: row.disabled_reason })),
  }
}

async function passkeysIn(tx: Transaction): Promise<NonNullable<Inspection['state']>['passkeys']> {
  const environments = await tx.all('SELECT id, slug, settings FROM environments ORDER BY slug')
  const counted = await tx.all(
    `SELECT environment_id, rp_id, count(*) AS found FROM authenticators
     WHERE type = 'passkey' AND rp_id IS NOT NULL GROUP BY environment_id, rp_id ORDER BY rp_id`,
  )
  return environments.map(({ id, slug, settings }) => ({
    slug: String(slug),
    rpId: effectiveSettings(JSON.parse(String(settings))).passkey.rpId,
    made: counted
      .filter(row => row.environment_id === id)
      .map(row => ({ rpId: String(row.rp_id), count: Number(row.found) })),
  }))
}
