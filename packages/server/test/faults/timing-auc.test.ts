import { expect, test } from 'vitest'
import { areaUnderCurve } from '../../tools/timing-auc.ts'

test.each([
  ['apart', [1, 2, 3], [4, 5, 6], 1],
  ['apart the other way', [4, 5, 6], [1, 2, 3], 1],
  ['alike', [1, 2, 3, 4], [1, 2, 3, 4], 0.5],
  ['equal', [1, 1, 1], [1, 1], 0.5],
  ['three of four pairs', [1, 3], [2, 4], 0.75],
])('two samples that are %s', (_, one, other, expected) => {
  expect(areaUnderCurve(one, other).auc).toBeCloseTo(expected)
})
