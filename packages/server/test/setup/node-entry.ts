import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { createOstiary } from '../../src/main.ts'
import { handDatabaseClock } from './hand-clock.ts'

/**
 * A further server process on a database that others use, too. Its clock stands where its parent puts it by a message,
 * and each message is answered, so that the parent knows that it stands there.
 */
const { database, secret, publicUrl, now } = JSON.parse(process.argv[2] ?? '{}')
let instant = now as number
const ostiary = await createOstiary({
  publicUrl,
  secrets: [secret],
  database,
  clock: { now: () => instant },
  databaseClock: handDatabaseClock(),
  capacity: { calls: 10_000, sends: 10_000 },
})
ostiary.start()
const server = createAdaptorServer({ fetch: ostiary.fetch })
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port }))
process.on('message', (message: { now: number }) => {
  instant = message.now
  process.send?.({ now: instant })
})
process.on('disconnect', () => process.exit(0))
