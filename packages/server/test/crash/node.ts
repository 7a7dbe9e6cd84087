import { flushCompileCache } from 'node:module'
import { readConfig } from '../../src/config.ts'
import { createTransports } from '../../src/delivery/transports.ts'
import { listen } from '../../src/http/server.ts'
import { createLog, createOstiary, type Role } from '../../src/main.ts'

/**
 * One node of the fault campaign: `ostiary start` by the same settings and parts, but that its clock goes off by what
 * its parent tells, and that it takes one secret key that is known beforehand. Ends when its parent is gone.
 */

let offsetMs = 0
process.on('message', (told: { offsetMs: number }) => {
  offsetMs = told.offsetMs
  process.send?.(told)
})
process.on('disconnect', () => process.exit(1))

const clock = { now: () => Date.now() + offsetMs }
const role = process.env.CAMPAIGN_ROLE as Role
const config = readConfig(process.env)
const log = createLog('error', 'stderr')
const transport = createTransports(config, { log, clock })
const ostiary = await createOstiary({
  ...config,
  log,
  clock,
  role,
  ...(transport && { transport }),
  acceptsDevelopmentKeys: true,
  developmentKey: process.env.CAMPAIGN_KEY ?? '',
  testLimitsFactor: 10,
})
const server = role === 'worker' ? null : await listen(ostiary.fetch, config.port, ['127.0.0.1'])
ostiary.start()
process.once('SIGTERM', async () => {
  await server?.close(1000)
  await ostiary.stop()
  process.exit(0)
})
process.send?.({ isUp: true })
// Before a kill can come: the next start takes half the work.
flushCompileCache()
