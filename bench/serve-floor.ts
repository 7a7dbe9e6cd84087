import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createBatches } from './batches.ts'
import { answerParent } from './child.ts'
import type { Contest } from './contenders.ts'
import { openReplay, type Replay } from './replay.ts'
import { createSigner } from './signer.ts'
import { type Tape, tapeFile } from './tape.ts'
import { watchUsage } from './usage.ts'

/**
 * The floor: bare `node:http` that plays the recorded statements again, and signs the access token, because a session
 * without a token is no sign-in. It checks nothing, hashes nothing, seals nothing and renders nothing.
 */

const usage = watchUsage()
let database = ''

async function serve(contest: Contest): Promise<void> {
  database = contest.database
  const tape = JSON.parse(readFileSync(tapeFile(database), 'utf8')) as Tape
  const replay = openReplay(database, tape, contest.hasReads)
  const { write } = createBatches(replay)
  const recordedToken = JSON.parse(tape.verified).tokens.accessToken as string
  const sign = await createSigner(recordedToken, replay.fillText)
  const sent = replay.fillText(tape.sent)
  const verified = tape.verified.split(recordedToken).map(replay.fillText)
  const wakeOutbox = createOutbox(replay, write)

  async function answer(request: IncomingMessage, body: string): Promise<string | null> {
    if (request.url === '/v1/challenges') {
      const { to } = JSON.parse(body)
      const cast = await write(now => replay.send(to, now))
      wakeOutbox()
      return sent(cast, 0)
    }
    const challengeId = request.url?.split('/')[3] ?? ''
    JSON.parse(body)
    const cast = await write(now => replay.verify(challengeId, now))
    if (!cast) return null
    const token = await sign(cast, Date.now())
    return verified.map(fill => fill(cast, 0)).join(token)
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', async () => {
      const body = await answer(request, Buffer.concat(chunks).toString())
      reply(response, body === null ? 404 : request.url === '/v1/challenges' ? 201 : 200, body ?? '{}')
    })
  })
  server.keepAliveTimeout = 65_000
  await new Promise<void>(resolve => server.listen(contest.port, '127.0.0.1', resolve))
}

function reply(response: ServerResponse, status: number, body: string) {
  response.writeHead(status, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
  })
  response.end(body)
}

/** Claims and settles as the server's worker does with mail that stays inside: one batch is settled while the next is claimed. */
function createOutbox(replay: Replay, write: ReturnType<typeof createBatches>['write']): () => void {
  let isRunning = false
  let isWoken = false
  async function run() {
    isRunning = true
    while (isWoken) {
      isWoken = false
      const claimed = await write(now => replay.claim(now))
      if (claimed.length === 0) continue
      void write(now => replay.settle(claimed, now))
      isWoken = true
    }
    isRunning = false
  }
  return () => {
    isWoken = true
    if (!isRunning) void run()
  }
}

answerParent({ start: serve, usage: () => usage.read(database) })
