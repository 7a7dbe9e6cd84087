/**
 * How well one number tells two samples apart: the chance that one of the first is larger than one of the second
 * (Mann-Whitney), told as 0.5 or more whichever is larger. `error` is its standard error when both are alike.
 */
export function areaUnderCurve(
  one: readonly number[],
  other: readonly number[],
): { auc: number; error: number } {
  const all = [
    ...one.map(value => ({ value, isOne: true })),
    ...other.map(value => ({ value, isOne: false })),
  ].sort((a, b) => a.value - b.value)
  let ranks = 0
  for (let from = 0; from < all.length; ) {
    let until = from
    while (until < all.length && all[until]?.value === all[from]?.value) until++
    // Equal values share the mean of their ranks.
    for (let index = from; index < until; index++) if (all[index]?.isOne) ranks += (from + until + 1) / 2
    from = until
  }
  const pairs = one.length * other.length
  const share = (ranks - (one.length * (one.length + 1)) / 2) / pairs
  return { auc: Math.max(share, 1 - share), error: Math.sqrt((one.length + other.length + 1) / (12 * pairs)) }
}
