/** Numbers by chance that a seed repeats (mulberry32). */
export interface Chance {
  /** From 0 up to, and without, 1. */
  next(): number
  /** A whole number from `from` up to, and without, `below`. */
  between(from: number, below: number): number
  /** True this often. */
  is(probability: number): boolean
}

export function chanceOf(seed: number): Chance {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  return {
    next,
    between: (from, below) => from + Math.floor(next() * (below - from)),
    is: probability => next() < probability,
  }
}
