import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** Another server process on the same database, spoken to over HTTP. */
export interface SecondNode {
  url: string
  /** Puts its clock there. */
  setClock(now: number): Promise<void>
  stop(): Promise<void>
}

interface Start {
  database: string
  secret: string
  publicUrl: string
  now: number
}

export async function startSecondNode(input: Start): Promise<SecondNode> {
  const entry = fileURLToPath(new URL('./node-entry.ts', import.meta.url))
  const child = fork(entry, [JSON.stringify(input)], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const ended = once(child, 'exit')
  const heard: ((message: { port: number }) => void)[] = []
  child.on('message', message => heard.shift()?.(message as { port: number }))
  const next = () =>
    Promise.race([
      new Promise<{ port: number }>(resolve => heard.push(resolve)),
      ended.then(([code]) => {
        throw new Error(`the second node ended with ${code}`)
      }),
    ])
  const { port } = await next()
  return {
    url: `http://127.0.0.1:${port}`,
    async setClock(now) {
      const set = next()
      child.send({ now })
      await set
    },
    async stop() {
      ended.catch(() => {})
      child.kill('SIGKILL')
      await ended
    },
  }
}
