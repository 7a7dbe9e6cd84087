import { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Step, Value, Watch } from './tape.ts'

type Row = NonNullable<Step['row']>

/**
 * Writes down from now on what this process says to SQLite: what stands between `SAVEPOINT` and `RELEASE` is one
 * operation, and so is a SELECT outside of them.
 */
export function watchSqlite(): Watch {
  const watch: Watch = { operations: [], pragmas: [], instant: () => instant }
  let open: Step[] | null = null
  let instant: Step | null = null
  const { exec, prepare } = DatabaseSync.prototype
  DatabaseSync.prototype.exec = function (sql) {
    if (sql.startsWith('PRAGMA') && watch.pragmas.length < 2) watch.pragmas.push(sql)
    if (sql === 'SAVEPOINT operation') open = []
    if (sql === 'RELEASE operation' && open) {
      watch.operations.push({ call: null, steps: open })
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
          const step: Step = { sql, kind, values }
          if (open) open.push(step)
          else if (sql.startsWith('UPDATE instance')) instant = step
          else if (sql.startsWith('SELECT')) watch.operations.push({ call: null, steps: [step] })
          const result = method.apply(statement, values)
          const row =
            kind === 'all' ? (result as Row[])[0] : kind === 'get' ? (result as Row | undefined) : undefined
          if (row) step.row = row
          return result
        },
      })
    }
    return statement
  }
  return watch
}
