import { answerParent } from '../child.ts'
import { createClient } from '../load/client.ts'
import { type Connection, openConnection, Unexpected } from '../load/connection.ts'
import type { Target } from '../load/generator.ts'
import { newAddress } from '../load/people.ts'
import { quantile } from '../quantile.ts'

// What `Retry-After` says with a 503.
const RETRY_MS = 1000
const PATIENCE_MS = 10 * 60_000

/** Asks for sign-ins alone, and then for a burst of sends beside them. */
export interface Surge extends Target {
  sends: number
  /** Over which the sends of the burst come, each the next as soon as its last was answered. */
  connections: number
  /** Sign-ins under way at once, before the burst and while it lasts. */
  concurrency: number
  calmSeconds: number
}

/** Times in milliseconds, NaN where there was no such answer. */
export interface Surged {
  calm: SignIns
  during: SignIns
  burst: { ms: number; accepted: number; p50: number; p99: number }
  /** Refusals of sends and verifies in the burst, by their status. */
  refusals: { status: number; count: number; p99: number }[]
  /** All addresses whose send was answered 201 in the end, and those whose send never was. */
  accepted: string[]
  refused: string[]
}

export interface SignIns {
  perSecond: number
  p50: number
  p99: number
}

async function surge(input: Surge): Promise<Surged> {
  const { protocol, secretKey, port, sends, connections, concurrency, calmSeconds } = input
  const client = createClient(protocol, secretKey)
  const refusals = new Map<number, number[]>()
  const accepted: string[] = []
  const refused: string[] = []

  /** How long the request took, and its answer; null when it was refused. */
  async function timed<T>(request: Promise<T>): Promise<{ ms: number; answer: T } | null> {
    const begin = performance.now()
    try {
      const answer = await request
      return { ms: performance.now() - begin, answer }
    } catch (error) {
      if (!(error instanceof Unexpected)) throw error
      const times = refusals.get(error.status) ?? []
      times.push(performance.now() - begin)
      refusals.set(error.status, times)
      return null
    }
  }

  /** Comes again when it is refused, as a client should. */
  async function send(connection: Connection) {
    const address = newAddress()
    const giveUpAt = performance.now() + PATIENCE_MS
    let sent = await timed(client.send(connection, address))
    while (!sent && performance.now() < giveUpAt) {
      await new Promise(resolve => setTimeout(resolve, RETRY_MS))
      sent = await timed(client.send(connection, address))
    }
    const list = sent ? accepted : refused
    list.push(address)
    return sent
  }

  /** Signs in on each connection until it is told that it is over. */
  async function signIns(over: Connection[], isOver: () => boolean): Promise<SignIns> {
    const times: number[] = []
    const begin = performance.now()
    await Promise.all(
      over.map(async connection => {
        while (!isOver()) {
          const sent = await send(connection)
          const verified = sent && (await timed(client.verify(connection, sent.answer)))
          if (sent && verified) times.push(sent.ms + verified.ms)
        }
      }),
    )
    const seconds = (performance.now() - begin) / 1000
    return { perSecond: times.length / seconds, p50: quantile(times, 0.5), p99: quantile(times, 0.99) }
  }

  const open = (count: number) => Promise.all(Array.from({ length: count }, () => openConnection(port)))
  const people = await open(concurrency)
  const crowd = await open(connections)
  const calmEnd = performance.now() + calmSeconds * 1000
  const calm = await signIns(people, () => performance.now() >= calmEnd)

  refusals.clear()
  const times: number[] = []
  let left = sends
  const begin = performance.now()
  const burst = Promise.all(
    crowd.map(async connection => {
      while (left-- > 0) {
        const sent = await send(connection)
        if (sent) times.push(sent.ms)
      }
    }),
  )
  let isOver = false
  const beside = signIns(people, () => isOver)
  await burst
  const ms = performance.now() - begin
  isOver = true
  const during = await beside
  for (const connection of [...people, ...crowd]) connection.close()
  return {
    calm,
    during,
    burst: { ms, accepted: times.length, p50: quantile(times, 0.5), p99: quantile(times, 0.99) },
    refusals: [...refusals].map(([status, all]) => ({ status, count: all.length, p99: quantile(all, 0.99) })),
    accepted,
    refused,
  }
}

answerParent({ surge })
