import { setTimeout as pause } from 'node:timers/promises'
import { apiOf, pressLink } from '../setup/process.ts'
import type { Answer } from '../setup/server.ts'
import type { Chance } from './chance.ts'
import type { Entry, Op } from './history.ts'
import type { Node } from './nodes.ts'

/** One sign-in as its client saw it, with everything secret that came up. Only what was answered is noted. */
export interface Flow {
  to: string
  /** Only one challenge of this address may ever exist: it was sent once, with an Idempotency-Key. */
  isAlone: boolean
  sendKey: string | null
  challengeId: string | null
  code: string | null
  link: string | null
  maxAttempts: number
  wrong: { judged: number; unknown: number }
  /** `maybe`: used by a call whose answer was lost and could not be had again. */
  used: 'no' | 'yes' | 'maybe'
  userId: string | null
  sessionId: string | null
  /** A session was ended, or may have been, by an answer or by a lost one. */
  isSessionOver: boolean
  accessToken: string | null
  handovers: string[]
  /** Refresh tokens in their order; all but the last were traded for the next one, and that was answered. */
  refreshTokens: string[]
}

/** What all clients share. */
export interface World {
  nodes: readonly Node[]
  key: string
  isOver(): boolean
  history: Entry[]
  flows: Flow[]
  /** What a client saw that no outcome allows. */
  faults: string[]
  /** How many more wrong codes may be typed before the environment protects itself with strong ones. */
  wrongCodesLeft: number
}

/** The listed addresses of a client, whose mail leaves the house; together as many as settings take. */
export const listedOf = (number: number) => [`a${number}@listed.example`, `b${number}@listed.example`]
const FRESH = 'crash.example'

/** Signs people in, one after the other, until the world is over; a flow that was begun is brought to its end. */
export async function runClient(world: World, number: number, chance: Chance): Promise<void> {
  const listed = listedOf(number)
  for (let count = 0; !world.isOver(); count++) {
    const isListed = chance.is(0.2)
    const to = isListed ? (listed[count % 2] ?? '') : `p${count}.${number}@${FRESH}`
    await signIn({ world, chance, name: `${number}-${count}`, to })
    await pause(chance.between(0, 8))
  }
}

/** Changes settings and makes and revokes keys meanwhile. */
export async function runOperator(world: World, chance: Chance): Promise<void> {
  const retired: string[] = []
  for (let count = 0; !world.isOver(); count++) {
    const maxAttempts = 5 + (count % 5)
    await certain(world, chance, 'settings', 'PATCH', '/v1/settings', { challenge: { maxAttempts } }, null, {
      on: 'maxAttempts',
      attempts: maxAttempts,
    })
    const key = `key-${count}`
    const made = await certain(
      world,
      chance,
      'createKey',
      'POST',
      '/v1/api-keys',
      { name: key, scopes: ['read'] },
      key,
      { on: key },
    )
    if (made.status !== 201) {
      world.faults.push(`making a key answered ${made.status} ${made.body.code}`)
      continue
    }
    const { id, secret } = made.body
    const use = async (one: string) => {
      await once(world, chance, 'useKey', 'GET', '/v1/settings', undefined, null, { on: one }, one)
    }
    // On every node, so that each remembers it.
    for (let uses = 0; uses < 4; uses++) await use(secret)
    await certain(world, chance, 'revokeKey', 'DELETE', `/v1/api-keys/${id}`, undefined, null, { on: secret })
    retired.push(secret)
    // Asked for again and again, or not until long after: a node that remembers it has to forget it by itself.
    const waits = count % 2 === 0 ? [200, 300, 400, 500, 600] : [chance.between(1900, 2700)]
    for (const ms of waits) {
      await pause(ms)
      for (const one of retired.slice(-3)) await use(one)
    }
  }
}

/** One sign-in under way. */
interface Work {
  world: World
  chance: Chance
  name: string
  to: string
}

async function signIn(work: Work): Promise<void> {
  const { world, chance, name, to } = work
  const isListed = !to.endsWith(FRESH)
  const sendKey = chance.is(0.5) ? `send-${name}` : null
  const flow: Flow = {
    to,
    isAlone: sendKey !== null && !isListed,
    sendKey,
    challengeId: null,
    code: null,
    link: null,
    maxAttempts: 0,
    wrong: { judged: 0, unknown: 0 },
    used: 'no',
    userId: null,
    sessionId: null,
    isSessionOver: false,
    accessToken: null,
    handovers: [],
    refreshTokens: [],
  }
  world.flows.push(flow)
  // Somebody brought this address along, and nobody has proven it.
  if (!isListed && chance.is(0.1))
    await certain(
      world,
      chance,
      'import',
      'POST',
      '/v1/users',
      { email: to, externalId: name },
      `user-${name}`,
      { on: name },
    )
  const body = { to, credential: 'codeAndLink', redirectUrl: 'http://localhost:9/callback' }
  const about = { on: sendKey ?? `${to} ${name}` }
  const sent = await (sendKey ? certain : once)(
    world,
    chance,
    'send',
    'POST',
    '/v1/challenges',
    body,
    sendKey,
    about,
  )
  if (!sent || sent.status === 503) return
  if (sent.status !== 201) return fault(world, flow, `send answered ${sent.status}`, sent)
  flow.challengeId = sent.body.id
  flow.maxAttempts = sent.body.attemptsLeft
  if (!(await readMessage(work, flow))) return
  if (chance.is(0.06)) await resend(work, flow)

  // Not at an address that others prove meanwhile: a challenge ends when its address gets an owner (PROTOCOL section 1).
  const isLeft = !isListed && chance.is(0.12)
  if (chance.is(isLeft ? 0.4 : 0.08)) await typeWrongCodes(work, flow, chance.between(1, 4))
  // Left open: in the end it has to be there, and its code has to work.
  if (isLeft) return
  await prove(work, flow)
  if (flow.used === 'yes') await live(work, flow)
}

/** The code and link of the newest message. */
async function readMessage({ world, chance }: Work, flow: Flow): Promise<boolean> {
  const read = await certain(
    world,
    chance,
    'read',
    'GET',
    `/v1/messages?challengeId=${flow.challengeId}`,
    undefined,
    null,
    { on: flow.challengeId ?? '' },
  )
  const [message] = read.body.data ?? []
  if (!message?.code) {
    fault(world, flow, 'the message of an acknowledged challenge is not there', read)
    return false
  }
  flow.code = message.code
  flow.link = message.link
  return true
}

async function resend(work: Work, flow: Flow): Promise<void> {
  const { world, chance, name } = work
  // As long as the settings of the campaign say, and a clock that is off.
  await pause(1100)
  const answer = await certain(
    world,
    chance,
    'resend',
    'POST',
    `/v1/challenges/${flow.challengeId}/resend`,
    {},
    `resend-${name}`,
    { on: flow.challengeId ?? '' },
  )
  if (answer.status === 200) await readMessage(work, flow)
  else if (answer.body.limit !== 'resend') fault(world, flow, `resend answered ${answer.status}`, answer)
}

/** Some at once: each answer has its own number of attempts left. */
async function typeWrongCodes({ world, chance }: Work, flow: Flow, count: number): Promise<void> {
  const right = flow.code ?? ''
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      if (world.wrongCodesLeft <= 0) return
      world.wrongCodesLeft--
      const code = String((Number(right) + 1 + index) % 10 ** right.length).padStart(right.length, '0')
      const path = `/v1/challenges/${flow.challengeId}/verify`
      const about = { on: flow.challengeId ?? '' }
      const answer = await once(world, chance, 'wrong', 'POST', path, { code }, null, about)
      if (!answer) flow.wrong.unknown++
      else if (answer.body.code === 'code_incorrect') flow.wrong.judged++
      else if (answer.status !== 503) fault(world, flow, `a wrong code was answered ${answer.status}`, answer)
    }),
  )
}

/** By code or by link, with an Idempotency-Key or without, once or several times at the same moment. */
async function prove(work: Work, flow: Flow): Promise<void> {
  const { world, chance, name } = work
  const key = chance.is(0.5) ? `prove-${name}` : null
  let path = `/v1/challenges/${flow.challengeId}/verify`
  let body: object = { code: flow.code }
  if (chance.is(0.35)) {
    const linkToken = await press(work, flow)
    if (linkToken === null) return
    path = '/v1/challenges/verify'
    body = { linkToken }
  }
  const about = { on: flow.challengeId ?? '' }
  const attempt = () => once(world, chance, 'prove', 'POST', path, body, key, about)
  const crowd = chance.is(0.3) ? chance.between(2, 5) : 1
  const answers = await Promise.all(Array.from({ length: crowd }, attempt))
  const isDone = (answer: Answer | null | undefined) => answer?.status === 200
  // With an Idempotency-Key a lost answer is had again; without one, the refusal of what was used tells that it worked.
  let answer = answers.find(isDone)
  while (!answer) {
    const next = await attempt()
    if (!next || next.status === 503 || next.body.code === 'idempotency_in_progress') await pause(10)
    else answer = next
  }
  if (!isDone(answer)) {
    // Whether one of the lost answers allows this refusal is for the checker, which sees them.
    if (key !== null) fault(world, flow, `a proof with a key answered ${answer.status}`, answer)
    flow.used = 'maybe'
    return
  }
  flow.used = 'yes'
  flow.userId = answer.body.user.id
  flow.sessionId = answer.body.session.id
  flow.accessToken = answer.body.tokens.accessToken
  flow.refreshTokens.push(answer.body.tokens.refreshToken)
}

/** A press whose answer was lost may be made again: the link counts as used when its token is exchanged. */
async function press({ world, chance }: Work, flow: Flow): Promise<string | null> {
  const until = performance.now() + 60_000
  while (performance.now() < until) {
    const index = await someNode(world, chance)
    const { pathname } = new URL(flow.link ?? '')
    const noted = note(world, 'press', index, null, { on: flow.challengeId ?? '' })
    const token = await pressLink(`${world.nodes[index]?.url}${pathname}`).catch(() => null)
    noted({ outcome: token === null ? 'unknown' : 'ok', named: token })
    if (token !== null) {
      flow.handovers.push(token)
      return token
    }
    await pause(20)
  }
  fault(world, flow, 'a live link could not be pressed for a minute')
  return null
}

/** A session from its first refresh to its end. */
async function live(work: Work, flow: Flow): Promise<void> {
  const { world, chance } = work
  await check(work, flow)
  for (let left = chance.between(0, 4); left > 0 && !flow.isSessionOver; left--) {
    await refresh(work, flow)
    if (chance.is(0.3)) await check(work, flow)
  }
  const [oldest] = flow.refreshTokens
  if (flow.refreshTokens.length > 2 && chance.is(0.15) && oldest !== undefined) {
    // Stolen long ago: the thief gets nothing, and the session ends.
    flow.isSessionOver = true
    await once(world, chance, 'refresh', 'POST', '/v1/sessions/refresh', { refreshToken: oldest }, null, {
      on: oldest,
      session: flow.sessionId,
    })
  } else if (chance.is(0.15)) await end(work, flow, 'revoke', `/v1/sessions/${flow.sessionId}/revoke`)
  // At a listed address it would end the sessions of other flows, too.
  else if (flow.to.endsWith(FRESH) && chance.is(0.08)) {
    await end(work, flow, 'block', `/v1/users/${flow.userId}/block`)
    await check(work, flow)
    const about = { on: flow.userId ?? '' }
    await certain(world, chance, 'unblock', 'POST', `/v1/users/${flow.userId}/unblock`, {}, null, about)
  }
  for (let left = chance.between(0, 3); left > 0; left--) await check(work, flow)
}

async function end({ world, chance, name }: Work, flow: Flow, op: Op, path: string): Promise<void> {
  flow.isSessionOver = true
  const about = { on: (op === 'block' ? flow.userId : flow.sessionId) ?? '', session: flow.sessionId }
  const key = chance.is(0.5) ? `${op}-${name}` : null
  const answer = await certain(world, chance, op, 'POST', path, {}, key, about)
  if (answer.status !== 200) fault(world, flow, `${op} answered ${answer.status}`, answer)
}

async function check({ world, chance }: Work, { accessToken, sessionId }: Flow): Promise<void> {
  const about = { on: sessionId ?? '', session: sessionId }
  await once(world, chance, 'check', 'POST', '/v1/sessions/verify', { accessToken }, null, about)
}

/** A repeat within ten seconds by the same client gets the same successor, at most three times (PROTOCOL section 3). */
async function refresh({ world, chance, name }: Work, flow: Flow): Promise<void> {
  const refreshToken = flow.refreshTokens.at(-1) ?? ''
  const key = chance.is(0.3) ? `refresh-${name}-${flow.refreshTokens.length}` : null
  const about = { on: refreshToken, session: flow.sessionId }
  const began = performance.now()
  let tries = 0
  const attempt = () => {
    tries++
    return once(world, chance, 'refresh', 'POST', '/v1/sessions/refresh', { refreshToken }, key, about)
  }
  const answers = await Promise.all(Array.from({ length: chance.is(0.2) ? 2 : 1 }, attempt))
  let answer = answers.find(one => one?.status === 200)
  while (!answer) {
    const next = await attempt()
    if (!next || next.status === 503 || next.body.code === 'idempotency_in_progress') await pause(10)
    else answer = next
  }
  if (answer.status === 200) {
    flow.accessToken = answer.body.tokens.accessToken
    flow.refreshTokens.push(answer.body.tokens.refreshToken)
    return
  }
  // Ten seconds of grace, less what two clocks may differ by; and three repeats.
  const isPastGrace = tries > 4 || (tries > 1 && performance.now() - began > 6000)
  if (!isPastGrace) fault(world, flow, `refresh number ${tries} answered ${answer.status}`, answer)
  flow.isSessionOver = true
}

type About = Pick<Entry, 'on'> & Partial<Pick<Entry, 'attempts' | 'session'>>

/** One call to a node by chance; null when its outcome is not known. */
async function once(
  world: World,
  chance: Chance,
  op: Op,
  method: string,
  path: string,
  body: unknown,
  key: string | null,
  about: About,
  secret = world.key,
): Promise<Answer | null> {
  const index = await someNode(world, chance)
  const noted = note(world, op, index, key, about)
  const headers: Record<string, string> = key === null ? {} : { 'Idempotency-Key': key }
  let answer: Answer
  try {
    answer = await apiOf(world.nodes[index]?.url ?? '', secret)(method, path, body, headers)
  } catch (error) {
    noted({ outcome: 'unknown', code: (error as Error).name === 'TimeoutError' ? 'timeout' : null })
    await pause(5)
    return null
  }
  const isOk = answer.status < 300
  const isUnknown = answer.body.code === 'outcome_unknown'
  noted({
    outcome: isUnknown ? 'unknown' : isOk ? 'ok' : 'fail',
    status: answer.status,
    code: isOk ? null : (answer.body.code ?? 'no code'),
    isReplayed: answer.headers.get('idempotency-replayed') === 'true',
    ...(isOk && { named: namedBy(op, answer.body) }),
    ...(answer.body.attemptsLeft !== undefined && { attempts: answer.body.attemptsLeft }),
  })
  return isUnknown ? null : answer
}

/** The same call until it is answered by a yes or a lasting no. */
async function certain(...call: Parameters<typeof once>): Promise<Answer> {
  for (;;) {
    const answer = await once(...call)
    const isPassing = answer?.status === 503 || answer?.body.code === 'idempotency_in_progress'
    if (answer && !isPassing) return answer
    await pause(10)
  }
}

// biome-ignore lint/suspicious/noExplicitAny: an answer of any operation
function namedBy(op: Op, body: any): string | null {
  if (op === 'prove') return body.session.id
  if (op === 'refresh') return body.tokens.refreshToken
  if (op === 'check') return body.isActive ? body.session.id : null
  return body.id ?? null
}

/** Writes the call down when it begins, so that one that never ends stands in the history, too. */
function note(world: World, op: Op, node: number, key: string | null, about: About) {
  const clock = () => world.nodes[node]?.clockOffsetMs() ?? null
  const offset = clock()
  const entry: Entry = {
    op,
    node,
    invokedAt: performance.now(),
    returnedAt: Number.POSITIVE_INFINITY,
    outcome: 'unknown',
    status: null,
    code: null,
    clockOffsetMs: null,
    key,
    isReplayed: false,
    named: null,
    attempts: null,
    session: null,
    ...about,
  }
  world.history.push(entry)
  return (end: Partial<Entry>) => {
    entry.returnedAt = performance.now()
    entry.clockOffsetMs = clock() === offset ? offset : null
    Object.assign(entry, end)
  }
}

async function someNode({ nodes }: World, chance: Chance): Promise<number> {
  for (;;) {
    const up = [...nodes.keys()].filter(index => nodes[index]?.isUp())
    const index = up[chance.between(0, up.length)]
    if (index !== undefined) return index
    await pause(5)
  }
}

function fault(world: World, { to, challengeId }: Flow, what: string, answer?: Answer): void {
  world.faults.push(
    `${to} ${challengeId}: ${what} ${answer ? JSON.stringify(answer.body).slice(0, 300) : ''}`,
  )
}
