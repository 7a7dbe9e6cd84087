import { readConfig } from '../config.ts'
import { createSmtpTransport } from '../delivery/smtp.ts'
import { listen } from '../http/server.ts'
import { createLog, createOstiary } from '../main.ts'
import { stopOnSignals } from './signals.ts'
import { Hint } from './terminal.ts'

/** `ostiary start`: production. Every missing or unsafe setting is told at once, each with its fix (exit code 2). */
export async function start(): Promise<void> {
  const config = readConfig(process.env)
  const log = createLog(config.logLevel)
  const ostiary = await createOstiary({
    ...config,
    log,
    ...(config.smtpUrl !== null && { transport: createSmtpTransport({ url: config.smtpUrl }) }),
  })
  const server = await listen(ostiary.fetch, config.port, [undefined]).catch(
    async (error: NodeJS.ErrnoException) => {
      await ostiary.stop()
      if (error.code === 'EADDRINUSE')
        throw new Hint(`port ${config.port} is taken`, 'stop what runs there, or set PORT')
      throw error
    },
  )
  ostiary.start()
  log.info({ url: config.publicUrl, port: config.port }, 'ostiary is running')
  stopOnSignals(async () => {
    log.info({}, 'stopping')
    await server.close()
    await ostiary.stop()
  })
}
