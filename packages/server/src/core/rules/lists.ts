import { type Call, type Deps, refuse } from '../deps.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import type { ListSaved } from '../ports.ts'
import type { List } from '../rows.ts'
import { conditions } from './condition.ts'
import { MAX_RULES } from './rule.ts'

/** How many an environment can have, and how long they can be: each process keeps them in memory. */
export const MAX_LISTS = 50
export const MAX_ENTRIES = 10_000
export const MAX_ENTRY = 255

export interface ListFields {
  name: string
  entries: string[]
}

/** The `ETag` of a list. */
export const listEtag = (list: List) => `"${list.version}"`

/** Makes a list; an entry that is named twice stands in it once. Refusals: `already_exists`, `state_conflict` past the fiftieth. */
export async function createList(
  deps: Deps,
  call: Call,
  { name, entries: given }: ListFields,
  keep?: Keep<List>,
): Promise<List> {
  const now = deps.clock.now()
  const entries = [...new Set(given)]
  const list: List = {
    id: newId('lst', now),
    environmentId: call.view.environment.id,
    name,
    entries,
    entriesCount: entries.length,
    version: 1,
    createdAt: now,
    updatedAt: now,
  }
  const created = await writeOnce<ListSaved, List>(
    keep,
    once => deps.store.createList(list, MAX_LISTS, call.origin, now, once),
    saved => savedList(saved, name),
  )
  deps.directory.forget()
  return created
}

/**
 * Changes a list; its entries are replaced whole. With `If-Match`, only the version that it names is changed. Refusals:
 * `not_found`, `already_exists`, `precondition_failed`; `state_conflict` for a new name while a rule looks into the old
 * one, and after losing three races.
 */
export async function updateList(
  deps: Deps,
  call: Call,
  id: string,
  patch: { name?: string | undefined; entries?: string[] | undefined },
  ifMatch: string | null,
): Promise<List> {
  for (let tries = 0; tries < 3; tries++) {
    const list = await findList(deps, call, id)
    if (ifMatch !== null && ifMatch !== '*' && ifMatch !== listEtag(list))
      return refuse('precondition_failed')
    const name = patch.name ?? list.name
    if (name !== list.name) await refuseUsed(deps, list)
    const entries = patch.entries ? [...new Set(patch.entries)] : list.entries
    const next = { ...list, name, entries, entriesCount: entries.length }
    const saved = await deps.store.updateList(next, Object.keys(patch), call.origin, deps.clock.now())
    deps.directory.forget()
    if (saved.kind !== 'stale') return savedList(saved, name)
  }
  return refuse('state_conflict', 'The list is being changed by somebody else right now.')
}

/** Refusals: `not_found`, `state_conflict` while a rule looks into it. */
export async function deleteList(deps: Deps, call: Call, id: string): Promise<void> {
  await refuseUsed(deps, await findList(deps, call, id))
  const isDeleted = await deps.store.deleteList(id, call.origin, deps.clock.now())
  deps.directory.forget()
  return isDeleted ? undefined : refuse('not_found')
}

/** Refusal: `not_found`. */
export async function findList(deps: Deps, call: Call, id: string): Promise<List> {
  return (await deps.store.findList(call.view.environment.id, id)) ?? refuse('not_found')
}

/**
 * Kindness, not a lock: a rule that is saved at the same moment can be left without its list. It errs then, and makes
 * decisions stricter until somebody looks.
 */
async function refuseUsed({ store }: Deps, { environmentId, name }: List): Promise<void> {
  const all = { limit: MAX_RULES, before: null, createdAfter: null, createdBefore: null }
  const rules = await store.listRules(environmentId, all)
  if (rules.length === 0) return
  const { compile } = await conditions()
  for (const rule of rules) {
    const compiled = compile(rule.condition)
    if ('condition' in compiled && compiled.condition.lists.has(name))
      refuse('state_conflict', `The rule "${rule.name}" (${rule.id}) looks into this list.`)
  }
}

function savedList(saved: ListSaved, name: string): List {
  if (saved.kind === 'nameTaken') return refuse('already_exists', `There is a list "${name}" already.`)
  if (saved.kind === 'tooMany')
    return refuse('state_conflict', `An environment has at most ${MAX_LISTS} lists.`)
  return saved.list
}
