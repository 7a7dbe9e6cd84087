import { expect, test } from 'vitest'
import { NO_FAULTS } from './nemesis.ts'
import { postgresHouse, sqliteHouse } from './place.ts'
import { runRound } from './round.ts'

const SEED = Number(process.env.FAULTS_SEED ?? 20261121)
const FAULTS = { ...NO_FAULTS, kills: 3, pauses: 1, clockJumps: 2 }

test('SQLite, killed and stopped under load, its clock moved: nothing that was answered is lost, nothing works twice', {
  timeout: 120_000,
}, async () => {
  const house = sqliteHouse()
  const outcome = await runRound(house, { seed: SEED, faults: FAULTS, ending: 'plain' })
  expect(outcome.violations.slice(0, 20), `${outcome.violations.length} violations`).toEqual([])
  // Worth something only if the faults hit work under way.
  expect(outcome.faults.kills).toBe(FAULTS.kills)
  expect(outcome.finished).toBeGreaterThan(10)
  expect(outcome.answers.unknown).toBeGreaterThan(3)
  expect(outcome.mails.taken).toBeGreaterThan(0)
})

test('PostgreSQL with two nodes and a worker, its server stopped, backends ended, wires cut: nothing is lost, nothing works twice', {
  timeout: 120_000,
}, async () => {
  const faults = { ...FAULTS, databaseStops: 1, terminations: 10, cuts: 1, slows: 1, holds: 1 }
  const house = await postgresHouse()
  try {
    const outcome = await runRound(house, { seed: SEED, faults, ending: 'raised' })
    expect(outcome.violations.slice(0, 20), `${outcome.violations.length} violations`).toEqual([])
    expect(outcome.faults).toMatchObject({ databaseStops: 1 })
    expect(outcome.faults.terminations).toBeGreaterThanOrEqual(10)
    expect(outcome.finished).toBeGreaterThan(10)
    expect(outcome.answers.unknown + outcome.answers.unavailable).toBeGreaterThan(10)
  } finally {
    await house.close()
  }
})
