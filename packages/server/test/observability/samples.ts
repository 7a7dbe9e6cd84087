/** A page of metrics, read as a scraper reads it. */
export interface Samples {
  names: Set<string>
  has(name: string): boolean
  /** The sum of the samples that have these labels; 0 when there is none. */
  value(name: string, labels?: Record<string, string>): number
}

const LINE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/

/** Reads the text format. Throws for a line that is neither a comment nor a sample. */
export function samplesOf(text: string): Samples {
  const samples = text
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
    .map(line => {
      const match = LINE.exec(line)
      if (!match) throw new Error(`not a sample: ${line}`)
      const labels = new Map(
        [...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
          ([, name, value]) => [name ?? '', value ?? ''] as const,
        ),
      )
      return { name: match[1] ?? '', labels, value: Number(match[3]) }
    })
  const names = new Set(samples.map(({ name }) => name))
  return {
    names,
    has: name => names.has(name),
    value: (name, wanted = {}) =>
      samples
        .filter(one => one.name === name)
        .filter(one => Object.entries(wanted).every(([label, value]) => one.labels.get(label) === value))
        .reduce((sum, { value }) => sum + value, 0),
  }
}
