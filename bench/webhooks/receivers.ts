import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { answerParent, freePort } from '../child.ts'

/** Receivers of webhooks, in a process of their own: one that takes all, one that never answers, and none. */

let taken = 0
const servers: Server[] = []

async function listening(server: Server): Promise<string> {
  servers.push(server.listen(0, '127.0.0.1'))
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

answerParent({
  async start() {
    const healthy = createHttpServer((request, response) => {
      request.resume().on('end', () => {
        taken++
        response.writeHead(204).end()
      })
    })
    // Errors are of connections whose caller gave up.
    const silent = createServer(socket => void socket.resume().on('error', () => {}))
    return {
      healthy: await listening(healthy),
      silent: await listening(silent),
      refused: `http://127.0.0.1:${await freePort()}/`,
    }
  },
  /** How many webhooks were taken so far. */
  taken: () => taken,
  stop() {
    for (const server of servers) server.close()
  },
})
