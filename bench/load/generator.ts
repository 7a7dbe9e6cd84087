import { answerParent } from '../child.ts'
import { quantile } from '../quantile.ts'
import { type Client, createClient, type Protocol, type Session } from './client.ts'
import { type Connection, openConnection } from './connection.ts'
import { newAddress } from './people.ts'

/** Whom the load is for. */
export interface Target {
  port: number
  protocol: Protocol
  secretKey: string
}

export type Kind = 'signIns' | 'refreshes' | 'checks'

/** Asks for so many seconds of one kind of work. */
export interface Load extends Target {
  kind: Kind
  seconds: number
  concurrency: number
}

/** What a load came to; times in milliseconds. */
export interface Loaded {
  done: number
  ms: number
  cpuMs: number
  /** Of one request, whichever it was. */
  p50: number
  p99: number
}

/** For each server the newest sessions, one for each connection: what refreshes and checks work on. */
const sessions = new Map<number, Session[]>()

type Work = (
  client: Client,
  connection: Connection,
  timed: Timed,
  index: number,
  port: number,
) => Promise<void>
type Timed = <T>(request: Promise<T>) => Promise<T>

const WORK: Record<Kind, Work> = {
  async signIns(client, connection, timed, index, port) {
    const sent = await timed(client.send(connection, newAddress()))
    sessionsOf(port)[index] = await timed(client.verify(connection, sent))
  },
  async refreshes(client, connection, timed, index, port) {
    sessionsOf(port)[index] = await timed(client.refresh(connection, sessionOf(port, index)))
  },
  async checks(client, connection, timed, index, port) {
    await timed(client.check(connection, sessionOf(port, index)))
  },
}

async function load({ port, protocol, secretKey, kind, seconds, concurrency }: Load): Promise<Loaded> {
  const client = createClient(protocol, secretKey)
  const connections = await Promise.all(Array.from({ length: concurrency }, () => openConnection(port)))
  const times: number[] = []
  const timed: Timed = async request => {
    const begin = performance.now()
    const answer = await request
    times.push(performance.now() - begin)
    return answer
  }
  let done = 0
  const cpu = process.cpuUsage()
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(
    connections.map(async (connection, index) => {
      for (; performance.now() < end; done++) await WORK[kind](client, connection, timed, index, port)
    }),
  )
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  for (const connection of connections) connection.close()
  return {
    done,
    ms,
    cpuMs: (user + system) / 1000,
    p50: quantile(times, 0.5),
    p99: quantile(times, 0.99),
  }
}

function sessionsOf(port: number): Session[] {
  const known = sessions.get(port) ?? []
  sessions.set(port, known)
  return known
}

function sessionOf(port: number, index: number): Session {
  const session = sessionsOf(port)[index]
  if (!session) throw new Error('sessions are made by sign-ins: load those first')
  return session
}

answerParent({ load })
