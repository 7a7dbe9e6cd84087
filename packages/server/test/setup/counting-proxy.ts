import type { AddressInfo } from 'node:net'
import { connect, createServer, type Socket } from 'node:net'

/** Stands between a client and a PostgreSQL, and counts the client's round trips. */
export interface CountingProxy {
  url: string
  /** How many times a client has asked and waited, since the last call. */
  roundTrips(): number
  close(): Promise<void>
}

// What a client sends and then waits for the server (PostgreSQL documentation, "Frontend/Backend Protocol"): the end of
// an extended query, and a simple query.
const SYNC = 0x53
const QUERY = 0x51

export async function countRoundTrips(target: string): Promise<CountingProxy> {
  const { hostname, port } = new URL(target)
  const url = new URL(target)
  const sockets = new Set<Socket>()
  let count = 0
  const server = createServer(client => {
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
    const read = messagesOf(type => {
      if (type === SYNC || type === QUERY) count++
    })
    client.on('data', chunk => {
      read(chunk)
      upstream.write(chunk)
    })
    upstream.pipe(client)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    roundTrips() {
      const counted = count
      count = 0
      return counted
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

/** Reads a stream of messages: a type and a length each, but for the first, which has no type. */
function messagesOf(tell: (type: number) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  let isStarted = false
  return chunk => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const from = isStarted ? 1 : 0
      if (rest.length < from + 4) return
      const end = from + rest.readUInt32BE(from)
      if (rest.length < end) return
      if (isStarted) tell(rest[0] ?? 0)
      isStarted = true
      rest = rest.subarray(end)
    }
  }
}
