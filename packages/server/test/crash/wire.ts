import { createServer, connect as open, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A wire to a database that can be cut, slowed and held up. */
export interface Wire {
  port: number
  /** Breaks every connection. */
  cut(): void
  /** For so long each piece of data waits, in both directions. */
  slowFor(ms: number, delayMs: number): Promise<void>
  /** For so long nothing goes through; then it all does, late. */
  holdFor(ms: number): Promise<void>
  close(): Promise<void>
}

/** Listens on loopback and passes on to a port of it. */
export async function openWire(target: number): Promise<Wire> {
  const sockets = new Set<Socket>()
  let delayMs = 0
  let held: Promise<void> = Promise.resolve()

  async function pass(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const data of from) {
        await held
        if (delayMs > 0) await pause(delayMs)
        if (!to.write(data)) await new Promise(resolve => to.once('drain', resolve).once('close', resolve))
      }
    } catch {
      // Cut, by us or by either end.
    }
    to.destroy()
  }

  const server = createServer(near => {
    const far = open(target, '127.0.0.1')
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    void pass(near, far)
    void pass(far, near)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as { port: number }).port,
    cut,
    async slowFor(ms, delay) {
      delayMs = delay
      await pause(ms)
      delayMs = 0
    },
    async holdFor(ms) {
      held = pause(ms)
      await held
    },
    async close() {
      cut()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
