import { answerParent } from './child.ts'
import { type Connection, openConnection } from './connection.ts'
import { FORETOLD_CODE } from './foretold.ts'
import { quantile } from './quantile.ts'

/** Asks for so many seconds of sign-ins. */
export interface Load {
  port: number
  secretKey: string
  seconds: number
  concurrency: number
}

/** What a load came to; times in milliseconds. */
export interface Loaded {
  signIns: number
  ms: number
  cpuMs: number
  send: { p50: number; p99: number }
  verify: { p50: number; p99: number }
}

let people = 0

/**
 * Each address is new, so no limit is met and every sign-in makes a user; they come in no order, as people do, and from
 * a hundred domains.
 */
function newAddress(): string {
  people++
  // An odd factor maps each 32-bit number to another one.
  const shuffled = Math.imul(people, 0x9e3779b1) >>> 0
  return `person-${String(shuffled).padStart(10, '0')}@mail-${String(people % 100).padStart(2, '0')}.example`
}

async function load({ port, secretKey, seconds, concurrency }: Load): Promise<Loaded> {
  const connections = await Promise.all(
    Array.from({ length: concurrency }, () => openConnection(port, secretKey)),
  )
  const sends: number[] = []
  const verifies: number[] = []
  const cpu = process.cpuUsage()
  const start = performance.now()
  const end = start + seconds * 1000

  await Promise.all(
    connections.map(async connection => {
      while (performance.now() < end) await signIn(connection, sends, verifies)
    }),
  )
  const ms = performance.now() - start
  const { user, system } = process.cpuUsage(cpu)
  for (const connection of connections) connection.close()
  return {
    signIns: verifies.length,
    ms,
    cpuMs: (user + system) / 1000,
    send: { p50: quantile(sends, 0.5), p99: quantile(sends, 0.99) },
    verify: { p50: quantile(verifies, 0.5), p99: quantile(verifies, 0.99) },
  }
}

/** Sends, knows the code, verifies, and takes nothing but a session with its tokens for an answer. */
async function signIn(connection: Connection, sends: number[], verifies: number[]): Promise<void> {
  const begin = performance.now()
  const sent = await connection.post('/v1/challenges', JSON.stringify({ to: newAddress() }))
  const middle = performance.now()
  if (sent.status !== 201) throw new Error(`send was answered ${sent.status}: ${sent.body}`)
  const { id } = JSON.parse(sent.body)
  const between = performance.now()
  const verified = await connection.post(`/v1/challenges/${id}/verify`, `{"code":"${FORETOLD_CODE}"}`)
  const after = performance.now()
  if (verified.status !== 200) throw new Error(`verify was answered ${verified.status}: ${verified.body}`)
  const { session, tokens } = JSON.parse(verified.body)
  if (!session.id || tokens.accessToken.split('.').length !== 3) throw new Error('there is no session')
  sends.push(middle - begin)
  verifies.push(after - between)
}

answerParent({ load })
