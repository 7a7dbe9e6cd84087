import { type Context, Hono } from 'hono'
import { maskEmail } from '../core/addresses/email.ts'
import { isRedirectUrlAllowed, withQuery } from '../core/addresses/redirect-url.ts'
import { statusOf } from '../core/challenges/status.ts'
import type { EnvironmentView } from '../core/environments/directory.ts'
import type { Circumstances } from '../core/ports.ts'
import type { Challenge } from '../core/rows.ts'
import { isToken, newToken } from '../core/tokens.ts'
import { actionLink } from './action-link.ts'
import type { AppVariables, HttpDeps } from './app.ts'
import { deviceCookies } from './client/device-cookie.ts'
import { circumstancesOf } from './client/serve.ts'
import { pageHeaders } from './pages/headers.ts'
import {
  type LinkEnd,
  type LinkLook,
  linkEndPage,
  linkPage,
  numberPage,
  type Page,
} from './pages/link-page.ts'
import { isOwnForm, pressCookie, pressToken, readForm } from './pages/own-form.ts'
import { pageTexts, wishesOf } from './pages/page-texts.ts'
import { asRefusal } from './problem.ts'

const MAX_OPENINGS = 20
const HANDOVER_LIVES_MS = 60_000

interface Found {
  challenge: Challenge
  view: EnvironmentView
}

/**
 * The page behind a mailed link (CONTRACT section 2). Looking at it changes nothing, however often and by whomever;
 * the press of its button trades the link for a hand-over token and leads to the app.
 */
export function linkRoutes(deps: HttpDeps): Hono<AppVariables> {
  const { store, keyring, clock, random, directory, epoch } = deps
  const app = new Hono<AppVariables>()
  const look = (c: Context, found: Found | null): LinkLook => {
    const { view = null, challenge = null } = found ?? {}
    return {
      brandName: view?.settings.brand.name ?? null,
      brandColors: view?.settings.brand.colors ?? { light: {}, dark: {} },
      radius: view?.settings.brand.radius ?? 8,
      logoUrl: view?.settings.brand.logoUrl ?? null,
      supportUrl: view?.settings.brand.supportUrl ?? null,
      // What the app asked for, as in the mail that the person comes from; then what the browser asks for.
      texts: pageTexts(
        [challenge?.locale, ...wishesOf(c.req.header('accept-language'))],
        view?.settings ?? null,
        'link.',
      ),
      nonce: random.bytes(18).toString('base64url'),
      now: new Date(clock.now()),
    }
  }
  const end = (
    c: Context,
    found: Found | null,
    state: LinkEnd,
    status: 200 | 400 | 403 | 404 | 409 | 410,
    endedAt: number | null = null,
  ) =>
    send(
      c,
      linkEndPage({ ...look(c, found), state, endedAt: endedAt === null ? null : new Date(endedAt) }),
      status,
    )

  async function find(token: string): Promise<Found | null> {
    if (!isToken('olk', token)) return null
    const challenge = await store.findLink(keyring.tokenHash(token))
    const view = challenge && (await directory.byId(challenge.environmentId))
    return challenge && view && challenge.linkVia === 'ostiary' && !challenge.isVoid
      ? { challenge, view }
      : null
  }

  /** The page of a link that cannot be pressed, or null for a live one. */
  async function over(c: Context, found: Found): Promise<Response | null> {
    const { challenge, view } = found
    const status = statusOf(challenge, await store.judgeAt(clock.now()), epoch)
    if (status === 'verified') return end(c, found, 'used', 409, challenge.verifiedAt)
    if (status === 'expired')
      return end(
        c,
        found,
        'expired',
        410,
        Math.min(challenge.endedAt ?? challenge.expiresAt, challenge.expiresAt),
      )
    if (status === 'exhausted') return end(c, found, 'exhausted', 409)
    // An action may have nowhere to lead: then its first tab goes on.
    if (challenge.actionId !== null && challenge.redirectUrl === null) return null
    const app = view.apps.find(one => one.id === challenge.appId)
    const isAllowed = isRedirectUrlAllowed(
      challenge.redirectUrl ?? '',
      app?.redirectUrls ?? [],
      view.environment.mode,
      challenge.codeChallenge !== null,
    )
    return isAllowed ? null : end(c, found, 'misdirected', 409)
  }

  app.get('/:token', async c => {
    const found = await find(c.req.param('token'))
    if (!found) return end(c, null, 'unknown', 404)
    const { challenge } = found
    const context: Circumstances = circumstancesOf(deps, c)
    // Before it is recorded: a store that cannot judge refuses, and a refusal leaves nothing behind.
    const ended = await over(c, found)
    await store
      .recordLinkOpened({
        challenge,
        now: clock.now(),
        method: c.req.method,
        context,
        max: MAX_OPENINGS,
        requestId: c.get('requestId'),
      })
      .catch(error =>
        deps.log.warn({ requestId: c.get('requestId'), err: error }, 'a link opening was not recorded'),
      )
    if (ended) return ended

    const opened = await actionLink(deps, c, found)
    if (opened === 'over') return end(c, found, 'expired', 410)
    if (opened?.means === 'back') return end(c, found, 'elsewhere', 409)
    const redirect = new URL(challenge.redirectUrl ?? deps.publicUrl)
    return send(
      c,
      linkPage({
        ...look(c, found),
        maskedAddress: maskEmail(challenge.sendTo),
        tag: challenge.tag,
        purpose: challenge.purpose,
        intent: opened?.intent ?? null,
        asked: {
          when: new Date(challenge.createdAt),
          ipAddress: challenge.ipAddress,
          userAgent: challenge.userAgent,
        },
        expiresAt: new Date(challenge.expiresAt),
        pressToken: pressToken(c, random),
        redirectOrigin: redirect.origin === 'null' ? redirect.protocol : redirect.origin,
        ...(opened?.means === 'approve' && { mode: 'approve' }),
        ...(opened?.isSameBrowser && { mode: 'continue' }),
      }),
      200,
    )
  })

  app.post('/:token', async c => {
    const found = await find(c.req.param('token'))
    if (!found) return end(c, null, 'unknown', 404)
    const ended = await over(c, found)
    if (ended) return ended
    const { challenge } = found
    const form = await readForm(c)
    if (!isOwnForm(c, form)) return end(c, found, 'refused', 403)
    const opened = await actionLink(deps, c, found)
    if (opened === 'over') return end(c, found, 'expired', 410)
    if (opened) {
      const pressed = await opened.press(pressCookie(c), form?.get('number') ?? null)
      if (pressed.kind !== 'number')
        return withDevice(
          pressed.deviceToken ?? null,
          found.view,
          pressed.kind === 'end' ? end(c, found, pressed.state, pressed.status) : redirectTo(pressed.to),
        )
      return send(
        c,
        numberPage({
          ...look(c, found),
          maskedAddress: maskEmail(challenge.sendTo),
          pressToken: pressed.pressToken,
        }),
        200,
      )
    }
    const handover = newToken('oht', random.bytes(32))
    const pressed = await store.pressLink({
      linkHash: keyring.tokenHash(c.req.param('token')),
      handoverHash: keyring.tokenHash(handover),
      now: clock.now(),
      epoch,
      livesMs: HANDOVER_LIVES_MS,
    })
    if (!pressed?.redirectUrl) return end(c, found, 'expired', 410)
    return redirectTo(withQuery(pressed.redirectUrl, { token: handover, state: challenge.state }))
  })

  // A person in a browser reads no problem document: they are told that the link is not lost.
  app.onError((error, c) => {
    if (!c.req.header('accept')?.includes('text/html')) throw error
    const refusal = asRefusal(error)
    const { limit, reason, cause, retryAfterSeconds } = refusal.refusal
    const requestId = c.get('requestId')
    deps.metrics.requestRefused(refusal.code)
    // In a surge there are thousands of these, and the line of the request tells of each.
    if (refusal.status >= 500 && limit !== 'capacity')
      deps.log.error({ requestId, code: refusal.code, reason, err: cause }, 'request failed')
    const isLater = refusal.status >= 500 || refusal.status === 429
    const page = linkEndPage({ ...look(c, null), state: isLater ? 'unavailable' : 'refused', requestId })
    const headers = {
      ...pageHeaders(page.csp),
      ...(isLater && { 'Retry-After': `${retryAfterSeconds ?? 1}` }),
    }
    return c.body(page.html, refusal.status as 500, headers)
  })
  return app
}

function redirectTo(url: string): Response {
  return new Response(null, {
    status: 303,
    headers: { Location: url, 'Cache-Control': 'no-store', 'Referrer-Policy': 'no-referrer' },
  })
}

function withDevice(token: string | null, view: EnvironmentView, answer: Response): Response {
  for (const cookie of deviceCookies(token, view)) answer.headers.append('Set-Cookie', cookie)
  return answer
}

function send(c: Context, page: Page, status: 200 | 400 | 403 | 404 | 409 | 410): Response {
  return c.body(page.html, status, pageHeaders(page.csp))
}
