const MAX_BATCH = 256

/**
 * Group commit, as lean as it gets: what arrives in one turn of the event loop runs as savepoints of one transaction and
 * is answered after its COMMIT.
 */
export function createBatches(replay: {
  exec(sql: string): void
  /** What the server writes before each COMMIT. */
  stampInstant(now: number): void
}): {
  write<T>(operation: (now: number) => T): Promise<T>
} {
  let queue: { operation: (now: number) => unknown; resolve: (result: never) => void }[] = []

  function flush() {
    const batch = queue.slice(0, MAX_BATCH)
    queue = queue.slice(MAX_BATCH)
    const now = Date.now()
    const results: unknown[] = []
    replay.exec('BEGIN IMMEDIATE')
    for (const { operation } of batch) {
      replay.exec('SAVEPOINT operation')
      results.push(operation(now))
      replay.exec('RELEASE operation')
    }
    replay.stampInstant(now)
    replay.exec('COMMIT')
    for (const [index, { resolve }] of batch.entries()) resolve(results[index] as never)
    if (queue.length > 0) setImmediate(flush)
  }

  return {
    write: operation =>
      new Promise(resolve => {
        if (queue.length === 0) setImmediate(flush)
        queue.push({ operation, resolve })
      }),
  }
}
