import { Readable } from 'node:stream'
import type { NodemailerError, SendMailOptions } from 'nodemailer'
import { createTransport } from 'nodemailer'
import { parseEmail } from '../core/addresses/email.ts'
import { DeliveryError, type Mail, type Transport } from '../core/ports.ts'
import { providerHeaders } from './provider-headers.ts'
import { parseSmtpUrl, type SmtpServer } from './smtp-url.ts'

export interface SmtpOptions {
  /** `SMTP_URL`, see `parseSmtpUrl`. */
  url: string
  /** For all of one delivery, from the queue to the reply to DATA, in milliseconds. */
  timeoutMs?: number
  /** Until the server has all of the message; then its reply is waited for, as long as `timeoutMs` allows. */
  handOverMs?: number
  /** How many connections are kept at most. As many as the outbox sends at once: a slow one holds up nobody. */
  maxConnections?: number
}

/**
 * Hands mail to one SMTP server (RFC 5321) over kept connections. Each send is one transaction with one RCPT TO, to
 * the checked address. Certificates are verified. Throws what `parseSmtpUrl` throws for a URL that will not do.
 */
export function createSmtpTransport({
  url,
  timeoutMs = 20_000,
  handOverMs = timeoutMs,
  maxConnections = 20,
}: SmtpOptions): Transport {
  const server = parseSmtpUrl(url)
  const mailer = createTransport({
    pool: true,
    maxConnections,
    maxMessages: 100,
    // Ours is the only queue: tries of the pool's own would know nothing of lease, back-off and expiry.
    maxRequeues: 0,
    idleTimeout: 30_000,
    host: server.host,
    port: server.port,
    secure: server.tls === 'implicit',
    requireTLS: server.tls === 'starttls',
    ignoreTLS: server.tls === 'none',
    ...(server.auth && { auth: server.auth, forceAuth: true }),
    dnsTimeout: Math.min(5_000, timeoutMs),
    connectionTimeout: Math.min(8_000, timeoutMs),
    greetingTimeout: Math.min(8_000, timeoutMs),
    socketTimeout: Math.min(15_000, timeoutMs),
    socketCloseTimeout: 1_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  const composer = createTransport({
    streamTransport: true,
    buffer: true,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  // Read to its end only after the server asked for it (354): from then on it may have taken the mail without saying so.
  const handedOver = new WeakSet<AbortSignal>()
  mailer.use('stream', ({ message, data: { signal } }, done) => {
    message.processFunc(content => Readable.from(watched(content, () => signal && handedOver.add(signal))))
    done()
  })
  return {
    name: 'smtp',
    timeoutMs,
    async send(mail) {
      const options = mailOptions(mail, server.host)
      const controller = new AbortController()
      const isHandedOver = () => handedOver.has(controller.signal)
      // A server that drips its replies never runs into the socket's time-out; these are for the whole.
      const timers = [
        setTimeout(() => isHandedOver() || controller.abort(), handOverMs),
        setTimeout(() => controller.abort(), timeoutMs),
      ]
      try {
        const { response } = await mailer.sendMail({ ...options, signal: controller.signal })
        return { reply: response }
      } catch (error) {
        const ms = isHandedOver() ? timeoutMs : handOverMs
        throw deliveryError(error as NodemailerError, server, ms, isHandedOver())
      } finally {
        for (const timer of timers) clearTimeout(timer)
      }
    },
    async rehearse(mail) {
      await composer.sendMail(mailOptions(mail, server.host))
    },
    async close() {
      mailer.close()
    },
  }
}

async function* watched(content: AsyncIterable<Buffer>, onEnd: () => void) {
  yield* content
  onEnd()
}

function mailOptions(mail: Mail, host: string): SendMailOptions {
  const from = parseEmail(mail.from.address)
  const to = parseEmail(mail.to)
  // Both were checked long before. An address that another parser could read as two never reaches one.
  if (!from || !to)
    throw new DeliveryError(`${from ? 'the recipient' : 'the sender'} is not one plain address`, true)
  return {
    envelope: { from: from.spelling, to: [to.spelling] },
    from: { name: mail.from.name ?? '', address: from.spelling },
    to: { name: '', address: to.spelling },
    ...(mail.replyTo !== null && { replyTo: { name: '', address: mail.replyTo } }),
    messageId: `<${mail.id}@${from.domain}>`,
    subject: mail.subject,
    text: mail.text,
    ...(mail.html !== null && { html: mail.html }),
    // RFC 3834 section 5: keeps holiday replies away. The reference keeps Gmail from folding two codes into one thread.
    headers: {
      'Auto-Submitted': 'auto-generated',
      'X-Entity-Ref-ID': mail.id,
      ...providerHeaders(host, mail.id),
    },
    xMailer: false,
  }
}

/**
 * A 5xx reply (RFC 5321 4.2.1) to RCPT TO or to the message is about this mail and is final. Every other failure, a
 * refused login or sender too, is about us or the server and can be mended before the message expires.
 */
function deliveryError(
  error: NodemailerError,
  server: SmtpServer,
  timeoutMs: number,
  isHandedOver: boolean,
): DeliveryError {
  const isAboutMail = error.command === 'RCPT TO' || error.command === 'DATA'
  const isPermanent = isAboutMail && error.permanent === true
  const mayHaveArrived = isHandedOver && error.responseCode === undefined
  return new DeliveryError(explain(error, server, timeoutMs), isPermanent, {
    cause: error,
    isAboutMail,
    mayHaveArrived,
  })
}

function explain(error: NodemailerError, { host, port, tls }: SmtpServer, timeoutMs: number): string {
  if (error.code === 'EABORT') return `${host}:${port} did not finish within ${timeoutMs / 1000} s`
  if (error.command === 'STARTTLS' || (error.code === 'ETLS' && tls === 'starttls'))
    return `${host}:${port} does not do STARTTLS (${error.message}); use smtps://, or ?tls=never on a network of your own`
  return error.response ?? `${host}:${port}: ${error.message}`
}
