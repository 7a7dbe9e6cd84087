import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readMigrations } from '../../src/store/migrations.ts'
import { type Connection, openConnection } from '../../src/store/sqlite/database.ts'
import { migrate } from '../../src/store/sqlite/migrate.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'

const SHIPPED = new URL('../../migrations/sqlite/', import.meta.url)
const GOLDEN = new URL('./schema.sqlite.sql', import.meta.url)
const shipped = readMigrations(SHIPPED)
const names = shipped.map(migration => migration.name)

let folder: string
let file: string
let db: Connection
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostiary-migrations-'))
  file = join(folder, 'ostiary.db')
  db = openConnection(file)
})
afterEach(() => {
  db.close()
  rmSync(folder, { recursive: true, force: true })
})

/** The shipped migrations and some more, from a folder of their own. */
function withMore(more: Record<string, string>) {
  const copy = join(folder, 'migrations/')
  cpSync(SHIPPED, copy, { recursive: true })
  for (const [name, sql] of Object.entries(more)) writeFileSync(join(copy, name), sql)
  return readMigrations(pathToFileURL(copy))
}

const tables = () =>
  db
    .all("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    .map(row => row.name)

it('brings an empty database up to date, and does nothing the second time', () => {
  expect(migrate(db, shipped)).toEqual(names)
  const schema = schemaOf(db)
  expect(migrate(db, shipped)).toEqual([])
  expect(schemaOf(db)).toBe(schema)
})

it('is the schema that was agreed on', () => {
  migrate(db, shipped)
  const schema = schemaOf(db)
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(GOLDEN, schema)
  const golden = existsSync(GOLDEN) ? readFileSync(GOLDEN, 'utf8') : ''
  expect(
    schema === golden,
    `the migrations give another schema than test/store/schema.sqlite.sql. If that is meant, look at the difference: UPDATE_GOLDEN=1 npx vitest run packages/server/test/store/migrations.test.ts && git diff`,
  ).toBe(true)
})

it('lets one of several processes do it; the others wait and find it done', async () => {
  db.close()
  rmSync(file)
  const program = `
    import { openSqliteStore } from ${JSON.stringify(new URL('../../src/store/sqlite/store.ts', import.meta.url).href)}
    await new Promise(resolve => process.stdin.once('data', resolve))
    const store = openSqliteStore(process.argv[1])
    const { applied } = await store.migrate()
    await store.close()
    console.log(JSON.stringify(applied))
    process.exit(0)`
  const children = Array.from({ length: 4 }, () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', program, file], { stdio: 'pipe' })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (said += data))
    return { child, ended: new Promise<string>(resolve => child.on('close', () => resolve(said.trim()))) }
  })
  await new Promise(resolve => setTimeout(resolve, 400))
  for (const { child } of children) child.stdin.write('go')
  const said = await Promise.all(children.map(({ ended }) => ended))
  expect(said.sort()).toEqual([JSON.stringify(names), '[]', '[]', '[]'].sort())
  db = openConnection(file)
  expect(db.all('SELECT name FROM migrations').map(row => row.name)).toEqual(names)
})

it('refuses a migration that was changed after it was applied', () => {
  migrate(db, shipped)
  db.run("UPDATE migrations SET checksum = 'other'")
  expect(() => migrate(db, shipped)).toThrow(/0001_initial was changed after it was applied/)
})

it('refuses a database of a newer version before it changes anything', async () => {
  migrate(db, shipped)
  db.run("INSERT INTO migrations VALUES ('9999_future', 'x', 'now')")
  const missing = withMore({ '0900_next.sql': 'CREATE TABLE next (id TEXT) STRICT;' })
  expect(() => migrate(db, missing)).toThrow(/9999_future, which this version does not know/)
  expect(tables()).not.toContain('next')
  const store = openSqliteStore(file)
  await expect(store.migrate()).rejects.toThrow(/run a newer Ostiary/)
  await store.close()
})

it('leaves a migration that fails in the middle absent, and the ones before it whole', () => {
  const broken = withMore({
    '0900_next.sql': 'CREATE TABLE next (id TEXT) STRICT; INSERT INTO nowhere VALUES (1);',
  })
  expect(() => migrate(db, broken)).toThrow(/nowhere/)
  expect(tables()).toContain('challenges')
  expect(tables()).not.toContain('next')
  expect(db.all('SELECT name FROM migrations').map(row => row.name)).toEqual(names)
  const mended = withMore({ '0900_next.sql': 'CREATE TABLE next (id TEXT) STRICT;' })
  expect(migrate(db, mended)).toEqual(['0900_next'])
})

it('leaves a migration absent when the process is killed in its middle', async () => {
  // The statement never ends, so the kill comes after the tables were made and before the commit.
  withMore({
    '0900_next.sql':
      'CREATE TABLE next (id INTEGER) STRICT; INSERT INTO next WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n;',
  })
  const at = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)
  const program = `
    import { openConnection } from ${at('../../src/store/sqlite/database.ts')}
    import { migrate } from ${at('../../src/store/sqlite/migrate.ts')}
    import { readMigrations } from ${at('../../src/store/migrations.ts')}
    migrate(openConnection(process.argv[1]), readMigrations(new URL(${JSON.stringify(pathToFileURL(join(folder, 'migrations/')).href)})))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program, file], { stdio: 'ignore' })
  const ended = new Promise(resolve => child.on('close', resolve))
  await expect.poll(() => tables().includes('challenges'), { timeout: 5000 }).toBe(true)
  await new Promise(resolve => setTimeout(resolve, 200))
  expect(child.exitCode).toBeNull()
  child.kill('SIGKILL')
  await ended
  expect(tables()).not.toContain('next')
  expect(db.all('SELECT name FROM migrations').map(row => row.name)).toEqual(names)
  const mended = withMore({ '0900_next.sql': 'CREATE TABLE next (id TEXT) STRICT;' })
  expect(migrate(db, mended)).toEqual(['0900_next'])
})

/** The whole schema as text, in an order of its own. */
function schemaOf(connection: Connection): string {
  return connection
    .all('SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY tbl_name, type DESC, name')
    .map(row => `${row.sql};\n`)
    .join('\n')
}
