import { createTransport } from 'nodemailer'
import { parseSmtpUrl } from './smtp-url.ts'

/**
 * Greets the SMTP server, starts TLS and logs in as for a delivery, and leaves without one. Throws with the reason.
 * Throws what `parseSmtpUrl` throws for a URL that will not do.
 */
export async function tryLogin({
  url,
  timeoutMs = 8000,
}: {
  url: string
  timeoutMs?: number
}): Promise<void> {
  const { host, port, tls, auth } = parseSmtpUrl(url)
  const mailer = createTransport({
    host,
    port,
    secure: tls === 'implicit',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    ...(auth && { auth, forceAuth: true }),
    dnsTimeout: timeoutMs,
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
  })
  let timer: NodeJS.Timeout | undefined
  const overdue = new Promise<never>((_resolve, reject) => {
    const error = new Error(`did not finish within ${timeoutMs / 1000} s`)
    timer = setTimeout(() => reject(error), timeoutMs)
  })
  try {
    await Promise.race([mailer.verify(), overdue])
  } catch (error) {
    const { response, message } = error as Error & { response?: string }
    throw new Error(`${host}:${port}: ${response ?? message}`, { cause: error })
  } finally {
    clearTimeout(timer)
    mailer.close()
  }
}
