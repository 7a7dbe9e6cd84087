import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/** A way to PostgreSQL that counts. */
export interface Trips {
  port: number
  /** Round trips so far, over all connections: how often a client spoke after it had been answered. */
  count(): number
  close(): void
}

/** Stands between a contender and the server. It costs time, so what goes through it is counted, never timed. */
export async function countTrips(to: number): Promise<Trips> {
  let trips = 0
  const sockets = new Set<Socket>()
  const server = createServer(client => {
    const upstream = connect({ port: to, host: '127.0.0.1', noDelay: true })
    client.setNoDelay(true)
    let isAnswered = true
    client.on('data', chunk => {
      if (isAnswered) trips++
      isAnswered = false
      upstream.write(chunk)
    })
    upstream.on('data', chunk => {
      isAnswered = true
      client.write(chunk)
    })
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        sockets.delete(socket)
        other.destroy()
      })
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return {
    port: address.port,
    count: () => trips,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
