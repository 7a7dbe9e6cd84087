import { randomInt } from 'node:crypto'
import { expect, test } from 'vitest'
import { judge, runHostile } from '../../tools/hostile-run.ts'

test('3,000 hostile inputs: no error of ours, no stall, no growth, no broken row', {
  timeout: 120_000,
}, async () => {
  const seed = Number(process.env.HOSTILE_SEED ?? randomInt(2 ** 31))
  const told = `repeat with: npm run hostile -- --inputs 3000 --seed ${seed}`
  const report = await runHostile({ inputs: 3000, seed, warmUp: 1000 })
  expect(judge(report).slice(0, 10), told).toEqual([])

  // It is worth something only if inputs got past the first guard, and if the heart was listened to.
  const { byStatus, heart, inputs } = report
  expect(inputs).toBeGreaterThanOrEqual(3000)
  expect(Object.keys(byStatus), told).toEqual(
    expect.arrayContaining(['200', '400', '401', '404', '405', '431']),
  )
  expect(heart.beats, told).toBeGreaterThan(50)
})
