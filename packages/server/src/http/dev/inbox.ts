import { Hono } from 'hono'
import { pageHeaders } from '../pages/headers.ts'
import { asset } from './assets.ts'
import { INBOX_POLICY, inboxPage } from './inbox-page.ts'
import { MAIL_POLICY, mailDocument } from './mail-document.ts'

/** A message of the test environment as the inbox shows it. Instants are ISO 8601. */
export interface InboxMessage {
  id: string
  challengeId: string | null
  channel: string
  to: string
  from: string
  subject: string
  text: string
  html: string
  /** Headers and parts as they would go over the wire. */
  source: string
  code: string | null
  link: string | null
  tag: string | null
  status: 'queued' | 'sent' | 'failed'
  /** The provider's reply, or why it failed. */
  reply: string | null
  createdAt: string
  sentAt: string | null
}

export interface InboxDeps {
  /**
   * Newest first. With `after`, only messages newer than that one. Where there is none, waits up to `waitMs` for the
   * first and then answers, with an empty list when none came.
   */
  listMessages(input: { after: string | null; waitMs: number; limit: number }): Promise<InboxMessage[]>
  findMessage(id: string): Promise<InboxMessage | null>
}

const LIMIT = 50
const MAX_WAIT_SECONDS = 30

/**
 * The dev inbox, to be mounted at `/dev/inbox` in test environments only: everyone who can reach it reads every code.
 * It sends no CORS headers, so that no page of another origin can read it from a developer's browser.
 */
export function devInbox(deps: InboxDeps): Hono {
  const app = new Hono()

  app.get('/', c => c.body(inboxPage(), 200, pageHeaders(INBOX_POLICY)))
  app.get('/inbox.css', asset('css', 'look.css', 'inbox.css'))
  app.get('/inbox.js', asset('js', 'browser/inbox.js'))

  app.get('/messages', async c => {
    const after = c.req.query('after') ?? null
    const wait = Number(c.req.query('wait') ?? 0)
    if (after !== null && !isMessageId(after)) return refuse(`after has to be the id of a message: msg_…`)
    if (!Number.isInteger(wait) || wait < 0 || wait > MAX_WAIT_SECONDS) {
      return refuse(`wait has to be a whole number of seconds from 0 to ${MAX_WAIT_SECONDS}`)
    }
    const data = await deps.listMessages({ after, waitMs: wait * 1000, limit: LIMIT })
    return c.json({ data }, 200, {
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'same-origin',
    })
  })

  app.get('/messages/:id/html', async c => {
    const id = c.req.param('id')
    const message = isMessageId(id) ? await deps.findMessage(id) : null
    const headers = pageHeaders(MAIL_POLICY)
    if (message === null)
      return c.body('<!doctype html><title>Not found</title><p>This message is gone.', 404, headers)
    return c.body(mailDocument(message.html), 200, headers)
  })

  return app
}

function isMessageId(text: string): boolean {
  return /^msg_[0-9a-z]{1,40}$/.test(text)
}

function refuse(detail: string): Response {
  const problem = {
    title: 'The request has a missing, unknown or malformed field',
    status: 400,
    code: 'invalid_request',
    detail,
  }
  return Response.json(problem, {
    status: 400,
    headers: { 'Content-Type': 'application/problem+json', 'Cache-Control': 'no-store' },
  })
}
