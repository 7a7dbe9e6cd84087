import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { openSink } from '../delivery/smtp-sink.ts'
import { runCampaign } from './campaign.ts'

const KILLS = 20

test(`kill -9 under load, ${KILLS} times: nothing that was answered is lost, nothing works twice`, {
  timeout: 120_000,
}, async () => {
  const seed = Number(process.env.CRASH_SEED ?? randomInt(2 ** 31))
  const told = `repeat with CRASH_SEED=${seed}`
  const sink = await openSink()
  const { world, faults, violations } = await runCampaign({
    kills: KILLS,
    seed,
    provider: sink,
    maxListed: 18,
  })
  await sink.close()
  expect(faults.slice(0, 20), `${faults.length} faults; ${told}`).toEqual([])
  expect(violations, told).toEqual([])

  // The test is worth something only if the kills hit work under way.
  const { counts, flows } = world
  if (process.env.CRASH_SEED) console.log({ ...counts, flows: flows.length, mails: sink.mails.length })
  expect(counts.unknown, told).toBeGreaterThan(KILLS)
  expect(flows.filter(({ used }) => used === 'yes').length, told).toBeGreaterThan(5 * KILLS)
  expect(sink.mails.length, told).toBeGreaterThan(KILLS)
  expect(sink.mails[0]?.from).toBe('login@crash.example')
})
