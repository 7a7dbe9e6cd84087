import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { decodeJwt } from 'jose'
import { parseRefreshToken } from '../../packages/server/src/core/tokens.ts'
import { answerParent } from '../child.ts'
import type { Contest } from '../contest.ts'
import { watchUsage } from '../usage.ts'
import type { Replay } from './replay.ts'
import { openPostgresReplay } from './replay-postgres.ts'
import { openSqliteReplay } from './replay-sqlite.ts'
import type { Tape } from './tape.ts'
import { createWords } from './words.ts'

/**
 * The floor: bare `node:http` that plays the recorded statements again, and signs the access token, because a session
 * without a token is no sign-in. It checks nothing, hashes nothing, seals nothing and renders nothing.
 */

const usage = watchUsage()
let database = ''

async function serve(contest: Contest): Promise<void> {
  database = contest.database
  const tape = JSON.parse(readFileSync(contest.tape, 'utf8')) as Tape
  const replay = database.startsWith('sqlite:')
    ? openSqliteReplay(database.slice('sqlite:'.length), tape, contest.hasReads)
    : openPostgresReplay(database, tape, contest.hasReads)
  const words = await createWords(tape, replay)
  const wakeOutbox = createOutbox(replay)

  async function answer(url: string, input: Record<string, string>): Promise<string | null> {
    if (url === '/v1/challenges') {
      const cast = await replay.send(input.to ?? '')
      wakeOutbox()
      return words.sent(cast)
    }
    if (url === '/v1/sessions/refresh') {
      const sessionId = parseRefreshToken(input.refreshToken ?? '')?.sessionId ?? ''
      const cast = await replay.refresh(sessionId)
      return cast && (await words.refreshed(cast))
    }
    if (url === '/v1/sessions/verify') {
      const { sid } = decodeJwt<{ sid: string }>(input.accessToken ?? '')
      const cast = await replay.check(sid)
      return cast && words.checked(cast)
    }
    const cast = await replay.verify(url.split('/')[3] ?? '')
    return cast && (await words.verified(cast))
  }

  const server = createServer((request: IncomingMessage, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', async () => {
      const url = request.url ?? ''
      const body = await answer(url, JSON.parse(Buffer.concat(chunks).toString()))
      reply(response, body === null ? 404 : url === '/v1/challenges' ? 201 : 200, body ?? '{}')
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
function createOutbox(replay: Replay): () => void {
  let isRunning = false
  let isWoken = false
  async function run() {
    isRunning = true
    while (isWoken) {
      isWoken = false
      const claimed = await replay.claim()
      if (claimed.length === 0) continue
      void replay.settle(claimed)
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
