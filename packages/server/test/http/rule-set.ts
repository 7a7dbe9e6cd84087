import { newId } from '../../src/core/ids.ts'
import type { Rule } from '../../src/core/rows.ts'
import type { TestServer } from '../setup/server.ts'

/** Rules of the test environment, written to the store and seen by the next call. */

const BOUNDS = { rules: 200, bytes: 256 * 1024 }

const place = async (server: TestServer) => {
  const { directory, store, clock } = server.ostiary.deps
  const view = await directory.bySlug('test')
  if (!view) throw new Error('no environment')
  const origin = {
    environmentId: view.environment.id,
    appId: null,
    actor: { type: 'system' as const, id: null },
    requestId: null,
  }
  return { directory, store, now: clock.now(), origin, environmentId: view.environment.id }
}

/** Adds a rule for `payOut`, or for the name that it says. */
export async function addRule(
  server: TestServer,
  rule: Partial<Omit<Rule, 'outcome'>> & { condition: string; outcome: string },
): Promise<void> {
  const { directory, store, now, origin, environmentId } = await place(server)
  const whole = {
    id: newId('rul', now),
    environmentId,
    name: rule.condition,
    actionName: 'payOut',
    priority: 50,
    methods: [],
    requires: 1,
    mode: 'live',
    isActive: true,
    enrolmentCounts: false,
    version: 0,
    createdAt: now,
    updatedAt: now,
    ...rule,
  } as Rule
  const saved = await store.createRule(whole, BOUNDS, origin, now)
  if (saved.kind !== 'saved') throw new Error(saved.kind)
  directory.forget()
}

export async function dropRules(server: TestServer): Promise<void> {
  const { directory, store, now, origin, environmentId } = await place(server)
  const all = { limit: 200, before: null, createdAfter: null, createdBefore: null }
  for (const { id } of await store.listRules(environmentId, all)) await store.deleteRule(id, origin, now)
  directory.forget()
}

/** The signals by which an action was judged. */
export async function signals(server: TestServer, actionId: string): Promise<object | undefined> {
  const { store, environmentId } = await place(server)
  return (await store.findAction(environmentId, actionId))?.decision?.signals
}
