import { setTimeout as pause } from 'node:timers/promises'
import type { Chance } from './chance.ts'
import type { Node } from './nodes.ts'
import type { DatabaseServer, Place } from './place.ts'

/** How often what befalls the nodes and their database, in a round or altogether. */
export interface Faults {
  kills: number
  pauses: number
  clockJumps: number
  databaseStops: number
  terminations: number
  cuts: number
  slows: number
  holds: number
  /** Holds that last longer than a node waits for an answer. */
  silences: number
}

export const NO_FAULTS: Faults = {
  kills: 0,
  pauses: 0,
  clockJumps: 0,
  databaseStops: 0,
  terminations: 0,
  cuts: 0,
  slows: 0,
  holds: 0,
  silences: 0,
}

export interface Nemesis {
  done: Faults
  /** The instants of the kills. */
  kills: number[]
  /** Kills every node for as long as the task takes. */
  whileDown(task: () => Promise<void>): Promise<void>
  /** Does all of it, spread by chance over nodes and database, each as soon as there was work to meet. */
  strike(faults: Faults): Promise<void>
}

interface Stage {
  nodes: readonly Node[]
  place: Place
  chance: Chance
  isOver(): boolean
  /** Resolves when the clients had so many more answers, or the time is up. */
  work(answers: number, withinMs: number): Promise<void>
}

export function createNemesis({ nodes, place, chance, isOver, work }: Stage): Nemesis {
  const done = { ...NO_FAULTS }
  const kills: number[] = []

  async function kill(node: Node): Promise<void> {
    kills.push(Date.now())
    done.kills++
    await node.kill()
  }

  /** As whoever supervises it: until it is up. Without its database a node says so and ends. */
  async function revive(node: Node): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await node.start()
      } catch (error) {
        if (tries === 15) throw error
        await pause(200)
      }
    }
  }

  async function jump(node: Node): Promise<void> {
    const isSmall = chance.is(0.5)
    const size = isSmall ? chance.between(200, 1900) : chance.between(2500, 6000)
    done.clockJumps++
    await node.setClock(chance.is(0.5) ? size : -size)
    // A small one stops nobody; as long as what a node remembers may grow old, and longer.
    await pause(chance.between(50, isSmall ? 3000 : 1500))
    done.clockJumps++
    await node.setClock(0)
  }

  async function strikeNode(node: Node, what: string): Promise<void> {
    if (what === 'kills') {
      await kill(node)
      await revive(node)
    } else if (what === 'pauses') {
      done.pauses++
      await node.stopFor(chance.between(50, chance.is(0.2) ? 3500 : 900))
    } else await jump(node)
  }

  async function strikeDatabase(server: DatabaseServer, what: string): Promise<void> {
    if (what === 'databaseStops') {
      done.databaseStops++
      await server.crash()
    } else if (what === 'terminations') {
      done.terminations += await server.terminate(chance.between(1, 4))
    } else if (what === 'cuts') {
      done.cuts++
      server.wire.cut()
    } else if (what === 'slows') {
      done.slows++
      await server.wire.slowFor(chance.between(300, 1500), chance.between(2, 40))
    } else if (what === 'holds') {
      done.holds++
      await server.wire.holdFor(chance.between(100, 2500))
    } else {
      done.silences++
      await server.wire.holdFor(chance.between(12_500, 14_000))
    }
  }

  return {
    done,
    kills,
    async whileDown(task) {
      for (const node of nodes) await kill(node)
      await task()
      for (const node of nodes) await revive(node)
    },
    async strike(faults) {
      const { kills, pauses, clockJumps, ...ofDatabase } = faults
      const plans = nodes.map(() => [] as string[])
      // A jump there is a jump back, too.
      const blows = shuffled(chance, { kills, pauses, jumps: Math.ceil(clockJumps / 2) })
      for (const [index, what] of blows.entries()) plans[index % nodes.length]?.push(what)
      const onNodes = nodes.map(async (node, index) => {
        for (const what of plans[index] ?? []) {
          if (isOver()) return
          await work(chance.between(3, 60), 1500)
          await strikeNode(node, what)
        }
      })
      const { server } = place
      const onDatabase = async () => {
        if (!server) return
        const { terminations, ...others } = ofDatabase
        for (const what of shuffled(chance, { ...others, terminations: Math.ceil(terminations / 2) })) {
          if (isOver()) return
          await work(chance.between(2, 30), 1000)
          await strikeDatabase(server, what)
        }
        // Those that found nobody to end are made up for.
        while (done.terminations < before + terminations && !isOver()) {
          await work(5, 200)
          await strikeDatabase(server, 'terminations')
        }
      }
      const before = done.terminations
      await Promise.all([...onNodes, onDatabase()])
    },
  }
}

function shuffled(chance: Chance, counts: Record<string, number>): string[] {
  const all = Object.entries(counts).flatMap(([what, count]) => Array.from({ length: count }, () => what))
  for (let last = all.length - 1; last > 0; last--) {
    const other = chance.between(0, last + 1)
    ;[all[last], all[other]] = [all[other] ?? '', all[last] ?? '']
  }
  return all
}
