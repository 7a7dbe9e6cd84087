import { writeFileSync } from 'node:fs'
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { answerParent } from './child.ts'
import type { Contest } from './contenders.ts'
import { FORETOLD_CODE } from './foretold.ts'
import { buildOstiary } from './server.ts'
import { type Step, type Tape, tapeFile, type Value } from './tape.ts'

/**
 * Makes a database with one sign-in in it, and the tape of that sign-in: the server runs in this process, and each
 * statement between `SAVEPOINT` and `RELEASE` is written down.
 */

const ADDRESS = 'person-0000000000@mail-00.example'

const pragmas: string[] = []
const operations: Step[][] = []
let open: Step[] | null = null
let instant: Step | undefined

function watchStatements() {
  const { exec, prepare } = DatabaseSync.prototype
  DatabaseSync.prototype.exec = function (sql) {
    if (sql.startsWith('PRAGMA') && operations.length === 0 && pragmas.length < 2) pragmas.push(sql)
    if (sql === 'SAVEPOINT operation') open = []
    if (sql === 'RELEASE operation' && open) {
      operations.push(open)
      open = null
    }
    return exec.call(this, sql)
  }
  DatabaseSync.prototype.prepare = function (sql) {
    const statement = prepare.call(this, sql)
    for (const kind of ['get', 'all', 'run'] as const) {
      const method = StatementSync.prototype[kind] as (...values: Value[]) => unknown
      Object.assign(statement, {
        [kind](...values: Value[]) {
          const step = { sql, kind, values }
          if (open) open.push(step)
          else if (sql.startsWith('UPDATE instance')) instant = step
          return method.apply(statement, values)
        },
      })
    }
    return statement
  }
}

/** The operation with a statement that starts like this; after a single sign-in there is exactly one, empty claims aside. */
function operationOf(start: string): Step[] {
  const found = operations.filter(steps => steps.length > 1 && steps.some(({ sql }) => sql.startsWith(start)))
  if (found.length !== 1) throw new Error(`${found.length} operations with "${start}" instead of 1`)
  return found[0] as Step[]
}

async function record({ database, secretKey }: Contest): Promise<void> {
  watchStatements()
  const at = Date.now()
  const ostiary = await buildOstiary(database, secretKey, { clock: { now: () => at } })
  operations.length = 0
  const post = async (path: string, body: object) => {
    const headers = { Authorization: `Bearer ${secretKey}`, 'Content-Type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await ostiary.fetch(new Request(`http://localhost:4545${path}`, init))
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
    return await response.text()
  }
  ostiary.start()
  const sent = await post('/v1/challenges', { to: ADDRESS })
  await ostiary.drain()
  const verified = await post(`/v1/challenges/${JSON.parse(sent).id}/verify`, { code: FORETOLD_CODE })
  await ostiary.stop()
  if (!instant) throw new Error('no instant was written')
  const tape: Tape = {
    pragmas,
    instant,
    send: operationOf('INSERT INTO challenges'),
    claim: operationOf('UPDATE messages SET leased_until'),
    settle: operationOf('UPDATE messages SET status'),
    verify: operationOf('INSERT INTO sessions'),
    sent,
    verified,
    at,
    address: ADDRESS,
  }
  writeFileSync(tapeFile(database), JSON.stringify(tape))
}

answerParent({ start: record })
