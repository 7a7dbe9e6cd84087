import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { checkInvariants } from '../setup/invariants.ts'
import { apiOf, startDev } from '../setup/process.ts'
import { findFaults, type Provider } from './aftermath.ts'
import { chanceOf } from './chance.ts'
import { runClient, type World } from './client.ts'

export interface Campaign {
  kills: number
  seed: number
  provider: Provider
  /** Called after the last kill, before what is left is looked at. */
  calm?(): Promise<void>
  /** How many challenges each client asks for whose mail goes to the provider. */
  maxListed: number
  onKill?(kill: number): void
}

export interface Outcome {
  world: World
  /** The instants of the kills. */
  kills: number[]
  /** What was answered and does not hold, or works twice. */
  faults: string[]
  /** Rows that break an invariant. */
  violations: string[]
}

const CLIENTS = 8
const MANY = 100_000

/**
 * Runs `ostiary dev` under the load of eight clients and kills it (SIGKILL) again and again while they go on; then
 * holds what is left against what the clients were told, and against the invariants.
 */
export async function runCampaign(campaign: Campaign): Promise<Outcome> {
  const { seed, provider } = campaign
  const chance = chanceOf(seed)
  const env = { SMTP_URL: provider.url, MAIL_FROM: 'login@crash.example' }
  let server = await startDev({ env })
  const { folder, port, facts, url } = server
  // A long life, so that the first flows of a long campaign can still be looked at in its end.
  const settings = await apiOf(url, facts.secretKey)('PATCH', '/v1/settings', {
    testRecipients: Array.from({ length: CLIENTS }, (_, number) => `c${number}@listed.example`),
    challenge: { expiresInSeconds: 3600 },
    session: { accessTokenSeconds: 3600 },
    limits: {
      sendsPerAddress: { hour: MANY, day: MANY },
      sendsPerAddressUntold: { minute: MANY, hour: MANY },
    },
  })
  if (settings.status !== 200) throw new Error(`the settings are refused: ${JSON.stringify(settings.body)}`)

  let up = Promise.resolve()
  let isOver = false
  const world: World = {
    url,
    key: facts.secretKey,
    up: () => up,
    isOver: () => isOver,
    flows: [],
    faults: [],
    counts: { ok: 0, fail: 0, unknown: 0 },
    wrongCodesLeft: 40,
    maxListed: campaign.maxListed,
  }
  const clients = Array.from({ length: CLIENTS }, (_, number) =>
    runClient(world, number, chanceOf(seed + number + 1)),
  )
  const kills: number[] = []
  try {
    while (kills.length < campaign.kills) {
      // By work done, not by the clock: a slow machine gets as much of it under each kill.
      const enough = world.counts.ok + chance.between(10, 160)
      const latest = performance.now() + 4000
      while (world.counts.ok < enough && performance.now() < latest) await pause(5)
      await pause(chance.between(0, 25))
      const killed = server.kill()
      let open = () => {}
      up = new Promise(resolve => {
        open = resolve
      })
      const { signal, stderr } = await killed
      if (signal !== 'SIGKILL') throw new Error(`the server ended by itself: ${stderr}`)
      kills.push(Date.now())
      campaign.onKill?.(kills.length)
      server = await startDev({ folder, port, env })
      open()
    }
    await pause(200)
  } finally {
    isOver = true
    await Promise.race([Promise.all(clients), pause(15_000, undefined, { ref: false })])
  }
  const { code, signal, stderr } = await server.stop()
  const faults = [...world.faults]
  if (code !== 0) faults.push(`the last server ended with ${code ?? signal}: ${stderr}`)
  await campaign.calm?.()
  faults.push(...(await findFaults(folder, world, provider, kills)))
  const secrets = [...world.flows.flatMap(secretsOf), facts.secretKey]
  return { world, kills, faults, violations: checkInvariants(join(folder, 'ostiary.db'), { secrets }) }
}

function secretsOf({ link, handovers, refreshTokens, accessToken }: World['flows'][number]): string[] {
  return [
    ...(link ? [new URL(link).pathname.slice('/l/'.length)] : []),
    ...handovers,
    ...refreshTokens,
    ...(accessToken ? [accessToken] : []),
  ]
}
