import { type Clock, DeliveryError, type Mail, type Transport } from '../core/ports.ts'
import { type Circuit, createCircuit } from './circuit.ts'
import { LEASE_MS } from './deliver.ts'
import type { Log } from './log.ts'

/** What is left of a lease for claiming, rendering and storing. */
const MARGIN_MS = 5_000
/** By how much the time-outs of all ways together may be late. */
const LATE_MS = 1_000

/** One way out. Within `handOverMs` it has handed the mail over or has given up; the answer may take all of its time-out. */
export interface Way {
  transport: Transport
  handOverMs: number
}

/**
 * Several transports as one: what the first cannot carry the next one tries, in the same attempt. Never after a refusal of
 * this mail, and never when a mail may have arrived although no answer came: a second copy by another way helps nobody,
 * and the outbox tries again with the same Message-ID. So only handing over adds up, and a way that has done so may wait
 * for its answer while the others stand by. Throws when the time-outs together outlast a lease.
 */
export function createFailover(
  given: readonly Way[],
  deps: { clock: Pick<Clock, 'now'>; log: Log },
): Transport {
  const timeoutMs = longest(given) + LATE_MS
  if (timeoutMs > LEASE_MS - MARGIN_MS)
    throw new Error(`the transports may take ${timeoutMs} ms together; a lease is ${LEASE_MS} ms`)
  const ways = given.map(({ transport }) => ({ transport, circuit: createCircuit(deps.clock) }))
  return {
    name: ways.map(({ transport }) => transport.name).join(', '),
    timeoutMs,
    async send(mail) {
      const begunAt = deps.clock.now()
      const awake = ways.filter(({ circuit }) => !circuit.isOpen())
      const failures: string[] = []
      // When all rest, all are tried: a message that waits is worth less than one more failure.
      for (const way of awake.length > 0 ? awake : ways) {
        const { name } = way.transport
        // The one before said no, but late: the lease must not run out under this one.
        if (deps.clock.now() - begunAt + way.transport.timeoutMs > timeoutMs) {
          failures.push(`${name}: no time was left for it`)
          continue
        }
        const outcome = await tryOne(way, mail)
        if (!(outcome instanceof DeliveryError))
          return { reply: way === ways[0] ? outcome.reply : `${name}: ${outcome.reply}` }
        if (!outcome.isAboutMail && way.circuit.failed())
          deps.log.warn({ transport: name }, 'a transport failed again and again, and rests for a while')
        failures.push(`${name}: ${outcome.message}`)
        const { isPermanent, isAboutMail, mayHaveArrived } = outcome
        if (isPermanent || mayHaveArrived)
          throw new DeliveryError(failures.join('; '), isPermanent, {
            cause: outcome,
            isAboutMail,
            mayHaveArrived,
          })
      }
      throw new DeliveryError(failures.join('; '), false)
    },
    async rehearse(mail) {
      const way = ways.find(({ circuit }) => !circuit.isOpen()) ?? ways[0]
      await way?.transport.rehearse?.(mail)
    },
    async close() {
      await Promise.all(ways.map(({ transport }) => transport.close()))
    },
  }
}

/** How long it takes when each way but the last to be tried gives up as late as it may. */
function longest(ways: readonly Way[]): number {
  let begunMs = 0
  let ms = 0
  for (const { transport, handOverMs } of ways) {
    ms = Math.max(ms, begunMs + transport.timeoutMs)
    begunMs += handOverMs
  }
  return ms
}

async function tryOne(
  { transport, circuit }: { transport: Transport; circuit: Circuit },
  mail: Mail,
): Promise<{ reply: string } | DeliveryError> {
  try {
    const sent = await transport.send(mail)
    circuit.worked()
    return sent
  } catch (error) {
    // Anything else is a bug, after which nobody knows what went out: the outbox tries again.
    if (!(error instanceof DeliveryError)) throw error
    if (error.isAboutMail) circuit.worked()
    return error
  }
}
