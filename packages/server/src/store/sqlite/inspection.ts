import { countSealed, type SealedCount } from '../sql/secrets.ts'
import { type Connection, openConnection } from './database.ts'
import { MIGRATIONS, readMigrations } from './migrate.ts'

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
  } | null
}

const DAY_MS = 24 * 60 * 60_000

/** Reads beside a running server; throws when the file cannot be read as a database. */
export async function inspectDatabase(file: string, now: number): Promise<Inspection> {
  const db = openConnection(file, { readOnly: true })
  try {
    const known = readMigrations(MIGRATIONS).map(({ name }) => name)
    const applied = appliedTo(db)
    const missing = known.filter(name => !applied.includes(name))
    const unknown = applied.filter(name => !known.includes(name))
    return { missing, unknown, state: missing.length > 0 ? null : await stateOf(db, now) }
  } finally {
    db.close()
  }
}

/** Writes one row as it is, through to the disk. Throws when that fails or another process does not let go of the lock. */
export function tryWrite(file: string): void {
  const db = openConnection(file)
  try {
    db.run('UPDATE instance SET epoch = epoch')
  } finally {
    db.close()
  }
}

function appliedTo(db: Connection): string[] {
  const table = db.one("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migrations'")
  return table ? db.all('SELECT name FROM migrations ORDER BY name').map(row => row.name) : []
}

async function stateOf(db: Connection, now: number): Promise<Inspection['state']> {
  const tx = { ...db, judgeAt: (at: number) => at, afterCommit: () => {} }
  const instance = db.one('SELECT epoch, last_instant FROM instance')
  const challenges = db.one(
    `SELECT count(*) AS found, coalesce(sum(ip_address IS NULL), 0) AS untold
     FROM challenges JOIN environments ON environments.id = environment_id
     WHERE mode = 'live' AND expires_at > $1 AND challenges.created_at > $1`,
    now - DAY_MS,
  )
  return {
    epoch: instance?.epoch ?? 0,
    lastInstant: instance?.last_instant ?? 0,
    sealed: await countSealed(tx),
    challenges: { all: challenges?.found ?? 0, untold: challenges?.untold ?? 0 },
  }
}
