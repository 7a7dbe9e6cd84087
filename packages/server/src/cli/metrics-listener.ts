import type { Config } from '../config.ts'
import { type Listening, listen } from '../http/server.ts'
import { Hint } from './terminal.ts'

/** The listener of `METRICS_ADDRESS`, if it is set. */
export async function listenForMetrics(
  answer: (request: Request) => Promise<Response>,
  { metricsAddress }: Pick<Config, 'metricsAddress'>,
): Promise<Listening | null> {
  if (!metricsAddress) return null
  const { host, port } = metricsAddress
  return await listen(answer, port, [host]).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new Hint(`port ${port} of METRICS_ADDRESS is taken`, 'stop what runs there, or choose another')
    throw error
  })
}
