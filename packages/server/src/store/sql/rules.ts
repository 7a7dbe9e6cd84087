import type { Page, RolledBack, RuleBounds, RuleSaved } from '../../core/ports.ts'
import type { Origin, Rule, RuleVersion } from '../../core/rows.ts'
import * as columns from './columns.ts'
import { type EventSubject, insertEvents, newEvent } from './events.ts'
import { pageOf } from './pages.ts'
import { assignments, places, type Transaction } from './transaction.ts'

/**
 * Rules, and the whole set after each change of it. Writers of one environment take turns: each reads the set, writes its
 * change and the version that it makes.
 */

/** How many versions of a set are kept. */
const KEPT_VERSIONS = 100

export async function listRules(tx: Transaction, environmentId: string, page: Page): Promise<Rule[]> {
  return (await tx.all(...pageOf('rules', page, [['environment_id = ?', environmentId]]))).map(
    columns.rules.read,
  )
}

export async function findRule(tx: Transaction, environmentId: string, id: string): Promise<Rule | null> {
  const row = await tx.one('SELECT * FROM rules WHERE id = $1 AND environment_id = $2', id, environmentId)
  return row ? columns.rules.read(row) : null
}

/** See `Store.createRule`. */
export async function createRule(
  tx: Transaction,
  asked: Rule,
  bounds: RuleBounds,
  origin: Origin,
  now: number,
): Promise<RuleSaved> {
  const { rules, version } = await lockSet(tx, asked.environmentId)
  const rule = { ...asked, version: version + 1 }
  // An id may be older than that of a rule which was written before: ids are made before the turn comes.
  const next = [...rules, rule].sort((a, b) => (a.id < b.id ? -1 : 1))
  if (next.length > bounds.rules) return { kind: 'tooMany' }
  if (bytesOf(next) > bounds.bytes) return { kind: 'tooLarge' }
  await insertRule(tx, rule)
  await tell(tx, next, { change: 'created', rule, version: version + 1, origin, now })
  return { kind: 'saved', rule }
}

/** See `Store.updateRule`. */
export async function updateRule(
  tx: Transaction,
  asked: Rule,
  changed: string[],
  bounds: RuleBounds,
  origin: Origin,
  now: number,
): Promise<RuleSaved | { kind: 'stale' }> {
  const { rules, version } = await lockSet(tx, origin.environmentId)
  const rule = { ...asked, version: version + 1, updatedAt: now }
  const isCurrent = rules.some(({ id, version }) => id === asked.id && version === asked.version)
  if (!isCurrent) return { kind: 'stale' }
  const next = rules.map(one => (one.id === rule.id ? rule : one))
  if (bytesOf(next) > bounds.bytes) return { kind: 'tooLarge' }
  await tx.run(
    `UPDATE rules SET ${assignments(columns.rules.columns, 2)} WHERE id = $1`,
    rule.id,
    ...columns.rules.values(rule),
  )
  await tell(tx, next, { change: 'updated', changed, rule, version: version + 1, origin, now })
  return { kind: 'saved', rule }
}

export async function deleteRule(tx: Transaction, id: string, origin: Origin, now: number): Promise<boolean> {
  const { rules, version } = await lockSet(tx, origin.environmentId)
  const rule = rules.find(one => one.id === id)
  if (!rule) return false
  await tx.run('DELETE FROM rules WHERE id = $1', id)
  const next = rules.filter(one => one.id !== id)
  await tell(tx, next, { change: 'deleted', rule, version: version + 1, origin, now })
  return true
}

const SUMMARY = columns.ruleVersions.columns.filter(column => column !== 'rules').join(', ')
const summaryOf = (row: object): Omit<RuleVersion, 'rules'> => {
  const { rules: _, ...summary } = columns.ruleVersions.read({ ...row, rules: '[]' })
  return summary
}

export async function listVersions(
  tx: Transaction,
  environmentId: string,
): Promise<Omit<RuleVersion, 'rules'>[]> {
  const rows = await tx.all(
    `SELECT ${SUMMARY} FROM rule_versions WHERE environment_id = $1 ORDER BY version DESC`,
    environmentId,
  )
  return rows.map(summaryOf)
}

export async function findVersion(
  tx: Transaction,
  environmentId: string,
  version: number,
): Promise<RuleVersion | null> {
  const row = await tx.one(
    'SELECT * FROM rule_versions WHERE environment_id = $1 AND version = $2',
    environmentId,
    version,
  )
  return row ? columns.ruleVersions.read(row) : null
}

/** See `Store.rollBackRules`. */
export async function rollBack(
  tx: Transaction,
  { version: wanted, from, origin, now }: { version: number; from: number; origin: Origin; now: number },
): Promise<RolledBack> {
  const { environmentId } = origin
  const { rules, version } = await lockSet(tx, environmentId)
  if (version !== from) return { kind: 'stale' }
  const old = await findVersion(tx, environmentId, wanted)
  if (!old) return { kind: 'notFound' }
  const current = new Map(rules.map(rule => [rule.id, rule]))
  const next = old.rules.map(rule => {
    const present = current.get(rule.id)
    return present?.version === rule.version ? present : { ...rule, version: version + 1, updatedAt: now }
  })
  await tx.run('DELETE FROM rules WHERE environment_id = $1', environmentId)
  for (const rule of next) await insertRule(tx, rule)
  const told = await tell(tx, next, { change: 'rolledBack', to: wanted, version: version + 1, origin, now })
  return { kind: 'rolledBack', version: told }
}

/** The set as it is until this transaction ends, oldest rule first, and the number of its version. */
async function lockSet(tx: Transaction, environmentId: string): Promise<{ rules: Rule[]; version: number }> {
  await tx.lock([`${environmentId}:rules`])
  const rows = await tx.all('SELECT * FROM rules WHERE environment_id = $1 ORDER BY id', environmentId)
  const environment = await tx.one('SELECT rules_version FROM environments WHERE id = $1', environmentId)
  return { rules: rows.map(columns.rules.read), version: Number(environment?.rules_version ?? 0) }
}

const bytesOf = (rules: readonly Rule[]) => Buffer.byteLength(JSON.stringify(rules))

async function insertRule(tx: Transaction, rule: Rule): Promise<void> {
  const { columns: names } = columns.rules
  await tx.run(
    `INSERT INTO rules (${names.join(', ')}) VALUES ${places(1, names.length)}`,
    ...columns.rules.values(rule),
  )
}

interface Change {
  change: RuleVersion['change']
  rule?: Rule
  changed?: string[]
  /** The version that was gone back to. */
  to?: number
  version: number
  origin: Origin
  now: number
}

const EVENTS = {
  created: 'rule.created',
  updated: 'rule.updated',
  deleted: 'rule.deleted',
  rolledBack: 'rule.rolled_back',
} as const

/** Writes the version that a change makes and its event, makes other processes read anew, and forgets old versions. */
async function tell(
  tx: Transaction,
  rules: Rule[],
  { change, rule, changed, to, version, origin, now }: Change,
): Promise<Omit<RuleVersion, 'rules'>> {
  const { environmentId, actor } = origin
  await tx.run('UPDATE environments SET rules_version = $1 WHERE id = $2', version, environmentId)
  const { columns: names } = columns.ruleVersions
  const ruleId = rule?.id ?? null
  const summary = { environmentId, version, rulesCount: rules.length, change, ruleId, actor, createdAt: now }
  await tx.run(
    `INSERT INTO rule_versions (${names.join(', ')}) VALUES ${places(1, names.length)}`,
    ...columns.ruleVersions.values({ ...summary, rules }),
  )
  await tx.run(
    'DELETE FROM rule_versions WHERE environment_id = $1 AND version <= $2',
    environmentId,
    version - KEPT_VERSIONS,
  )
  const data: EventSubject['data'] = { version }
  if (rule) Object.assign(data, { ruleId: rule.id, name: rule.name })
  if (changed) data.changed = changed
  if (to !== undefined) data.to = to
  await insertEvents(tx, [newEvent(EVENTS[change], origin, now, { data })])
  return summary
}
