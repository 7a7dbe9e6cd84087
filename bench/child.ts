import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

/** A process of the bench: it answers one question at a time. */
export interface Child {
  ask<Answer>(question: string, input?: unknown): Promise<Answer>
  /** Asks it to stop, and waits until it is gone. */
  stop(): Promise<void>
}

/** Starts a file of this folder as a process of its own. What it prints goes to this descriptor: else to our standard error. */
export function startChild(file: string, flags: string[] = [], output = 2): Child {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const child = fork(path, { execArgv: flags, stdio: ['ignore', output, 2, 'ipc'] })
  const gone = once(child, 'exit')
  const ask = <Answer>(question: string, input: unknown = null) =>
    new Promise<Answer>((resolve, reject) => {
      const onExit = () => reject(new Error(`${file} ended while it was asked for "${question}"`))
      child.once('exit', onExit)
      child.once('message', (message: { answer?: Answer; error?: string }) => {
        child.off('exit', onExit)
        if (message.error === undefined) resolve(message.answer as Answer)
        else reject(new Error(`${file}: ${message.error}`))
      })
      child.send({ question, input })
    })
  return {
    ask,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      await ask('stop')
      await gone
    },
  }
}

type Answers = Record<string, (input: never) => unknown>

/** The other side of `startChild`: how this process answers. After `stop` it ends. */
export function answerParent(answers: Answers): void {
  process.on('disconnect', () => process.exit(1))
  process.on('message', async ({ question, input }: { question: string; input: unknown }) => {
    try {
      const answer = await answers[question]?.(input as never)
      process.send?.({ answer }, () => {
        if (question === 'stop') process.exit(0)
      })
    } catch (error) {
      process.send?.({ error: String((error as Error).stack) })
    }
  })
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('there is no free port')
  return address.port
}
