import { createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import PostalMime from 'postal-mime'
import type { Chance } from './chance.ts'
import type { Taken } from './copies.ts'

/** What the provider did, by name. */
export type Misdeeds = Record<
  'cut' | 'hung' | 'slow' | 'dropped' | 'refused' | 'rejected' | 'outages',
  number
>

export interface FailingSink {
  url: string
  mails: Required<Taken>[]
  misdeeds: Misdeeds
  /** From now on it takes everything at once. */
  calm(): Promise<void>
  close(): Promise<void>
}

const TEMPORARY = ['421 4.3.2 closing', '450 4.2.0 busy', '451 4.3.0 try again', '452 4.2.2 full']
const PERMANENT = ['550 5.1.1 no such person', '552 5.2.2 too big', '554 5.7.1 refused']

/**
 * An SMTP server on loopback that is slow and fails, by chance and repeatably: it cuts connections, hangs at any
 * step, answers late, drops the connection after it has taken the mail, answers 4xx and 5xx at any step, and takes no
 * connections at all for a while. What it took is kept, with whether it said so.
 */
export async function openFailingSink(chance: Chance): Promise<FailingSink> {
  const mails: Required<Taken>[] = []
  const misdeeds: Misdeeds = { cut: 0, hung: 0, slow: 0, dropped: 0, refused: 0, rejected: 0, outages: 0 }
  const sockets = new Set<Socket>()
  let isCalm = false
  let port = 0
  const is = (probability: number) => !isCalm && chance.is(probability)
  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    void converse(socket)
  })
  const open = () => new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))

  /** One reply, or whatever befalls it; false when the conversation is over. */
  async function reply(socket: Socket, text: string, mayReject = false): Promise<boolean> {
    if (is(0.02)) {
      misdeeds.cut++
      socket.destroy()
      return false
    }
    if (is(0.01)) {
      misdeeds.hung++
      return false
    }
    if (is(0.08)) {
      misdeeds.slow++
      await pause(chance.between(50, chance.is(0.1) ? 6000 : 800))
    }
    if (mayReject && is(0.05)) {
      misdeeds.refused++
      socket.write(`${TEMPORARY[chance.between(0, TEMPORARY.length)]}\r\n`)
      return true
    }
    if (mayReject && is(0.02)) {
      misdeeds.rejected++
      socket.write(`${PERMANENT[chance.between(0, PERMANENT.length)]}\r\n`)
      return true
    }
    socket.write(`${text}\r\n`)
    return true
  }

  /** The reply to a mail that was taken. */
  async function take(socket: Socket, raw: string, to: string[]): Promise<boolean> {
    if (is(0.06)) return await reply(socket, `${TEMPORARY[1]}`)
    if (is(0.03)) return await reply(socket, `${PERMANENT[2]}`)
    const mail = { email: await PostalMime.parse(raw), to, at: Date.now(), isAnswered: false }
    mails.push(mail)
    if (is(0.1)) {
      misdeeds.dropped++
      socket.destroy()
      return false
    }
    const isGiven = await reply(socket, '250 2.0.0 queued as 4711')
    mail.isAnswered = isGiven && socket.writable
    return isGiven
  }

  async function converse(socket: Socket): Promise<void> {
    let goesOn = await reply(socket, '220 sink.example ESMTP', true)
    let to: string[] = []
    let data: string[] | null = null
    let rest = ''
    try {
      for await (const chunk of socket.setEncoding('latin1')) {
        const lines = (rest + chunk).split('\r\n')
        rest = lines.pop() ?? ''
        for (const line of lines) {
          // Whoever hangs reads on and says nothing more.
          if (!goesOn) continue
          if (data === null) {
            const verb = line.slice(0, 4).toUpperCase()
            if (verb === 'MAIL') to = []
            if (verb === 'RCPT') to.push(/<(.*)>/.exec(line)?.[1] ?? '')
            if (verb === 'DATA') data = []
            goesOn =
              verb === 'DATA'
                ? await reply(socket, '354 go on')
                : await reply(
                    socket,
                    verb === 'QUIT' ? '221 bye' : '250 fine',
                    verb === 'MAIL' || verb === 'RCPT',
                  )
            if (verb === 'QUIT') socket.end()
          } else if (line === '.') {
            const raw = Buffer.from(data.join('\r\n'), 'latin1').toString()
            data = null
            goesOn = await take(socket, raw, to)
          } else data.push(line.startsWith('.') ? line.slice(1) : line)
        }
      }
    } catch {
      // The other side is gone: it was killed.
    }
  }

  async function outage(): Promise<void> {
    misdeeds.outages++
    const closed = new Promise(resolve => server.close(resolve))
    for (const socket of sockets) socket.destroy()
    await closed
    await pause(chance.between(100, 1500))
    await open()
  }

  await open()
  port = (server.address() as { port: number }).port
  const outages = (async () => {
    while (!isCalm) {
      for (let left = chance.between(10, 100); left > 0 && !isCalm; left--) await pause(100)
      if (!isCalm) await outage()
    }
  })()
  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    misdeeds,
    async calm() {
      isCalm = true
      await outages
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      isCalm = true
      await outages
      for (const socket of sockets) socket.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
