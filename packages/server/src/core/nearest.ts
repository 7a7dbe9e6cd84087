/** The name that was probably meant by a wrong one, or undefined: two letters apart at most, fewer for a short name, a third of a long one. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(Math.min(2, Math.floor(name.length / 2)), Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const apart = distance(candidate.toLowerCase(), name.toLowerCase())
    if (apart < least) [best, least] = [candidate, apart]
  }
  return best
}

/** Levenshtein distance; both texts are short. */
export function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? 0
}
