import { setTimeout as pause } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import type { Transport } from '../../src/core/ports.ts'
import { abandon, hang, house, until } from './house.ts'
import { environment, NOON, settings } from './samples.ts'

describe('a queued message', () => {
  test('is sent once and settled with the reply of the provider', async () => {
    const { outbox, queue, sent, outcomes } = house(undefined, { pollMs: 60_000 })
    const id = queue()
    outbox.start()
    await outbox.drain()
    expect(sent.map(mail => [mail.id, mail.to, mail.subject])).toEqual([
      [id, 'mila@example.com', '481920 is your Acme code'],
    ])
    expect(outcomes).toEqual([
      {
        id,
        environmentId: 'env_1',
        attempt: 1,
        kind: 'sent',
        reply: '250 ok',
        writtenAt: expect.any(Number),
        now: NOON,
        keepSealedUntil: null,
      },
    ])
  })

  test('is sent at once when the outbox is woken, long before it would look by itself', async () => {
    const { outbox, queue, outcomes, calls } = house(undefined, { pollMs: 60_000 })
    outbox.start()
    await until(() => calls.claims === 1)
    queue()
    outbox.wake()
    await until(() => outcomes.length === 1)
  })

  test('is found without being told of it', async () => {
    const { outbox, queue, outcomes } = house()
    outbox.start()
    await outbox.drain()
    queue()
    await until(() => outcomes.length === 1)
  })

  test('of a decoy is dropped: no provider hears of it, and the truth stands in the outcome', async () => {
    const { outbox, queue, sent, outcomes } = house()
    queue({ isVoid: true })
    outbox.start()
    await outbox.drain()
    expect(sent).toEqual([])
    expect(outcomes).toMatchObject([{ kind: 'failed', error: 'not sent: this address leads to no one here' }])
  })

  test('of a decoy is composed as a mail is, and is under way as long as the last one was', async () => {
    const rehearsed: string[] = []
    const transport: Transport = {
      name: 'slow',
      timeoutMs: 20_000,
      send: async () => {
        await pause(80)
        return { reply: '250 ok' }
      },
      rehearse: async ({ id }) => void rehearsed.push(id),
      close: async () => {},
    }
    const { outbox, queue, outcomes } = house(undefined, { transportFor: () => transport })
    queue()
    outbox.start()
    await outbox.drain()
    const decoy = queue({ isVoid: true })
    const begunAt = performance.now()
    await outbox.drain()
    expect(performance.now() - begunAt).toBeGreaterThan(75)
    expect(rehearsed).toEqual([decoy])
    expect(outcomes.map(({ kind }) => kind)).toEqual(['sent', 'failed'])
  })

  test('that expired in the queue is not sent', async () => {
    const { outbox, queue, sent, outcomes } = house()
    queue({ expiresAt: NOON })
    outbox.start()
    await outbox.drain()
    expect(sent).toEqual([])
    expect(outcomes).toMatchObject([{ kind: 'failed', error: 'expired before it could be sent' }])
  })

  test('that cannot be opened or whose environment is gone fails, and says so', async () => {
    const { outbox, queue, rows, of } = house(undefined, {
      directory: {
        environmentOf: async id =>
          id === 'env_1' ? { environment: environment('live'), settings: settings(), templates: [] } : null,
      },
    })
    const foreign = queue()
    rows[0]!.sealed = rows[0]!.sealed!.replace(/.(?=.{20}$)/, char => (char === 'A' ? 'B' : 'A'))
    const homeless = queue({ environmentId: 'env_2' })
    outbox.start()
    await outbox.drain()
    expect(of(foreign)).toMatchObject([{ kind: 'failed', error: expect.stringContaining('does not open') }])
    expect(of(homeless)).toMatchObject([{ kind: 'failed', error: expect.stringContaining('environment') }])
  })

  test('that cannot be rendered fails by itself and holds up no other', async () => {
    const { outbox, queue, rows, of } = house()
    const broken = queue()
    rows[0]!.challenge = { ...rows[0]!.challenge!, templateVariables: null as never, expiresAt: Number.NaN }
    const whole = queue()
    outbox.start()
    await outbox.drain()
    expect(of(broken)).toMatchObject([{ kind: 'failed', error: 'not sent: it could not be rendered' }])
    expect(of(whole)).toMatchObject([{ kind: 'sent' }])
  })

  test('in a test environment keeps its content for a day, also when it stays in the house', async () => {
    const { outbox, queue, sent, outcomes } = house(undefined, {
      directory: {
        environmentOf: async () => ({
          environment: environment('test'),
          settings: settings(),
          templates: [],
        }),
      },
      transportFor: () => 'inbox',
    })
    queue()
    outbox.start()
    await outbox.drain()
    expect(sent).toEqual([])
    expect(outcomes).toMatchObject([
      { kind: 'sent', reply: 'kept in the dev inbox', keepSealedUntil: NOON + 86_400_000 },
    ])
  })
})

describe('many messages', () => {
  test('to a domain that hangs take at most half of the places; others go out meanwhile', async () => {
    const { outbox, queue, sent, outcomes } = house(
      mail => (mail.to.endsWith('slow.example') ? hang() : Promise.resolve({ reply: '250 ok' })),
      {
        maxInFlight: 20,
      },
    )
    for (let index = 0; index < 30; index++) queue({ to: `u${index}@slow.example` })
    for (let index = 0; index < 50; index++) queue({ to: `u${index}@fast.example` })
    outbox.start()
    await until(() => outcomes.length === 50)
    expect(sent.filter(mail => mail.to.endsWith('slow.example'))).toHaveLength(10)
    abandon(outbox)
  })

  test('never are under way in a greater number than is allowed', async () => {
    let under = 0
    let most = 0
    const { outbox, queue, outcomes } = house(async () => {
      most = Math.max(most, ++under)
      await new Promise(resolve => setTimeout(resolve, 2))
      under--
      return { reply: '250 ok' }
    })
    for (let index = 0; index < 200; index++) queue({ to: `u@d${index % 5}.example` })
    outbox.start()
    await outbox.drain()
    expect(outcomes).toHaveLength(200)
    expect(most).toBeLessThanOrEqual(20)
    expect(most).toBeGreaterThan(10)
  })

  test('that found no place are sent as soon as one is free', async () => {
    const answers: (() => void)[] = []
    const { outbox, queue, sent, broken } = house(
      () => new Promise(resolve => answers.push(() => resolve({ reply: '250 ok' }))),
      { pollMs: 60_000, maxInFlight: 2 },
    )
    // Not even a store that takes no outcome may keep a free place empty.
    broken.settle = true
    for (let index = 0; index < 3; index++) queue({ to: `u@d${index}.example` })
    outbox.start()
    await until(() => sent.length === 2)
    await new Promise(resolve => setTimeout(resolve, 10))
    answers[0]!()
    await until(() => sent.length === 3)
    broken.settle = false
    for (const answer of answers) answer()
  })

  test('are settled together', async () => {
    const { outbox, queue, calls, outcomes } = house()
    for (let index = 0; index < 100; index++) queue({ to: `u@d${index % 4}.example` })
    outbox.start()
    await outbox.drain()
    expect(outcomes).toHaveLength(100)
    expect(calls.settlements).toBeLessThan(30)
  })
})

describe('stopping', () => {
  test('waits for what is under way, stores its outcome and claims nothing more', async () => {
    let answer = (_: { reply: string }) => {}
    const { outbox, queue, sent, outcomes, calls } = house(() => new Promise(resolve => (answer = resolve)))
    queue()
    outbox.start()
    await until(() => sent.length === 1)
    const stopped = outbox.stop()
    queue()
    setTimeout(() => answer({ reply: '250 ok' }), 30)
    await stopped
    expect(outcomes).toMatchObject([{ kind: 'sent' }])
    const { claims } = calls
    await new Promise(resolve => setTimeout(resolve, 40))
    expect(calls.claims).toBe(claims)
    expect(sent).toHaveLength(1)
  })

  test('does not wait for a store that is down', async () => {
    const { outbox, queue, sent, broken, logged } = house()
    broken.settle = true
    queue()
    outbox.start()
    await until(() => sent.length === 1)
    await outbox.stop()
    expect(logged.join()).toContain('stopped before')
  })
})

test('an idle outbox makes few calls to the store, however often it is woken in one go', async () => {
  const { outbox, calls } = house(undefined, { pollMs: 60_000 })
  outbox.start()
  await until(() => calls.claims === 1)
  for (let index = 0; index < 1_000; index++) outbox.wake()
  await new Promise(resolve => setTimeout(resolve, 30))
  expect(calls.claims).toBeLessThanOrEqual(3)
})
