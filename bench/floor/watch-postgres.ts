import type { AsyncLocalStorage } from 'node:async_hooks'
import { Client } from 'pg'
import type { Operation, Step, Value, Watch } from './tape.ts'

type Query = { text: string; values?: unknown[] }
type Result = { rows?: Record<string, unknown>[] }

// What a connection says at its beginning, and to other nodes a few times a second, belongs to no call.
const BESIDE = /^\s*(SET|LISTEN)\b|\bpg_notify\b/

/**
 * Writes down from now on what this process says to PostgreSQL: what one connection says between `BEGIN` and `COMMIT` is
 * one operation, and so is each statement outside of them. `calls` tells on whose behalf.
 */
export function watchPostgres(calls: AsyncLocalStorage<string>): Watch {
  const watch: Watch = { operations: [], pragmas: [], instant: () => null }
  const open = new WeakMap<Client, Operation>()
  const { query } = Client.prototype as unknown as { query: (...args: unknown[]) => unknown }
  const watched = function (this: Client, ...args: unknown[]) {
    const asked = typeof args[0] === 'string' ? { text: args[0], values: args[1] } : (args[0] as Query)
    if (typeof asked?.text !== 'string' || BESIDE.test(asked.text)) return query.apply(this, args)
    const values = Array.isArray(asked.values) ? asked.values.map(plain) : []
    const step: Step = { sql: asked.text, kind: values.length > 0 ? 'all' : 'script', values }
    const operation = open.get(this) ?? { call: calls.getStore() ?? null, steps: [] }
    operation.steps.push(step)
    if (operation.steps.length === 1) watch.operations.push(operation)
    if (/^\s*BEGIN\b/i.test(step.sql)) open.set(this, operation)
    if (/^\s*(COMMIT|ROLLBACK)\b(?! TO)/i.test(step.sql)) open.delete(this)
    const keep = (result: Result) => {
      const [row] = result?.rows ?? []
      if (row) step.row = JSON.parse(JSON.stringify(row))
    }
    const last = args.at(-1)
    if (typeof last === 'function')
      args[args.length - 1] = (error: unknown, result: Result) => {
        keep(result)
        last(error, result)
      }
    const answer = query.apply(this, args)
    if (answer instanceof Promise) answer.then(keep, () => {})
    return answer
  }
  Object.assign(Client.prototype, { query: watched })
  return watch
}

/** A value as JSON can hold it and PostgreSQL takes it. */
function plain(value: unknown): Value {
  if (value === undefined || value === null) return null
  if (Array.isArray(value)) return value.map(plain)
  if (Buffer.isBuffer(value)) return `\\x${value.toString('hex')}`
  if (value instanceof Date) return value.toISOString()
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return typeof value === 'bigint' ? value.toString() : JSON.stringify(value)
}
