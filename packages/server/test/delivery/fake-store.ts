import { createKeyring } from '../../src/core/keys.ts'
import { sealContent } from '../../src/core/messages/content.ts'
import type { ClaimedMessage, Settled, Store } from '../../src/core/ports.ts'
import type { Message } from '../../src/core/rows.ts'
import { challenge, message, NOON } from './samples.ts'

export const keyring = createKeyring(['a secret of the tests that is long enough'], 1)

/** A clock that stands still until it is moved. */
export function handClock(at = NOON) {
  let now = at
  return {
    now: () => now,
    move(ms: number) {
      now += ms
    },
  }
}

type OutboxStore = Pick<Store, 'claimMessages' | 'holdsLease' | 'settleMessages' | 'nextDueAt'>

/** The four methods of the store that the outbox uses, as their comments promise them, in memory. */
export function fakeStore(clock: { now(): number }) {
  const rows: (ClaimedMessage & { dueAt: number; status: string })[] = []
  const outcomes: Settled[] = []
  const calls = { claims: 0, settlements: 0, batches: [] as number[] }
  const broken = { claim: false, settle: false, settleId: '' }
  const held = { lease: true }

  const store: OutboxStore = {
    async claimMessages({ now, limit, leaseMs, busyDomains }) {
      calls.claims++
      await new Promise(resolve => setImmediate(resolve))
      if (broken.claim) throw new Error('the store is down')
      const due = rows.filter(row => row.status === 'queued' && row.dueAt <= now)
      const free = due.filter(row => !busyDomains.includes(row.message.to.split('@')[1]!)).slice(0, limit)
      for (const row of free) {
        row.attempt++
        row.dueAt = now + leaseMs
      }
      return free.map(row => ({ ...row }))
    },
    async holdsLease(id, attempt) {
      return held.lease && rows.some(row => row.message.id === id && row.attempt === attempt)
    },
    async settleMessages(batch) {
      calls.settlements++
      await new Promise(resolve => setImmediate(resolve))
      if (broken.settle || batch.some(({ id }) => id === broken.settleId))
        throw new Error('the store is down')
      calls.batches.push(batch.length)
      for (const outcome of batch) {
        outcomes.push(outcome)
        const row = rows.find(({ message }) => message.id === outcome.id)!
        row.status = outcome.kind === 'retry' ? 'queued' : outcome.kind
        if (outcome.kind === 'retry') row.dueAt = outcome.at
      }
    },
    async nextDueAt() {
      const due = rows.filter(row => row.status === 'queued').map(row => row.dueAt)
      return due.length === 0 ? null : Math.min(...due)
    },
  }

  function queue(own: Partial<Message> = {}, code = '481920'): string {
    const id = own.id ?? `msg_${rows.length + 1}`
    const sealed = sealContent(keyring, 'env_1', id, { code, link: null })
    const row = message({ createdAt: clock.now(), ...own, id })
    rows.push({
      message: row,
      challenge: challenge(),
      sealed,
      attempt: 0,
      userLocale: null,
      dueAt: clock.now(),
      status: 'queued',
    })
    return id
  }

  return {
    store,
    rows,
    outcomes,
    calls,
    broken,
    held,
    queue,
    of: (id: string) => outcomes.filter(outcome => outcome.id === id),
  }
}
