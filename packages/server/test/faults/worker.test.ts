import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import type { Settled, Store } from '../../src/core/ports.ts'
import { newEvent } from '../../src/store/sql/events.ts'
import { checkInvariants } from '../setup/invariants.ts'
import { type House, openHouse, written } from './house.ts'
import { OPERATIONS } from './operations.ts'
import { FAILURES, failing, statementsOf } from './statements.ts'

/** What writes without a request: the worker, the upkeep and the start of a server. Each of them tries again. */

let house: House
beforeEach(async () => {
  house = await openHouse()
})
afterEach(() => house.close())

const REFUSALS = ['unavailable', 'outcome_unknown']

/** Fails the task at each of its statements, and lets it run again: it must come to what one clean run comes to. */
async function failEach(
  prepare: () => Promise<() => Promise<unknown>>,
  effect: () => unknown,
): Promise<string[]> {
  const wrong: string[] = []
  const clean = await prepare()
  const statements = await statementsOf(clean)
  const expected = JSON.stringify(effect())
  expect(statements).toContain('COMMIT')
  for (const [index, sql] of statements.entries()) {
    for (const failure of FAILURES) {
      const task = await prepare()
      const told = `${failure} at ${index + 1}, ${sql.slice(0, 60)}`
      const code = await failing(index + 1, failure, task).then(
        () => null,
        error => error.code,
      )
      if (!REFUSALS.includes(code)) wrong.push(`${told}: ${code}`)
      await task()
      const came = JSON.stringify(effect())
      if (came !== expected) wrong.push(`${told}: came to ${came}, not ${expected}`)
    }
  }
  return wrong
}

async function send(): Promise<string> {
  const { body } = await house.call('POST', '/v1/challenges', { to: `w${Math.random()}@faults.example` })
  return body.id
}

const claim = (now: number) =>
  house.ostiary.store.claimMessages({ now, limit: 10, leaseMs: 30_000, busyDomains: [] })

describe('when the store fails under the worker', () => {
  test('a message is claimed again after its lease, and by one caller at a time', async () => {
    let ids: string[] = []
    const wrong = await failEach(
      async () => {
        await send()
        return async () => {
          // A claim whose answer was lost holds its message for the time of a lease.
          ids = (await claim(house.clock.now())).map(({ message }) => message.id)
          house.clock.advance(31_000)
          if (ids.length === 0) ids = (await claim(house.clock.now())).map(({ message }) => message.id)
          const now = house.clock.now()
          const sent = { kind: 'sent', reply: '250', keepSealedUntil: null, now } as const
          const environmentId = (await house.ostiary.deps.directory.bySlug('test'))?.environment.id ?? ''
          await house.ostiary.store.settleMessages(
            ids.map(id => ({ ...sent, id, environmentId, attempt: 1 })),
          )
        }
      },
      () => null,
    )
    expect(wrong).toEqual([])
    await house.deliver()
    expect(checkInvariants(house.file)).toEqual([])
  })

  test('an outcome is written once, with one event', async () => {
    let before: Record<string, number> = {}
    const wrong = await failEach(
      async () => {
        await send()
        const [claimed] = await claim(house.clock.now())
        if (!claimed) throw new Error('nothing to claim')
        const { id, environmentId } = claimed.message
        const outcome: Settled = {
          kind: 'sent',
          reply: '250',
          keepSealedUntil: null,
          now: house.clock.now(),
          id,
          environmentId,
          attempt: claimed.attempt,
        }
        before = house.counts()
        return () => house.ostiary.store.settleMessages([outcome])
      },
      () => written(before, house.counts()),
    )
    expect(wrong).toEqual([])
    expect(checkInvariants(house.file)).toEqual([])
  })

  test('purging goes on where it stopped', async () => {
    const { environment, settings } = (await house.ostiary.deps.directory.bySlug('test')) ?? {}
    if (!environment || !settings) throw new Error('no environment test')
    const { hour, day } = settings.limits.weakGuessesPerAddress
    const wrong = await failEach(
      async () => {
        await send()
        await house.deliver()
        house.clock.advance(100 * 86_400_000)
        const purge: Parameters<Store['purge']>[0] = {
          now: house.clock.now(),
          environmentId: environment.id,
          retentionDays: settings.retentionDays,
          exposure: { perAddress: { hour, day }, perEnvironment: settings.limits.weakGuessesPerEnvironment },
          limit: 100,
        }
        return async () => {
          while (await house.ostiary.store.purge(purge));
        }
      },
      () => house.counts().challenges,
    )
    expect(wrong).toEqual([])
    expect(checkInvariants(house.file)).toEqual([])
  })

  test('signing keys and environments are added once', async () => {
    const { store, deps } = house.ostiary
    const view = await deps.directory.bySlug('test')
    const [key] = view ? await store.listSigningKeys(view.environment.id) : []
    if (!view || !key) throw new Error('no key')
    const origin = {
      environmentId: view.environment.id,
      appId: null,
      actor: { type: 'system' as const, id: null },
      requestId: null,
    }
    let before: Record<string, number> = {}
    const added = await failEach(
      async () => {
        house.clock.advance(1000)
        const now = house.clock.now()
        const next = { ...key, id: newId('key', now), createdAt: now, activatesAt: now + 1000 }
        before = house.counts()
        return () => store.addSigningKey(next, origin, now)
      },
      () => written(before, house.counts()),
    )
    const made = await failEach(
      async () => {
        house.clock.advance(1000)
        const now = house.clock.now()
        const id = newId('env', now)
        const environment = { ...view.environment, id, slug: `s${now}`, createdAt: now }
        const app = {
          ...view.defaultApp,
          id: newId('app', now),
          environmentId: id,
          publishableKey: `opk_test_${now}`,
        }
        before = house.counts()
        return () => store.createEnvironment(environment, app, { ...origin, environmentId: id }, now)
      },
      () => written(before, house.counts()),
    )
    const tidied = await failEach(
      async () => {
        const now = house.clock.now()
        return () =>
          store.tidySigningKeys({
            now,
            remove: [],
            reseal: [{ id: key.id, sealedPrivateJwk: `sealed-${now}` }],
          })
      },
      () => null,
    )
    const told = await failEach(
      async () => {
        return async () =>
          store.addEvents([newEvent('settings.updated', origin, house.clock.now(), { data: {} })])
      },
      () => null,
    )
    expect([...added, ...made, ...tidied, ...told]).toEqual([])
  })
})

test('every method of the store that writes meets failures here or in faults.test.ts', () => {
  const READS = /^(find|list)|^(migrate|begin|close|judgeAt|onQueued|holdsLease|nextDueAt|keep)$/
  // Templates are new; the rest is run by commands of the operator in a process that does nothing else, or by a provider's webhook that tries again:
  // not met here yet.
  const notYet = [
    'createTemplate',
    'updateTemplate',
    'deleteTemplate',
    'vitals',
    'recordDelivery',
    'reseal',
    'replaceSigningKeys',
    'endForgeable',
  ]
  const here = [
    'claimMessages',
    'settleMessages',
    'purge',
    'addSigningKey',
    'createEnvironment',
    'tidySigningKeys',
    'addEvents',
  ]
  const met = new Set<string>([...here, ...notYet, ...OPERATIONS.map(({ method }) => method)])
  const missing = Object.keys(house.ostiary.store).filter(name => !READS.test(name) && !met.has(name))
  expect(missing).toEqual([])
})
