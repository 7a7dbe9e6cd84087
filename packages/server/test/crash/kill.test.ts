import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { openSink } from '../delivery/smtp-sink.ts'
import { checkInvariants } from '../setup/invariants.ts'
import { apiOf, startDev } from '../setup/process.ts'
import { findFaults } from './aftermath.ts'
import { chanceOf } from './chance.ts'
import { runClient, type World } from './client.ts'

const KILLS = 20
const CLIENTS = 8

test(`kill -9 under load, ${KILLS} times: nothing that was answered is lost, nothing works twice`, {
  timeout: 120_000,
}, async () => {
  const seed = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31))
  const told = `repeat with CRASH_SEED=${seed}`
  const chance = chanceOf(seed)
  const sink = await openSink()
  const env = { SMTP_URL: sink.url, MAIL_FROM: 'login@crash.example' }
  let server = await startDev({ env })
  const { folder, port, facts, url } = server
  const testRecipients = Array.from({ length: CLIENTS }, (_, number) => `c${number}@listed.example`)
  const settings = await apiOf(url, facts.secretKey)('PATCH', '/v1/settings', { testRecipients })
  expect(settings.status).toBe(200)

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
  }
  const clients = Array.from({ length: CLIENTS }, (_, number) =>
    runClient(world, number, chanceOf(seed + number + 1)),
  )
  try {
    for (let kill = 0; kill < KILLS; kill++) {
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
      expect(await killed, told).toMatchObject({ signal: 'SIGKILL' })
      server = await startDev({ folder, port, env })
      open()
    }
    await pause(200)
  } finally {
    isOver = true
    await Promise.race([Promise.all(clients), pause(15_000)])
  }
  expect(await server.stop(), told).toMatchObject({ code: 0 })

  const faults = [...world.faults, ...(await findFaults(folder, world, sink, KILLS))]
  await sink.close()
  expect(faults.slice(0, 20), `${faults.length} faults; ${told}`).toEqual([])
  const secrets = world.flows.flatMap(({ link, handovers, refreshTokens, accessToken }) => [
    ...(link ? [new URL(link).pathname.slice('/l/'.length)] : []),
    ...handovers,
    ...refreshTokens,
    ...(accessToken ? [accessToken] : []),
  ])
  secrets.push(facts.secretKey)
  const broken = checkInvariants(join(folder, 'ostiary.db'), { secrets })
  expect(broken, told).toEqual([])

  // The test is worth something only if the kills hit work under way.
  const { counts, flows } = world
  if (process.env.CRASH_SEED) console.log({ ...counts, flows: flows.length, mails: sink.mails.length })
  expect(counts.unknown, told).toBeGreaterThan(KILLS)
  expect(flows.filter(({ used }) => used === 'yes').length, told).toBeGreaterThan(5 * KILLS)
  expect(sink.mails.length, told).toBeGreaterThan(KILLS)
  expect(sink.mails[0]?.from).toBe('login@crash.example')
})
