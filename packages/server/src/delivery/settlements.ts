import type { Log } from './log.ts'

export interface Settlements<Outcome> {
  /** Takes over an outcome: it is written with all others of this turn of the event loop, in one commit. */
  add(outcome: Outcome): void
  /** Whether the outcome of this message or delivery is known here and not yet written. It must not be sent again. */
  has(id: string): boolean
  size(): number
  /** Writes what there is, waiting for no retry; what the store still refuses is lost to this process, and logged. */
  stop(): Promise<void>
}

/**
 * Writes outcomes in batches, because each commit costs an fsync. While the store fails they are kept and written again
 * every `retryMs`: forgetting that a message went out would send it twice. `onSettled` is called after each success.
 */
export function createSettlements<Outcome extends { id: string }>(deps: {
  settle(outcomes: Outcome[]): Promise<void>
  /** Of what, for the log. */
  of: 'messages' | 'webhooks'
  log: Log
  retryMs: number
  onSettled: () => void
}): Settlements<Outcome> {
  const { settle, of, log, retryMs, onSettled } = deps
  const waiting = new Map<string, Outcome>()
  let flushing: Promise<void> | null = null
  let scheduled: NodeJS.Immediate | NodeJS.Timeout | null = null
  let isStopped = false

  function flush(): void {
    scheduled = null
    flushing ??= writeAll().finally(() => {
      flushing = null
      if (waiting.size > 0 && !isStopped) schedule()
    })
  }

  let hasFailed = false
  function schedule(): void {
    scheduled ??= hasFailed ? setTimeout(flush, retryMs) : setImmediate(flush)
  }

  async function writeAll(): Promise<void> {
    const all = [...waiting.values()]
    // After a failure each goes by itself, so that one that the store cannot take does not hold up the others.
    const batches = hasFailed ? all.map(outcome => [outcome]) : [all]
    hasFailed = false
    for (const batch of batches) {
      try {
        await settle(batch)
        for (const { id } of batch) waiting.delete(id)
        onSettled()
      } catch (error) {
        hasFailed = true
        log.error({ err: error, ids: batch.map(({ id }) => id) }, `the outcome of ${of} could not be stored`)
      }
    }
  }

  return {
    add(outcome) {
      waiting.set(outcome.id, outcome)
      if (!flushing && !isStopped) schedule()
    },
    has: messageId => waiting.has(messageId),
    size: () => waiting.size,
    async stop() {
      isStopped = true
      clearImmediate(scheduled as NodeJS.Immediate)
      clearTimeout(scheduled as NodeJS.Timeout)
      await flushing
      if (waiting.size > 0) await writeAll()
      if (waiting.size > 0)
        log.error({ ids: [...waiting.keys()] }, `stopped before the outcome of ${of} was stored`)
    },
  }
}
