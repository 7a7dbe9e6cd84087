/**
 * Stops once, at one of the signals or when the answer is called, and exits with 0; a second signal, or a minute, ends
 * the process at once.
 */
export function stopOnSignals(
  stop: () => Promise<void>,
  signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM'],
): () => void {
  let isStopping = false
  const begin = () => {
    if (isStopping) return
    isStopping = true
    setTimeout(() => process.exit(1), 60_000).unref()
    stop().then(
      () => process.exit(0),
      error => {
        process.stderr.write(
          `ostiary: could not stop cleanly: ${error instanceof Error ? error.message : error}\n`,
        )
        process.exit(1)
      },
    )
  }
  for (const signal of signals) process.on(signal, () => (isStopping ? process.exit(1) : begin()))
  return begin
}
