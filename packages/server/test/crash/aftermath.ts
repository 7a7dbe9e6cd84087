import { DatabaseSync } from 'node:sqlite'
import { createSmtpTransport } from '../../src/delivery/smtp.ts'
import { createOstiary } from '../../src/main.ts'
import type { Answer } from '../setup/server.ts'
import type { Flow, World } from './client.ts'
import { checkCopies, type Taken } from './copies.ts'
import type { Place } from './place.ts'

/** Past every lease and every grace period: what was under way at the last fault is due again. */
const LATER_MS = 35_000
/** Past every back-off, and past the life of every message and a minute. */
const MUCH_LATER_MS = [3 * 60_000, 65 * 60_000]

/** The provider after the last fault, when it takes everything at once. */
export interface Provider {
  url: string
  mails: Taken[]
}

/** How the campaign opens the store after the nodes are gone. */
export interface Reopening {
  place: Place
  secret: string
  url: string
  key: string
  smtpUrl: string
  epoch?: number
}

/**
 * Opens what the faults have left, a little later by its clock, and holds it against what the clients were told. What
 * does not hold; an empty list is a passed test. `kills` are their instants.
 */
export async function findFaults(
  reopening: Reopening,
  world: World,
  provider: Provider,
  kills: readonly number[],
): Promise<string[]> {
  const faults: string[] = []
  const tell = (what: string) => faults.push(what)
  await reopened(reopening, LATER_MS, async call => {
    // As many at once as there were clients: who waits for two seconds is refused, as by a clock that is behind.
    const left = [...world.flows]
    const looker = async () => {
      for (let flow = left.pop(); flow; flow = left.pop()) {
        const name = nameOf(flow)
        await checkFlow(call, flow, what => tell(`${name}: ${what}`))
      }
    }
    await Promise.all(Array.from({ length: 8 }, looker))
  })
  for (const ms of MUCH_LATER_MS) await reopened(reopening, ms, async () => {})
  const file = await reopening.place.snapshot()
  checkRows(file, world, tell)
  checkMessages(file, provider.mails, tell)
  checkCopies(provider.mails, kills, tell)
  return faults
}

export type Ask = (
  method: string,
  path: string,
  body?: unknown,
  headers?: Record<string, string>,
) => Promise<Answer>

/** Opens the store so much later by its clock, lets the outbox do what is due, looks, and closes it. */
export async function reopened(
  { place, secret, url, key, smtpUrl, epoch = 1 }: Reopening,
  ms: number,
  look: (call: Ask) => Promise<void>,
): Promise<void> {
  const ostiary = await createOstiary({
    publicUrl: url,
    secrets: [secret],
    ...place.options,
    epoch,
    clock: { now: () => Date.now() + ms },
    acceptsDevelopmentKeys: true,
    testLimitsFactor: 10,
    transport: createSmtpTransport({ url: smtpUrl }),
  })
  const call: Ask = async (method, path, body, headers = {}) => {
    const response = await ostiary.app.request(`${url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        'Content-Type': 'application/json',
        'Sec-Fetch-Site': 'same-origin',
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: text.startsWith('{') ? JSON.parse(text) : text,
    }
  }
  try {
    ostiary.start()
    await ostiary.drain()
    await look(call)
  } finally {
    await ostiary.stop()
  }
}

type Tell = (what: string) => void

const nameOf = ({ to, challengeId }: Flow) => `${to} ${challengeId}`

async function checkFlow(call: Ask, flow: Flow, tell: Tell): Promise<void> {
  if (flow.challengeId === null) return
  const kept = await call('GET', `/v1/challenges/${flow.challengeId}`)
  if (kept.status !== 200) return tell(`an acknowledged challenge is lost (${kept.status})`)
  const status = flow.used === 'no' ? 'pending' : 'verified'
  if (kept.body.status !== status) tell(`is ${kept.body.status}, was told to be ${status}`)

  if (flow.used === 'no') await checkOpenChallenge(call, flow, kept.body.attemptsLeft, tell)
  if (flow.sessionId !== null && !flow.isSessionOver) await checkSession(call, flow, tell)
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
      'SELECT id FROM challenges WHERE id NOT IN (SELECT challenge_id FROM messages WHERE challenge_id IS NOT NULL)',
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

/** Promise 4, from outside: what is `sent` by SMTP was taken, and what failed says so in an event. */
function checkMessages(file: string, mails: readonly Taken[], tell: Tell): void {
  const taken = new Set(mails.map(({ email }) => /msg_\w+/.exec(email.messageId ?? '')?.[0]))
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const sent = database.prepare(
      "SELECT id FROM messages WHERE status = 'sent' AND domain = 'listed.example' ORDER BY id",
    )
    for (const { id } of sent.all())
      if (!taken.has(String(id))) tell(`message ${id} is sent, and nobody took it`)
    const silent = database.prepare(`SELECT id FROM messages WHERE status = 'failed' AND NOT EXISTS (
      SELECT 1 FROM events WHERE coalesce(challenge_id, user_id) = coalesce(messages.challenge_id, messages.user_id) AND type = 'message.failed'
        AND json_extract(data, '$.messageId') = messages.id)`)
    for (const { id } of silent.all()) tell(`message ${id} failed without an event`)
  } finally {
    database.close()
  }
}
