import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { createSmtpTransport } from '../../src/delivery/smtp.ts'
import { createOstiary } from '../../src/main.ts'
import type { Sink } from '../delivery/smtp-sink.ts'
import type { Answer } from '../setup/server.ts'
import type { Flow, World } from './client.ts'

/** Past every lease and every grace period: what was under way at the last kill is due again. */
const LATER_MS = 35_000

/**
 * Opens what the kills have left, a little later by its clock, and holds it against what the clients were told. The
 * faults that it finds; an empty list is a passed test.
 */
export async function findFaults(folder: string, world: World, sink: Sink, kills: number): Promise<string[]> {
  const file = join(folder, 'ostiary.db')
  const faults: string[] = []
  const ostiary = await createOstiary({
    publicUrl: world.url,
    secrets: [readFileSync(join(folder, 'secret'), 'utf8').trim()],
    database: file,
    clock: { now: () => Date.now() + LATER_MS },
    acceptsDevelopmentKeys: true,
    testLimitsFactor: 10,
    transport: createSmtpTransport({ url: sink.url }),
  })
  const call = async (method: string, path: string, body?: unknown) => {
    const response = await ostiary.app.request(`${world.url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${world.key}`,
        'Content-Type': 'application/json',
        'Sec-Fetch-Site': 'same-origin',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text }
  }
  try {
    ostiary.start()
    await ostiary.drain()
    await Promise.all(
      world.flows.map(flow => checkFlow(call, flow, what => faults.push(`${nameOf(flow)}: ${what}`))),
    )
  } finally {
    await ostiary.stop()
  }
  checkRows(file, world, what => faults.push(what))
  checkCopies(sink, kills, what => faults.push(what))
  return faults
}

type Ask = (method: string, path: string, body?: unknown) => Promise<Pick<Answer, 'status' | 'body'>>
type Tell = (what: string) => void

const nameOf = ({ to, challengeId }: Flow) => `${to} ${challengeId}`

async function checkFlow(call: Ask, flow: Flow, tell: Tell): Promise<void> {
  if (flow.challengeId === null) return
  const kept = await call('GET', `/v1/challenges/${flow.challengeId}`)
  if (kept.status !== 200) return tell(`an acknowledged challenge is lost (${kept.status})`)
  const status = flow.used === 'no' ? 'pending' : 'verified'
  if (kept.body.status !== status) tell(`is ${kept.body.status}, was told to be ${status}`)

  if (flow.used === 'no') await checkOpenChallenge(call, flow, kept.body.attemptsLeft, tell)
  if (flow.sessionId !== null) await checkSession(call, flow, tell)
  await checkNothingWorksTwice(call, flow, tell)
}

async function checkOpenChallenge(call: Ask, flow: Flow, attemptsLeft: number, tell: Tell): Promise<void> {
  const atMost = flow.maxAttempts - flow.wrong.judged
  if (attemptsLeft > atMost || attemptsLeft < atMost - flow.wrong.unknown)
    tell(`has ${attemptsLeft} attempts left after ${flow.wrong.judged} wrong answers of ${flow.maxAttempts}`)
  if (flow.code === null) return
  const { status } = await call('POST', `/v1/challenges/${flow.challengeId}/verify`, { code: flow.code })
  if (status !== 200) tell(`the code of an open challenge is refused (${status})`)
}

async function checkSession(call: Ask, flow: Flow, tell: Tell): Promise<void> {
  const { sessionId, accessToken, refreshTokens } = flow
  const active = await call('POST', '/v1/sessions/verify', { accessToken })
  if (!active.body.isActive || active.body.session.id !== sessionId) tell('an acknowledged session is lost')
  const traded = refreshTokens.slice(0, -1)
  // Of half the sessions the newest token is tried first, of the others the one before it: each trial rules out the other.
  if (traded.length % 2 === 0) {
    const next = await call('POST', '/v1/sessions/refresh', { refreshToken: refreshTokens.at(-1) })
    if (next.status !== 200) tell(`an acknowledged rotation is lost (${next.status} ${next.body.code})`)
  }
  // Each token that was traded is of no more use, and trying it ends the session for everybody.
  for (const refreshToken of traded.reverse()) {
    const again = await call('POST', '/v1/sessions/refresh', { refreshToken })
    if (again.status !== 401) tell(`a refresh token was taken twice (${again.status})`)
  }
  const after = await call('POST', '/v1/sessions/verify', { accessToken })
  if (after.body.isActive !== (traded.length === 0))
    tell(`a session is ${after.body.isActive ? '' : 'not '}active after ${traded.length} reuses`)
}

async function checkNothingWorksTwice(call: Ask, flow: Flow, tell: Tell): Promise<void> {
  if (flow.code === null) return
  const code = await call('POST', `/v1/challenges/${flow.challengeId}/verify`, { code: flow.code })
  if (code.status < 300) tell('a code works twice')
  const press = await call('POST', new URL(flow.link ?? '').pathname)
  if (press.status < 400) tell(`a link works after its challenge was used (${press.status})`)
  for (const linkToken of flow.handovers) {
    const exchange = await call('POST', '/v1/challenges/verify', { linkToken })
    if (exchange.status < 300) tell('a hand-over token works twice')
  }
}

function checkRows(file: string, { flows }: World, tell: Tell): void {
  const database = new DatabaseSync(file, { readOnly: true })
  const rows = (sql: string) => database.prepare(sql).all() as Record<string, unknown>[]
  try {
    const [integrity] = rows('PRAGMA integrity_check')
    if (integrity?.integrity_check !== 'ok') tell(`integrity: ${JSON.stringify(integrity)}`)
    for (const row of rows('PRAGMA foreign_key_check')) tell(`foreign key: ${JSON.stringify(row)}`)
    for (const { id, status } of rows(
      "SELECT id, status FROM messages WHERE status NOT IN ('sent', 'failed')",
    ))
      tell(`message ${id} is still ${status}`)
    for (const { id } of rows(
      'SELECT id FROM challenges WHERE id NOT IN (SELECT challenge_id FROM messages)',
    ))
      tell(`challenge ${id} has no message`)
    for (const { proof_event_id } of rows(
      'SELECT proof_event_id FROM sessions GROUP BY proof_event_id HAVING count(*) > 1',
    ))
      tell(`proof ${proof_event_id} has two sessions`)
    for (const type of ['challenge.created', 'challenge.verified', 'session.created'])
      for (const { challenge_id } of rows(
        `SELECT challenge_id FROM events WHERE type = '${type}' GROUP BY challenge_id HAVING count(*) > 1`,
      ))
        tell(`challenge ${challenge_id} has two ${type}`)
    const perAddress = new Map(
      rows('SELECT address, count(*) AS count FROM challenges GROUP BY address').map(row => [
        row.address,
        row.count,
      ]),
    )
    for (const { to, isAlone } of flows)
      if (isAlone && perAddress.get(to) !== 1)
        tell(`${to} was sent once with a key and has ${perAddress.get(to)}`)
  } finally {
    database.close()
  }
}

/** At most one more copy for each crash, and each copy is the same: Message-ID, code and link. */
function checkCopies({ mails }: Sink, kills: number, tell: Tell): void {
  const byId = Map.groupBy(mails, ({ email }) => email.messageId ?? '')
  for (const [id, copies] of byId) {
    if (copies.length > 1 + kills) tell(`${id} was sent ${copies.length} times`)
    if (new Set(copies.map(({ email, to }) => `${to} ${secretsIn(email.text ?? '')}`)).size > 1)
      tell(`${id} was sent with two contents`)
  }
  // Each crash may double what was under way, which is one message for each of the clients, and no more than that.
  const extra = mails.length - byId.size
  if (extra > kills * 8) tell(`${extra} extra copies in ${kills} crashes`)
}

function secretsIn(text: string): string {
  return [/^ {4}([\d ]+)$/m.exec(text)?.[1], /olk_[\w-]+/.exec(text)?.[0]].join(' ')
}
