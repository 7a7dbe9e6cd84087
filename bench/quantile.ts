/** The value below which this share of the list lies; 0.5 is the median. */
export function quantile(list: readonly number[], share: number): number {
  const sorted = list.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}

export const median = (list: readonly number[]) => quantile(list, 0.5)
