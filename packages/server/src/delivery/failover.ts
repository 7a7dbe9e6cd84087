import { type Clock, DeliveryError, type Mail, type Transport } from '../core/ports.ts'
import { type Circuit, createCircuit } from './circuit.ts'
import { LEASE_MS } from './deliver.ts'
import type { Log } from './log.ts'

/** What is left of a lease for claiming, rendering and storing. */
const MARGIN_MS = 5_000

interface Way {
  transport: Transport
  circuit: Circuit
}

/**
 * Several transports as one: what the first cannot carry the next one tries, in the same attempt. Never after a refusal of
 * this mail, and never when a mail may have arrived although no answer came: a second copy by another way helps nobody,
 * and the outbox tries again with the same Message-ID. Throws when the time-outs together outlast a lease.
 */
export function createFailover(
  transports: readonly Transport[],
  deps: { clock: Pick<Clock, 'now'>; log: Log },
): Transport {
  const timeoutMs = transports.reduce((sum, transport) => sum + transport.timeoutMs, 0)
  if (timeoutMs > LEASE_MS - MARGIN_MS)
    throw new Error(`the transports may take ${timeoutMs} ms together; a lease is ${LEASE_MS} ms`)
  const ways: Way[] = transports.map(transport => ({ transport, circuit: createCircuit(deps.clock) }))
  return {
    name: transports.map(({ name }) => name).join(', '),
    timeoutMs,
    async send(mail) {
      const awake = ways.filter(({ circuit }) => !circuit.isOpen())
      const failures: string[] = []
      // When all rest, all are tried: a message that waits is worth less than one more failure.
      for (const way of awake.length > 0 ? awake : ways) {
        const { name } = way.transport
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
    async close() {
      await Promise.all(transports.map(transport => transport.close()))
    },
  }
}

async function tryOne({ transport, circuit }: Way, mail: Mail): Promise<{ reply: string } | DeliveryError> {
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
