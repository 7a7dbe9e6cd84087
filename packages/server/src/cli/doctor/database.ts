import { accessSync, constants, existsSync, statfsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { inspectDatabase } from '../../store/inspect.ts'
import type { Inspection } from '../../store/inspection.ts'
import { tryWrite } from '../../store/sqlite/inspection.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const MIB = 1024 ** 2

/** What the checks of a database found; the inspection is null when there is nothing to look at yet. */
export interface DatabaseFindings {
  findings: Finding[]
  inspection: Inspection | null
}

/** Whether the file opens, has the schema of this version, and takes a write. Nothing is made or migrated. */
export async function checkDatabase(file: string, now: number): Promise<DatabaseFindings> {
  try {
    const inspection = await inspectDatabase(file, now)
    if (inspection === null) return { findings: [checkPlace(file)], inspection }
    const findings = [checkSchema(inspection), ...(inspection.state ? [checkWrite(file)] : [])]
    return { findings, inspection }
  } catch (error) {
    const finding = fail(
      'database',
      `${file} does not open: ${(error as Error).message}`,
      'check DATABASE_URL and the rights on the file; after damage, restore a backup and raise OSTIARY_EPOCH',
    )
    return { findings: [finding], inspection: null }
  }
}

function checkPlace(file: string): Finding {
  const folder = nearestFolder(file)
  try {
    accessSync(folder, constants.W_OK | constants.X_OK)
    return warn('database', `${file} is not there yet`, 'nothing to do: the first start makes it')
  } catch {
    return fail(
      'database',
      `${file} is not there, and ${folder} cannot be written`,
      `let the user of this process write to ${folder}, or change DATABASE_URL`,
    )
  }
}

/** Whether the schema is the one of this version. */
export function checkSchema({ missing, unknown }: Pick<Inspection, 'missing' | 'unknown'>): Finding {
  if (unknown.length > 0)
    return fail(
      'schema',
      `the database has ${unknown.join(', ')}, which this version does not know`,
      'run the version of Ostiary that ran last, or a newer one',
    )
  if (missing.length > 0)
    return warn(
      'schema',
      `${missing.join(', ')} not applied yet`,
      'start applies it, or run: ostiary migrate',
    )
  return ok('schema', 'up to date')
}

/** Whether a write goes through to the disk. */
export function checkWrite(file: string, write: (file: string) => void = tryWrite): Finding {
  try {
    write(file)
    return ok('write', 'a write went through')
  } catch (error) {
    return fail(
      'write',
      `the database takes no write: ${(error as Error).message}`,
      'check the rights on the file and its folder, the disk, and who else holds the database open',
    )
  }
}

/** Free space beside the database: SQLite answers 503 to everything once it is gone. */
export function checkDisk(
  file: string,
  freeBytes: (folder: string) => number = folder => {
    const { bavail, bsize } = statfsSync(folder)
    return bavail * bsize
  },
): Finding {
  const folder = nearestFolder(file)
  const free = freeBytes(folder)
  const message = `${Math.floor(free / MIB).toLocaleString('en')} MiB are free at ${folder}`
  const fix = 'make room, move the database, or lower retentionDays in the settings'
  if (free < 100 * MIB) return fail('disk', message, fix)
  return free < 1024 * MIB ? warn('disk', message, fix) : ok('disk', message)
}

function nearestFolder(file: string): string {
  let folder = dirname(resolve(file))
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder)
  return folder
}
