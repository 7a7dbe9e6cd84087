import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { formatApiKey } from '../../src/core/tokens.ts'
import type { Role } from '../../src/main.ts'
import { checkInvariants } from '../setup/invariants.ts'
import { apiOf, freePort } from '../setup/process.ts'
import { findFaults, type Provider, type Reopening } from './aftermath.ts'
import { type Chance, chanceOf } from './chance.ts'
import { checkHistory } from './checker.ts'
import { type Flow, listedOf, runClient, runOperator, type World } from './client.ts'
import { checkCopies } from './copies.ts'
import { openFailingSink } from './failing-sink.ts'
import { createNemesis, type Faults, type Nemesis } from './nemesis.ts'
import { createNode, type Node } from './nodes.ts'
import type { House, Place } from './place.ts'
import { type CopiedAt, checkRaised, checkRestored } from './restored.ts'

/** How a round ends: with what is there, or with an old copy of it. */
export type Ending = 'plain' | 'restored' | 'raised'

export interface Round {
  seed: number
  faults: Faults
  ending: Ending
}

/** What a round did and found; plain data, a line of the results file. */
export interface Outcome {
  seed: number
  ending: Ending
  faults: Faults
  answers: { ok: number; fail: number; unknown: number; unavailable: number }
  flows: number
  finished: number
  mails: { taken: number; copies: number; unexplained: number; misdeeds: number }
  seconds: number
  /** What breaks a promise. Empty is a passed round. */
  violations: string[]
}

const CLIENTS = 8
const MANY = 100_000
const WRONG_CODES = 40

/**
 * One round on a fresh database: clients sign people in through all nodes and write down what they are told, while the
 * nemesis strikes; then everything is held against the promises. Repeatable by its seed, as far as the clocks of the
 * machine allow.
 */
export async function runRound(
  house: House,
  { seed, faults, ending }: Round,
  signal?: AbortSignal,
): Promise<Outcome> {
  const startedAt = performance.now()
  const chance = chanceOf(seed)
  const place = await house.open()
  const sink = await openFailingSink(chanceOf(seed + 1_000_003))
  const secret = randomBytes(32).toString('base64url')
  const key = formatApiKey('osk', 'test', randomBytes(32))
  const nodes = await makeNodes(house.roles, place, { secret, key, smtpUrl: sink.url })
  const url = nodes[0]?.url.replace('127.0.0.1', 'localhost') ?? ''
  try {
    for (const node of nodes) await node.start()
    await setUp(nodes[0]?.url ?? '', key)
    const { world, nemesis, copied } = await load({ nodes, place, key, chance, seed, faults, ending, signal })
    const violations = [...world.faults]
    for (const node of nodes) {
      const said = await node.end()
      if (said) violations.push(`a node did not end well: ${said}`)
    }
    violations.push(...checkHistory(world.history, place.server ? 'database' : 'highest'))
    await sink.calm()
    const reopening: Reopening = { place, secret, url, key, smtpUrl: sink.url }
    const provider: Provider = sink
    violations.push(...checkInvariants(await place.snapshot(), { secrets: secretsOf(world) }))
    if (ending === 'plain') violations.push(...(await findFaults(reopening, world, provider, nemesis.kills)))
    else {
      await place.restore()
      violations.push(
        ...(ending === 'restored'
          ? await checkRestored(reopening, world, copied)
          : await checkRaised(reopening, world)),
      )
      violations.push(...checkInvariants(await place.snapshot()))
    }
    if (ending === 'plain')
      violations.push(...checkInvariants(await place.snapshot(), { secrets: secretsOf(world) }))
    const { copies, unexplained } = checkCopies(sink.mails, nemesis.kills, () => {})
    return {
      seed,
      ending,
      faults: nemesis.done,
      answers: count(world),
      flows: world.flows.length,
      finished: world.flows.filter(({ used }) => used === 'yes').length,
      mails: { taken: sink.mails.length, copies, unexplained, misdeeds: sum(Object.values(sink.misdeeds)) },
      seconds: Math.round((performance.now() - startedAt) / 100) / 10,
      violations,
    }
  } finally {
    for (const node of nodes) await node.kill()
    await sink.close()
    await place.remove()
  }
}

async function makeNodes(
  roles: readonly Role[],
  place: Place,
  { secret, key, smtpUrl }: { secret: string; key: string; smtpUrl: string },
): Promise<Node[]> {
  const ports: number[] = []
  while (ports.length < roles.length) ports.push(await freePort())
  const env = {
    OSTIARY_URL: `http://localhost:${ports[0]}`,
    OSTIARY_SECRET: secret,
    DATABASE_URL: place.nodeUrl,
    SMTP_URL: smtpUrl,
    MAIL_FROM: 'login@crash.example',
    CAMPAIGN_KEY: key,
  }
  return roles.map((role, index) => createNode(role, ports[index] ?? 0, env))
}

/** A long life, so that the first flows can still be looked at in the end; and no limit that the load would meet. */
async function setUp(url: string, key: string): Promise<void> {
  const { status, body } = await apiOf(url, key)('PATCH', '/v1/settings', {
    testRecipients: Array.from({ length: CLIENTS }, (_, number) => listedOf(number)).flat(),
    challenge: { expiresInSeconds: 3600, resendWaitSeconds: [1] },
    session: { accessTokenSeconds: 3600 },
    limits: {
      sendsPerAddress: { hour: MANY, day: MANY },
      sendsPerAddressUntold: { minute: MANY, hour: MANY },
    },
  })
  if (status !== 200) throw new Error(`the settings are refused: ${JSON.stringify(body)}`)
  // Until every node knows.
  await pause(1100)
}

interface Load {
  nodes: readonly Node[]
  place: Place
  key: string
  chance: Chance
  seed: number
  faults: Faults
  ending: Ending
  signal: AbortSignal | undefined
}

async function load({ nodes, place, key, chance, seed, faults, ending, signal }: Load): Promise<{
  world: World
  nemesis: Nemesis
  copied: CopiedAt
}> {
  let isOver = false
  const world: World = {
    nodes: nodes.filter(({ role }) => role !== 'worker'),
    key,
    isOver: () => isOver,
    history: [],
    flows: [],
    faults: [],
    wrongCodesLeft: WRONG_CODES,
  }
  const clients = [
    ...Array.from({ length: CLIENTS }, (_, number) => runClient(world, number, chanceOf(seed + number + 1))),
    runOperator(world, chanceOf(seed + CLIENTS + 1)),
  ]
  const nemesis = createNemesis({
    nodes,
    place,
    chance,
    isOver: () => signal?.aborted === true,
    async work(answers, withinMs) {
      const begun = world.history.length
      const until = performance.now() + withinMs
      while (world.history.length < begun + answers && performance.now() < until) await pause(5)
    },
  })
  const copied: CopiedAt = { from: 0, until: 0 }
  try {
    if (ending === 'plain') await nemesis.strike(faults)
    else {
      await nemesis.strike(part(faults, Math.ceil))
      copied.from = performance.now()
      // SQLite is copied beside its server, as the guide says.
      await (place.server ? nemesis.whileDown(() => place.copy()) : place.copy())
      copied.until = performance.now()
      await nemesis.strike(part(faults, Math.floor))
    }
    await pause(300)
  } finally {
    isOver = true
    const late = new Promise(resolve => setTimeout(resolve, 30_000, 'late').unref())
    const end = await Promise.race([Promise.all(clients), late])
    if (end === 'late') world.faults.push('clients could not bring their flows to an end within 30 s')
  }
  return { world, nemesis, copied }
}

const part = (faults: Faults, round: (half: number) => number): Faults =>
  Object.fromEntries(
    Object.entries(faults).map(([what, times]) => [what, round(times / 2)]),
  ) as unknown as Faults

function count({ history }: World): Outcome['answers'] {
  const answers = { ok: 0, fail: 0, unknown: 0, unavailable: 0 }
  for (const { outcome, status } of history) {
    answers[outcome]++
    if (status === 503) answers.unavailable++
  }
  return answers
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0)

const secretsOf = ({ flows, key }: World): string[] => [...flows.flatMap(handedOut), key]

function handedOut({ link, handovers, refreshTokens, accessToken }: Flow): string[] {
  return [
    ...(link ? [new URL(link).pathname.slice('/l/'.length)] : []),
    ...handovers,
    ...refreshTokens,
    ...(accessToken ? [accessToken] : []),
  ]
}
