import { afterEach, describe, expect, test } from 'vitest'
import { DeliveryError, type Transport } from '../../src/core/ports.ts'
import { LEASE_MS } from '../../src/delivery/deliver.ts'
import { createFailover } from '../../src/delivery/failover.ts'
import { createSmtpTransport } from '../../src/delivery/smtp.ts'
import { createTransports, timesOf } from '../../src/delivery/transports.ts'
import { handClock } from './fake-store.ts'
import { mailOf } from './samples.ts'
import { openScripted, openSink, refusal, type Sink } from './smtp-sink.ts'

const mail = mailOf({ code: '481920' })
const log = { info() {}, warn() {}, error() {} }
const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

/** A way that does what it is told next, in no time; without a word it sends. */
function told(name: string, timeoutMs = 1_000, handOverMs = timeoutMs) {
  let calls = 0
  const next: (DeliveryError | Error)[] = []
  const always: { fails: DeliveryError | null } = { fails: null }
  const transport: Transport = {
    name,
    timeoutMs,
    async send() {
      calls++
      const error = next.shift() ?? always.fails
      if (error) throw error
      return { reply: `250 by ${name}` }
    },
    close: async () => {},
  }
  return { transport, handOverMs, next, always, calls: () => calls }
}

function pair() {
  const clock = handClock()
  const [first, second] = [told('first'), told('second')]
  const failover = createFailover([first, second], { clock, log })
  const send = () => failover.send(mail).then(({ reply }) => reply, String)
  return { clock, first, second, failover, send }
}

const passing = () => new DeliveryError('no connection', false)

describe('the next way', () => {
  test('carries what the first could not, in the same attempt, and is named', async () => {
    const { first, second, send } = pair()
    expect(await send()).toBe('250 by first')
    first.next.push(passing())
    expect(await send()).toBe('second: 250 by second')
    expect([first.calls(), second.calls()]).toEqual([2, 1])
  })

  test.each([
    ['a refusal of this mail', new DeliveryError('550', true)],
    ['a lost answer', new DeliveryError('closed', false, { mayHaveArrived: true })],
    ['a bug', new TypeError('x is not a function')],
  ])('is not tried after %s', async (_, error) => {
    const { first, second, failover } = pair()
    first.next.push(error)
    const thrown = await failover.send(mail).catch(one => one)
    expect(thrown.message).toContain(error.message)
    if (error instanceof DeliveryError)
      expect(thrown).toMatchObject({
        isPermanent: error.isPermanent,
        isAboutMail: error.isAboutMail,
        mayHaveArrived: error.mayHaveArrived,
      })
    expect(second.calls()).toBe(0)
  })

  test('failing too is told with both reasons, and can be tried again', async () => {
    const { first, second, failover } = pair()
    first.next.push(passing())
    second.next.push(new DeliveryError('451 later', false))
    const thrown = await failover.send(mail).catch(one => one)
    expect(thrown).toMatchObject({ isPermanent: false, message: 'first: no connection; second: 451 later' })
  })
})

test('a rehearsal is done by the way that would be tried first', async () => {
  const clock = handClock()
  const rehearsed: string[] = []
  const [first, second] = ['first', 'second'].map(name => {
    const way = told(name)
    const rehearse = async () => void rehearsed.push(name)
    return { ...way, transport: { ...way.transport, rehearse } }
  })
  if (!first || !second) throw new Error('two ways')
  const failover = createFailover([first, second], { clock, log })
  await failover.rehearse?.(mail)
  first.always.fails = passing()
  for (let round = 0; round < 3; round++) await failover.send(mail)
  await failover.rehearse?.(mail)
  expect(rehearsed).toEqual(['first', 'second'])
})

describe('the circuit', () => {
  test('leaves a way alone after three failures in a row, for half a minute, then needs one more', async () => {
    const { clock, first, send } = pair()
    first.always.fails = passing()
    for (let round = 0; round < 3; round++) await send()
    expect(first.calls()).toBe(3)
    await send()
    clock.move(29_999)
    await send()
    expect(first.calls()).toBe(3)
    clock.move(1)
    await send()
    await send()
    expect(first.calls()).toBe(4)
    clock.move(30_000)
    first.always.fails = null
    expect(await send()).toBe('250 by first')
    first.next.push(passing())
    await send()
    expect(await send()).toBe('250 by first')
  })

  test('is not opened by refusals of single mails, which show that the way works', async () => {
    const { first, send } = pair()
    const greylisted = () => new DeliveryError('451 greylisted', false, { isAboutMail: true })
    for (let round = 0; round < 5; round++) {
      first.next.push(greylisted())
      expect(await send()).toContain('second')
    }
    first.next.push(passing(), passing(), greylisted(), passing(), passing())
    for (let round = 0; round < 5; round++) await send()
    expect(await send()).toBe('250 by first')
  })

  test('does not rest for the hour by which the clock was set back', async () => {
    const { clock, first, send } = pair()
    first.always.fails = passing()
    for (let round = 0; round < 3; round++) await send()
    clock.move(-3_600_000)
    await send()
    expect(first.calls()).toBe(4)
    await send()
    expect(first.calls()).toBe(4)
  })

  test('of configured servers rests by the clock of the process, and by no other', async () => {
    let calls = 0
    const primary = await openScripted(socket => {
      calls++
      socket.end('421 not today\r\n')
    })
    const sink = await openSink()
    open.push(primary, sink)
    const clock = handClock()
    const settings = { smtpUrl: primary.url, smtpFallbackUrl: sink.url, mailWebhook: null }
    const transport = createTransports(settings, { log, clock })
    if (!transport) throw new Error('no transport')
    open.push(transport)
    for (let round = 0; round < 4; round++) await transport.send(mail)
    expect(calls).toBe(3)
    clock.move(30_000)
    await transport.send(mail)
    expect(calls).toBe(4)
    expect(sink.mails).toHaveLength(5)
  })

  test('never leaves a mail without a try', async () => {
    const { first, second, send } = pair()
    first.always.fails = passing()
    second.always.fails = passing()
    for (let round = 0; round < 5; round++) await send()
    expect(first.calls()).toBe(5)
    second.always.fails = null
    expect(await send()).toContain('by second')
  })
})

describe('the time-outs', () => {
  test('together stay within a lease, or nothing is built', () => {
    const clock = handClock()
    const of = (...times: [timeoutMs: number, handOverMs: number][]) =>
      createFailover(
        times.map(([timeoutMs, handOverMs]) => told('x', timeoutMs, handOverMs)),
        { clock, log },
      )
    expect(of([12_000, 12_000], [12_000, 12_000]).timeoutMs).toBe(25_000)
    expect(of([20_000, 8_000], [16_000, 16_000]).timeoutMs).toBe(25_000)
    expect(of([20_000, 1_000], [10_000, 10_000]).timeoutMs).toBe(21_000)
    expect(() => of([20_000, 9_000], [16_000, 16_000])).toThrow('lease')
    const smtp = 'smtp://127.0.0.1:9'
    const webhook = { url: 'https://mail.example.com/', keys: [] }
    for (const [smtpUrl, smtpFallbackUrl, mailWebhook, name] of [
      [smtp, null, null, 'smtp'],
      [smtp, smtp, null, 'smtp, smtp fallback'],
      [smtp, null, webhook, 'smtp, webhook'],
      [smtp, smtp, webhook, 'smtp, smtp fallback, webhook'],
      [null, null, webhook, 'webhook'],
    ] as const) {
      const transport = createTransports(
        { smtpUrl, smtpFallbackUrl, mailWebhook },
        { log, clock: handClock() },
      )
      expect(transport?.name).toBe(name)
      expect(transport?.timeoutMs).toBeLessThan(LEASE_MS - 4_000)
    }
    expect(timesOf(0, 1, 20_000)).toEqual({ timeoutMs: 20_000, handOverMs: 20_000 })
    expect([0, 1, 2].map(place => timesOf(place, 3, 20_000))).toEqual([
      { timeoutMs: 20_000, handOverMs: 8_000 },
      { timeoutMs: 16_000, handOverMs: 8_000 },
      { timeoutMs: 8_000, handOverMs: 8_000 },
    ])
    expect(
      createTransports(
        { smtpUrl: null, smtpFallbackUrl: null, mailWebhook: null },
        { log, clock: handClock() },
      ),
    ).toBeNull()
  })
})

describe('a way that says no', () => {
  test.each([
    [8_000, 1],
    // The answer came so late that the lease could end while the next way is still sending.
    [9_500, 0],
  ])('after %i ms leaves %i calls to the next', async (ms, calls) => {
    const clock = handClock()
    const second = told('second', 16_000)
    const slow: Transport = {
      ...told('first', 20_000).transport,
      async send() {
        clock.move(ms)
        throw new DeliveryError('452 later', false)
      },
    }
    const failover = createFailover([{ transport: slow, handOverMs: 8_000 }, second], { clock, log })
    const outcome = await failover.send(mail).catch(one => one)
    expect(second.calls()).toBe(calls)
    if (calls === 0)
      expect(outcome).toMatchObject({
        isPermanent: false,
        mayHaveArrived: false,
        message: 'first: 452 later; second: no time was left for it',
      })
  })
})

describe('with real mail servers', () => {
  async function sinkWith(own: Parameters<typeof openSink>[0] = {}): Promise<Sink> {
    const sink = await openSink(own)
    open.push(sink)
    return sink
  }
  async function over(firstUrl: string) {
    const sink = await sinkWith()
    const times = { timeoutMs: 1_500, handOverMs: 500 }
    const ways = [firstUrl, sink.url].map(url => ({
      transport: createSmtpTransport({ url, ...times }),
      handOverMs: times.handOverMs,
    }))
    const failover = createFailover(ways, { clock: handClock(), log })
    open.push(failover)
    return { sink, failover }
  }
  /** Speaks SMTP up to a step, then drops the connection. */
  const droppingAt = (step: 'greeting' | 'MAIL' | 'RCPT' | 'DATA' | 'message') =>
    openScripted(socket => {
      let isData = false
      if (step === 'greeting') return void socket.destroy()
      socket.write('220 test\r\n')
      socket.on('data', chunk => {
        const text = chunk.toString()
        if (isData ? text.includes('\r\n.\r\n') : text.startsWith(step)) socket.destroy()
        else if (text.startsWith('DATA')) {
          isData = true
          socket.write('354 go on\r\n')
        } else if (!isData) socket.write('250 ok\r\n')
      })
    })

  test.each(['greeting', 'MAIL', 'RCPT', 'DATA'] as const)(
    'a connection that drops at %s sends the mail the other way, once',
    async step => {
      const server = await droppingAt(step)
      open.push(server)
      const { sink, failover } = await over(server.url)
      expect((await failover.send(mail)).reply).toContain('queued as 4711')
      expect(sink.mails).toHaveLength(1)
    },
  )

  test('a connection that drops after the message does not', async () => {
    const server = await droppingAt('message')
    open.push(server)
    const { sink, failover } = await over(server.url)
    const error = await failover.send(mail).catch(one => one)
    expect(error).toMatchObject({ isPermanent: false, mayHaveArrived: true })
    expect(sink.connections()).toBe(0)
  })

  test('a server that hangs after the message does not, and one that hangs before it does', async () => {
    const hanging = (isBefore: boolean) =>
      openSink({
        ...(isBefore
          ? { onRcptTo: () => {} }
          : { onData: (stream: NodeJS.ReadableStream) => void stream.resume() }),
      })
    for (const isBefore of [true, false]) {
      const server = await hanging(isBefore)
      open.push(server)
      const { sink, failover } = await over(server.url)
      const outcome = await failover.send(mail).catch(one => one)
      expect(sink.mails).toHaveLength(isBefore ? 1 : 0)
      if (!isBefore) expect(outcome).toMatchObject({ mayHaveArrived: true })
    }
  })

  test('a server that is slow to answer to the message has more time than one that is slow to take it', async () => {
    const slow = await sinkWith({
      onData: (stream, _, done) => stream.resume().on('end', () => setTimeout(() => done(null, 'kept'), 900)),
    })
    const { sink, failover } = await over(slow.url)
    expect((await failover.send(mail)).reply).toContain('kept')
    expect(sink.connections()).toBe(0)
    const dull = await sinkWith({ onRcptTo: (_, __, done) => void setTimeout(done, 900) })
    const other = await over(dull.url)
    expect((await other.failover.send(mail)).reply).toContain('queued as 4711')
    expect(other.sink.mails).toHaveLength(1)
  })

  test('a refusal of the message is an answer: 4xx goes the other way, 5xx does not', async () => {
    for (const [code, count] of [
      [452, 1],
      [554, 0],
    ] as const) {
      const server = await sinkWith({
        onData: (stream, _, done) => stream.resume().on('end', () => done(refusal(code, 'no'))),
      })
      const { sink, failover } = await over(server.url)
      const outcome = await failover.send(mail).catch(one => one)
      expect(sink.mails).toHaveLength(count)
      if (code === 554) expect(outcome).toMatchObject({ isPermanent: true, mayHaveArrived: false })
    }
  })
})
