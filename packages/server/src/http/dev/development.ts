import { Hono } from 'hono'
import type { Deps } from '../../core/deps.ts'
import type { ShownMessage } from '../../core/messages/reader.ts'
import { demoApp } from './demo.ts'
import { devInbox, type InboxDeps, type InboxMessage } from './inbox.ts'

/** What `ostiary dev` adds to the server: the inbox of its test environment and the demo app. */
export function development(deps: Deps, secretKey: string): Hono {
  const app = new Hono()
  app.route('/dev/inbox', devInbox(inboxDeps(deps)))
  const publishableKey = async () => (await deps.directory.bySlug('test'))?.defaultApp.publishableKey ?? ''
  app.route('/', demoApp({ apiUrl: deps.publicUrl, secretKey, publishableKey }))
  return app
}

/**
 * Refuses requests that were not meant for this machine: a page of any site can make a browser ask an address that it
 * names itself (DNS rebinding), but not with our Host. Null lets the request in.
 */
export function refuseForeignHost(request: Request, port: number): Response | null {
  const host = request.headers.get('host')
  if (['localhost', '127.0.0.1', '[::1]'].some(name => host === `${name}:${port}`)) return null
  return new Response(`ostiary dev answers to http://localhost:${port} only.\n`, {
    status: 421,
    headers: { 'Content-Type': 'text/plain' },
  })
}

function inboxDeps({ store, directory, messages }: Deps): InboxDeps {
  async function read(limit: number): Promise<InboxMessage[]> {
    const view = await directory.bySlug('test')
    if (!view) return []
    const page = { limit, before: null, createdAfter: null, createdBefore: null }
    const { rows } = await store.findMessages(view.environment.id, { to: null, challengeId: null }, page)
    return rows.map(row => inboxMessage(messages.show(row, view)))
  }
  return {
    async listMessages({ after, waitMs, limit }) {
      const view = await directory.bySlug('test')
      const leave = new AbortController()
      const next = messages.waitForNext(view?.environment.id ?? '', waitMs, leave.signal)
      const isNew = ({ id }: InboxMessage) => after === null || id > after
      let found = (await read(limit)).filter(isNew)
      if (found.length === 0 && waitMs > 0) {
        await next
        found = (await read(limit)).filter(isNew)
      }
      leave.abort()
      return found
    },
    findMessage: async id => (await read(500)).find(message => message.id === id) ?? null,
  }
}

function inboxMessage(message: ShownMessage): InboxMessage {
  const from = message.from ?? ''
  const subject = message.subject ?? (message.reply?.startsWith('not sent') ? 'Not sent: a decoy' : 'Wiped')
  const text = message.text ?? ''
  const html = message.html ?? ''
  const date = new Date(message.createdAt)
  const source = [
    `From: ${from}`,
    `To: ${message.to}`,
    `Subject: ${subject}`,
    `Date: ${date.toUTCString()}`,
    `Message-ID: <${message.id}@localhost>`,
    'Auto-Submitted: auto-generated',
    'MIME-Version: 1.0',
    'Content-Type: multipart/alternative; boundary="part"',
    '',
    '--part',
    'Content-Type: text/plain; charset=utf-8',
    '',
    text,
    '--part',
    'Content-Type: text/html; charset=utf-8',
    '',
    html,
    '--part--',
    '',
  ].join('\n')
  return {
    ...message,
    from,
    subject,
    text,
    html,
    source,
    createdAt: date.toISOString(),
    sentAt: message.sentAt === null ? null : new Date(message.sentAt).toISOString(),
  }
}
