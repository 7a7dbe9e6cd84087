import type { Context } from 'hono'
import { Hono } from 'hono'
import { asset } from './assets.ts'
import { ostiaryCaller } from './demo-api.ts'
import type { Demo } from './demo-steps.ts'
import { callback, front, goHome, me, resend, send, signOut, startOver, verify } from './demo-steps.ts'

export interface DemoDeps {
  /** Where Ostiary answers and where this demo is mounted: `http://localhost:4545`. */
  apiUrl: string
  secretKey: string
  /** For the sign-in element of its page. */
  publishableKey(): Promise<string>
  fetch?: typeof fetch
}

/**
 * A small app that signs people in as any app would: with the sign-in element in its page, and without JavaScript by forms
 * that call Ostiary's API. It has no other way into the server. To be mounted at `/`, in test environments only.
 */
export function demoApp(deps: DemoDeps): Hono {
  const demo: Demo = {
    apiUrl: deps.apiUrl,
    publishableKey: deps.publishableKey,
    call: ostiaryCaller(deps.apiUrl, deps.secretKey, deps.fetch ?? fetch),
  }
  const own = sameOrigin(new URL(deps.apiUrl).origin)
  const app = new Hono()

  app.get('/', c => front(c, demo))
  app.get('/demo/demo.css', asset('css', 'look.css', 'demo.css'))
  app.get('/demo/demo.js', asset('js', 'browser/demo.js'))

  app.post('/demo/send', own, c => send(c, demo))
  app.post('/demo/verify', own, c => verify(c, demo))
  app.post('/demo/resend', own, c => resend(c, demo))
  app.post('/demo/start-over', own, c => startOver(c))
  app.post('/demo/sign-out', own, c => signOut(c, demo))
  app.get('/demo/callback', c => callback(c, demo))
  app.get('/demo/me', c => me(c, demo))

  // Whoever loads the address of a form again goes on where they were.
  for (const path of ['send', 'verify', 'resend', 'start-over', 'sign-out'])
    app.get(`/demo/${path}`, c => goHome(c))
  return app
}

/** Refuses forms of other sites: by Fetch Metadata, and where a browser sends none, by Origin. */
function sameOrigin(origin: string) {
  return async (c: Context, next: () => Promise<void>): Promise<Response | undefined> => {
    const site = c.req.header('sec-fetch-site')
    const isSame = site === undefined ? c.req.header('origin') === origin : site === 'same-origin'
    if (!isSame) return c.text('This form was sent from another site.', 403)
    await next()
    return undefined
  }
}
