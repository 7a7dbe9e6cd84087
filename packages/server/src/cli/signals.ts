/** Stops once at SIGINT or SIGTERM and exits with 0; a second signal, or a minute, ends the process at once. */
export function stopOnSignals(stop: () => Promise<void>): void {
  let isStopping = false
  const onSignal = () => {
    if (isStopping) process.exit(1)
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
  process.on('SIGINT', onSignal)
  process.on('SIGTERM', onSignal)
}
