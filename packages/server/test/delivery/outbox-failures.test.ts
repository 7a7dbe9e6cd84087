import { describe, expect, test } from 'vitest'
import { reportDetail } from '../../src/core/messages/reports.ts'
import { DeliveryError } from '../../src/core/ports.ts'
import { retryAt } from '../../src/delivery/backoff.ts'
import { told } from '../../src/delivery/outcome.ts'
import { house, until } from './house.ts'
import { environment, mailOf, NOON, settings } from './samples.ts'

describe('a failed try', () => {
  test('that is final ends the message at once', async () => {
    const { outbox, queue, sent, outcomes } = house(async () => {
      throw new DeliveryError('550 no such user', true)
    })
    queue()
    outbox.start()
    await outbox.drain()
    expect(sent).toHaveLength(1)
    expect(outcomes).toMatchObject([{ kind: 'failed', error: '550 no such user' }])
  })

  test('is followed by others at growing distances, all within the life of the message, then by failure', async () => {
    const { outbox, queue, clock, outcomes, sent } = house(async () => {
      throw new DeliveryError('451 later', false)
    })
    queue({ expiresAt: NOON + 300_000 })
    outbox.start()
    const tries: number[] = []
    while (outcomes.at(-1)?.kind !== 'failed') {
      const known = outcomes.length
      await until(() => outcomes.length > known)
      tries.push(clock.now())
      const last = outcomes.at(-1)!
      if (last.kind === 'retry') clock.move(last.at - clock.now())
    }
    const gaps = tries.slice(1).map((at, index) => at - tries[index]!)
    expect(gaps).toHaveLength(6)
    for (const [index, step] of [1_000, 5_000, 15_000, 30_000, 60_000, 120_000].entries()) {
      expect(gaps[index]).toBeGreaterThanOrEqual(step)
      expect(gaps[index]).toBeLessThanOrEqual(step * 1.2)
    }
    expect(tries.at(-1)).toBeLessThan(NOON + 300_000)
    expect(outcomes.at(-1)).toMatchObject({ error: '451 later (no time was left for another try)' })
    expect(new Set(sent.map(mail => mail.id)).size).toBe(1)
  })

  test.each([
    [1, 1_000, 1_200],
    [5, 60_000, 72_000],
    [6, 120_000, 144_000],
    [40, 120_000, 144_000],
  ])('number %i waits %i to %i ms', (attempt, least, most) => {
    expect(retryAt(attempt, 0, 1e9, 0)).toBe(least)
    expect(retryAt(attempt, 0, 1e9, 1)).toBe(most)
    expect(retryAt(attempt, 0, least, 0)).toBeNull()
    expect(retryAt(attempt, 0, least + 1, 0)).toBe(least)
  })

  test('leaves no code in outcome or log, even where the provider quotes it', async () => {
    const { outbox, queue, outcomes, logged } = house(async mail => {
      throw new DeliveryError(`554 spam:\r\n "${mail.subject}"`, true)
    })
    queue()
    outbox.start()
    await outbox.drain()
    expect(outcomes).toMatchObject([{ kind: 'failed', error: '554 spam: "[hidden] is your Acme code"' }])
    expect(logged.join()).toContain('[hidden]')
    expect(logged.join()).not.toContain('481920')
  })

  test('leaves no strong code either, where the provider quotes the HTML part, in which it stands apart', () => {
    const { html } = mailOf({ code: '4819203377' })
    const at = html.indexOf('48192<span')
    const quoted = html.slice(at, html.indexOf('</span>', at))
    for (const words of [told(quoted, { code: '4819203377', link: null }), reportDetail(quoted)])
      expect(words).toBe('[hidden]')
  })

  test('by anything that a broken transport throws is tried again', async () => {
    const { outbox, queue, outcomes } = house(() => Promise.reject('not even an error'))
    queue()
    outbox.start()
    await until(() => outcomes.length === 1)
    expect(outcomes).toMatchObject([{ kind: 'retry', error: 'not even an error' }])
  })
})

describe('the lease', () => {
  test('is asked for just before the provider is called: without it nothing is sent or settled', async () => {
    const { outbox, queue, sent, outcomes, held, logged } = house()
    held.lease = false
    queue()
    outbox.start()
    await until(() => logged.some(line => line.includes('let go')))
    await outbox.drain()
    expect([sent, outcomes]).toEqual([[], []])
  })

  test('has to last for the whole time-out of the transport', async () => {
    const { outbox, queue, sent, clock, rows, outcomes, logged } = house(undefined, {
      directory: {
        environmentOf: async () => {
          if (rows[0]!.attempt === 1) clock.move(10_000)
          return { environment: environment('live'), settings: settings(), templates: [] }
        },
      },
    })
    queue()
    outbox.start()
    await until(() => logged.some(line => line.includes('let go')))
    expect(sent).toEqual([])
    clock.move(20_000)
    await until(() => outcomes.length === 1)
    expect(sent).toHaveLength(1)
  })

  test('that ran out while the provider is slow does not lead to a second send by this process', async () => {
    let answer = (_: { reply: string }) => {}
    const { outbox, queue, sent, clock, rows, outcomes } = house(
      () => new Promise(resolve => (answer = resolve)),
    )
    queue()
    outbox.start()
    await until(() => sent.length === 1)
    clock.move(31_000)
    await until(() => rows[0]!.attempt === 2)
    answer({ reply: '250 ok' })
    await outbox.drain()
    expect(sent).toHaveLength(1)
    expect(outcomes).toMatchObject([{ kind: 'sent' }])
  })
})

describe('while the store is down', () => {
  test('an outcome is kept and stored later, and the message is not sent again', async () => {
    const { outbox, queue, sent, outcomes, broken, calls, clock } = house()
    broken.settle = true
    queue()
    outbox.start()
    await until(() => calls.settlements >= 3)
    clock.move(31_000)
    await until(() => calls.settlements >= 5)
    broken.settle = false
    await outbox.drain()
    expect(sent).toHaveLength(1)
    expect(outcomes).toMatchObject([{ kind: 'sent' }])
  })

  test('for one message only, the others are settled', async () => {
    const { outbox, queue, outcomes, broken } = house()
    broken.settleId = queue()
    queue()
    queue()
    outbox.start()
    await until(() => outcomes.length === 2)
    broken.settleId = ''
    await outbox.drain()
    expect(outcomes).toHaveLength(3)
  })

  test('the worker lives on and claims when it is back', async () => {
    const { outbox, queue, outcomes, broken, calls, logged } = house()
    broken.claim = true
    queue()
    outbox.start()
    await until(() => calls.claims >= 3)
    expect(logged.join()).toContain('cannot reach the store')
    broken.claim = false
    await until(() => outcomes.length === 1)
  })

  test('nothing is sent that cannot be checked first; it is tried again', async () => {
    const { outbox, queue, sent, outcomes } = house(undefined, {
      directory: { environmentOf: () => Promise.reject(new Error('the store is down')) },
    })
    queue()
    outbox.start()
    await until(() => outcomes.length === 1)
    expect(sent).toEqual([])
    expect(outcomes).toMatchObject([{ kind: 'retry' }])
  })
})
