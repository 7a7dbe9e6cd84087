import { Hono } from 'hono'
import { OstiaryError } from '../../core/errors.ts'
import { recordReports } from '../../core/messages/reports.ts'
import type { AppVariables, HttpDeps, Log } from '../app.ts'
import { readBytes } from '../body.ts'
import { genericProvider } from './generic.ts'
import { postmarkProvider } from './postmark.ts'
import type { Provider } from './provider.ts'
import { resendProvider } from './resend.ts'
import { sendgridProvider } from './sendgrid.ts'
import { sesProvider } from './sns.ts'
import type { Fetch } from './sns-certificates.ts'
import type { MailEventSources } from './sources.ts'

/** Whose reports are taken, and how certificates are fetched; tests give a fetch of their own. */
export interface MailEvents {
  sources: MailEventSources
  fetch?: Fetch
}

/**
 * `POST /hooks/mail/{provider}`: what providers report of our mails, into the timeline of their challenges. Whoever is let
 * in by a signature gets the same answer whether a message is known or not; nobody else changes anything.
 */
export function hookRoutes(deps: HttpDeps): Hono<AppVariables> {
  const { clock, log } = deps
  const providers = providersOf(deps.mailEvents ?? { sources: {} }, log)
  const app = new Hono<AppVariables>()
  app.post('/mail/:provider', async c => {
    const provider = providers.get(c.req.param('provider'))
    if (!provider) throw new OstiaryError('not_found')
    const body = await readBytes(c.req.raw, provider.maxBytes)
    const reports = await provider.read({ header: name => c.req.header(name), body, now: clock.now() })
    await recordReports(deps, reports)
    return c.json({})
  })
  return app
}

function providersOf({ sources, fetch = globalThis.fetch }: MailEvents, log: Log): Map<string, Provider> {
  const { ses, postmark, resend, sendgrid, generic } = sources
  const providers = new Map<string, Provider>()
  if (ses) providers.set('ses', sesProvider({ ...ses, fetch, log }))
  if (postmark) providers.set('postmark', postmarkProvider(postmark.token))
  if (resend) providers.set('resend', resendProvider(resend.keys))
  if (sendgrid) providers.set('sendgrid', sendgridProvider(sendgrid.publicKey))
  if (generic) providers.set('generic', genericProvider(generic.keys))
  return providers
}
