import { setTimeout as pause } from 'node:timers/promises'
import { apiOf, pressLink } from '../setup/process.ts'
import type { Answer } from '../setup/server.ts'
import type { Chance } from './chance.ts'

/**
 * One sign-in as its client saw it, with everything secret that came up. Only what was answered is noted: an answer
 * that never came is `unknown`, and either outcome of it is right.
 */
export interface Flow {
  to: string
  /** Only one challenge of this address may ever exist: it was sent once, with an Idempotency-Key. */
  isAlone: boolean
  challengeId: string | null
  code: string | null
  link: string | null
  maxAttempts: number
  wrong: { judged: number; unknown: number }
  /** `maybe`: used by a call whose answer was lost and could not be had again. */
  used: 'no' | 'yes' | 'maybe'
  sessionId: string | null
  accessToken: string | null
  handovers: string[]
  /** Refresh tokens in their order; all but the last were traded for the next one, and that was answered. */
  refreshTokens: string[]
}

/** What all clients share. */
export interface World {
  url: string
  key: string
  /** Resolves when the server is up, at once if it is. */
  up(): Promise<void>
  isOver(): boolean
  flows: Flow[]
  /** What a client saw that no outcome allows. */
  faults: string[]
  counts: { ok: number; fail: number; unknown: number }
  /** How many more wrong codes may be typed before the environment protects itself with strong ones. */
  wrongCodesLeft: number
  /** How many challenges each client asks for at its address whose mail leaves the house. */
  maxListed: number
}

/** Signs people in, one after the other, until the world is over; a flow that was begun is brought to its end. */
export async function runClient(world: World, number: number, chance: Chance): Promise<void> {
  const listed = `c${number}@listed.example`
  let listedLeft = world.maxListed
  for (let count = 0; !world.isOver(); count++) {
    const isListed = listedLeft > 0 && chance.is(0.2)
    if (isListed) listedLeft--
    await signIn(world, chance, isListed ? listed : `p${count}.${number}@crash.example`, `${number}-${count}`)
    await pause(chance.between(0, 8))
  }
}

async function signIn(world: World, chance: Chance, to: string, name: string): Promise<void> {
  const isKeyed = chance.is(0.5)
  const flow: Flow = {
    to,
    isAlone: isKeyed && to.endsWith('@crash.example'),
    challengeId: null,
    code: null,
    link: null,
    maxAttempts: 0,
    wrong: { judged: 0, unknown: 0 },
    used: 'no',
    sessionId: null,
    accessToken: null,
    handovers: [],
    refreshTokens: [],
  }
  world.flows.push(flow)
  const body = { to, credential: 'codeAndLink', redirectUrl: 'http://localhost:9/callback' }
  const sent = await (isKeyed ? certain : once)(
    world,
    'POST',
    '/v1/challenges',
    body,
    isKeyed ? `send-${name}` : null,
  )
  if (!sent) return
  if (sent.status !== 201) return fault(world, flow, `send answered ${sent.status}`, sent)
  flow.challengeId = sent.body.id
  flow.maxAttempts = sent.body.attemptsLeft

  const read = await certain(world, 'GET', `/v1/messages?challengeId=${sent.body.id}`)
  const [message] = read.body.data ?? []
  if (!message?.code) return fault(world, flow, 'the message of an acknowledged challenge is not there', read)
  flow.code = message.code
  flow.link = message.link

  // Not at an address that others prove meanwhile: a challenge ends when its address gets an owner (PROTOCOL section 1).
  const isLeft = to.endsWith('@crash.example') && chance.is(0.15)
  if (world.wrongCodesLeft > 0 && chance.is(isLeft ? 0.3 : 0.02))
    await typeWrongCode(world, flow, message.code)
  // Left open: in the end it has to be there, and its code has to work.
  if (isLeft) return
  if (chance.is(0.3)) await verifyByLink(world, flow, chance.is(0.5) ? `link-${name}` : null)
  else await verifyByCode(world, flow, chance.is(0.5) ? `code-${name}` : null)

  for (let left = chance.between(0, 4); left > 0 && flow.sessionId !== null; left--)
    await refresh(world, flow)
}

async function typeWrongCode(world: World, flow: Flow, right: string): Promise<void> {
  world.wrongCodesLeft--
  const code = String((Number(right) + 1) % 10 ** right.length).padStart(right.length, '0')
  const answer = await once(world, 'POST', `/v1/challenges/${flow.challengeId}/verify`, { code })
  if (!answer) flow.wrong.unknown++
  else if (answer.body.code === 'code_incorrect') flow.wrong.judged++
  else fault(world, flow, `a wrong code was answered ${answer.status}`, answer)
}

async function verifyByCode(world: World, flow: Flow, key: string | null): Promise<void> {
  await verify(
    world,
    flow,
    `/v1/challenges/${flow.challengeId}/verify`,
    { code: flow.code },
    key,
    'challenge_used',
  )
}

async function verifyByLink(world: World, flow: Flow, key: string | null): Promise<void> {
  let token: string | null = null
  // A press whose answer was lost may be made again: the link counts as used when its token is exchanged.
  for (let isKnown = false; !isKnown; ) {
    await world.up()
    isKnown = await pressLink(flow.link ?? '').then(
      pressed => {
        token = pressed
        return true
      },
      () => lost(world),
    )
  }
  if (token === null) return fault(world, flow, 'a live link could not be pressed')
  world.counts.ok++
  flow.handovers.push(token)
  await verify(world, flow, '/v1/challenges/verify', { linkToken: token }, key, 'link_invalid')
}

/** With an Idempotency-Key a lost answer is had again; without one, the refusal of what was used tells that it worked. */
async function verify(
  world: World,
  flow: Flow,
  path: string,
  body: object,
  key: string | null,
  usedCode: string,
): Promise<void> {
  const first = await once(world, 'POST', path, body, key)
  const answer = first ?? (await certain(world, 'POST', path, body, key))
  if (!first && key === null && answer.body.code === usedCode) {
    flow.used = 'maybe'
    return
  }
  if (answer.status !== 200)
    return fault(
      world,
      flow,
      `verify answered ${answer.status}${first ? '' : ' after a lost answer'}`,
      answer,
    )
  flow.used = 'yes'
  flow.sessionId = answer.body.session.id
  flow.accessToken = answer.body.tokens.accessToken
  flow.refreshTokens.push(answer.body.tokens.refreshToken)
}

/** A repeat within ten seconds by the same client gets the same successor, at most three times (PROTOCOL section 3). */
async function refresh(world: World, flow: Flow): Promise<void> {
  const refreshToken = flow.refreshTokens.at(-1)
  const began = performance.now()
  let tries = 0
  let answer: Answer | null = null
  while (!answer) {
    tries++
    answer = await once(world, 'POST', '/v1/sessions/refresh', { refreshToken })
  }
  if (answer.status === 200) {
    flow.accessToken = answer.body.tokens.accessToken
    flow.refreshTokens.push(answer.body.tokens.refreshToken)
    return
  }
  const isPastGrace = tries > 3 || (tries > 1 && performance.now() - began > 9000)
  if (!isPastGrace) fault(world, flow, `refresh number ${tries} answered ${answer.status}`, answer)
  flow.sessionId = null
}

/** One call; null when its outcome is not known. */
async function once(
  world: World,
  method: string,
  path: string,
  body?: unknown,
  key: string | null = null,
): Promise<Answer | null> {
  await world.up()
  try {
    const headers: Record<string, string> = key === null ? {} : { 'Idempotency-Key': key }
    const answer = await apiOf(world.url, world.key)(method, path, body, headers)
    if (answer.body.code === 'outcome_unknown') {
      world.counts.unknown++
      return null
    }
    world.counts[answer.status < 300 ? 'ok' : 'fail']++
    return answer
  } catch {
    await lost(world)
    return null
  }
}

/** The same call until it is answered. */
async function certain(...call: Parameters<typeof once>): Promise<Answer> {
  for (;;) {
    const answer = await once(...call)
    if (answer) return answer
  }
}

async function lost(world: World): Promise<false> {
  world.counts.unknown++
  await pause(5)
  return false
}

function fault(world: World, { to, challengeId }: Flow, what: string, answer?: Answer): void {
  world.faults.push(
    `${to} ${challengeId}: ${what} ${answer ? JSON.stringify(answer.body).slice(0, 300) : ''}`,
  )
}
