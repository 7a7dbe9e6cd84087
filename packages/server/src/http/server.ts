import type { Server } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'

/** A listening server. */
export interface Listening {
  /** Takes no new connection, answers what is under way, and after `withinMs` cuts the rest. */
  close(withinMs?: number): Promise<void>
}

const SWEEP_MS = 50

type Fetch = (request: Request, env?: unknown) => Response | Promise<Response>

/** Listens on each of the addresses; one that the machine does not have (no IPv6) is left out, if any other works. */
export async function listen(
  fetch: Fetch,
  port: number,
  hosts: readonly (string | undefined)[],
): Promise<Listening> {
  const servers: Server[] = []
  let problem: unknown
  for (const host of hosts) {
    try {
      servers.push(await listenOn(fetch, port, host))
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException
      if (code !== 'EADDRNOTAVAIL' && code !== 'EAFNOSUPPORT') {
        await Promise.all(servers.map(server => closeServer(server, 0)))
        throw error
      }
      problem = error
    }
  }
  if (servers.length === 0) throw problem
  return {
    close: async (withinMs = 10_000) =>
      void (await Promise.all(servers.map(server => closeServer(server, withinMs)))),
  }
}

function listenOn(fetch: Fetch, port: number, host: string | undefined): Promise<Server> {
  const server = createAdaptorServer({ fetch }) as Server
  // A request that trickles in holds a socket, not a worker; but not for ever.
  server.requestTimeout = 30_000
  server.headersTimeout = 15_000
  server.keepAliveTimeout = 65_000
  server.maxRequestsPerSocket = 0
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, ...(host !== undefined && { host }) }, () => {
      server.off('error', reject)
      resolve(server)
    })
  })
}

function closeServer(server: Server, withinMs: number): Promise<void> {
  return new Promise(resolve => {
    const cut = setTimeout(() => server.closeAllConnections(), withinMs)
    // Again and again: a connection whose last answer has just gone out would otherwise be kept alive until the cut.
    const sweep = setInterval(() => server.closeIdleConnections(), SWEEP_MS)
    server.close(() => {
      clearTimeout(cut)
      clearInterval(sweep)
      resolve()
    })
    server.closeIdleConnections()
  })
}
