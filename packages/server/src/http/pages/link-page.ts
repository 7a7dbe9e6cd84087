import type { BrandColors } from '../../core/brand/palette.ts'
import { deviceOf } from '../../core/device.ts'
import type { Html } from '../../core/markup.ts'
import { html, raw, render } from '../../core/markup.ts'
import { ago, durationWords, shortMoment } from '../../words/time.ts'
import { webAddress } from './addresses.ts'
import { policy, policySource } from './headers.ts'
import { linkStyle } from './link-style.ts'
import type { PageTexts } from './page-texts.ts'

/** Why a link cannot be pressed any more, or a press was not taken. */
export type LinkEnd =
  | 'used'
  | 'expired'
  | 'exhausted'
  | 'unknown'
  | 'misdirected'
  | 'refused'
  | 'unavailable'
  | 'elsewhere'
  | 'proven'
  | 'numberWrong'
  | 'denied'

/** What all forms of the page need: the operator's look, the language, and a nonce that is new with every answer. */
export interface LinkLook {
  /** Null where nobody knows whose link it is. */
  brandName: string | null
  brandColors: { light: BrandColors; dark: BrandColors }
  radius: number
  logoUrl: string | null
  supportUrl: string | null
  texts: PageTexts
  /** Base64 or base64url of at least 16 random bytes. */
  nonce: string
  now: Date
}

/** A live link: what it asks, who asked for it, and what the press has to carry. */
export interface LinkPageInput extends LinkLook {
  maskedAddress: string
  tag: string
  purpose: string
  /** What the app says that the press confirms; it stands in the place of the purpose. */
  intent?: string | null
  asked: { when: Date; ipAddress: string | null; userAgent: string | null }
  expiresAt: Date
  /** Sent back in the form field `press`. */
  pressToken: string
  /** Origin of the redirect URL, or `scheme:` for a private-use scheme: the press may lead there. */
  redirectOrigin: string
  /**
   * A link of an action: `continue` where this very browser asked, whose page goes on without a press; `approve` where
   * another one did.
   */
  mode?: 'continue' | 'approve'
}

/** Asks for the number that the first browser shows. */
export interface NumberPageInput extends LinkLook {
  maskedAddress: string
  pressToken: string
}

export interface Page {
  html: string
  /** Value of Content-Security-Policy. */
  csp: string
}

/**
 * The page behind `GET /l/{token}`. It is inert: no load that changes anything, and one button in a plain form that posts to
 * the page's own address (PROTOCOL section 3, Link press). A script presses it only in the browser that asked.
 */
export function linkPage(input: LinkPageInput): Page {
  const { say } = input.texts
  const kind = input.purpose === 'signIn' ? 'signIn' : 'other'
  const title = say(`link.title.${kind}`, { brand: input.brandName ?? '' })
  const body = html`<h1>${title}</h1>
<p class="who">${asWhom(input)}</p>
<dl>
${kind === 'other' && row(say('link.asked.purpose'), html`<bdi>${input.intent ?? purposeInWords(input.purpose)}</bdi>`)}
${row(say('link.asked.when'), moment(input.asked.when, input))}
${row(say('link.asked.device'), html`${deviceInWords(input.asked.userAgent, input.texts)}`)}
${row(say('link.asked.ipAddress'), html`<bdi>${input.asked.ipAddress ?? say('link.asked.unknown')}</bdi>`)}
${row(say('link.tag'), html`<span class="tag">${input.tag}</span><small>${say('link.tagHint')}</small>`)}
</dl>
<form method="post" action="">
<input type="hidden" name="press" value="${input.pressToken}">
<button type="submit">${say(`link.submit.${input.mode === 'approve' ? 'approve' : kind}`)}</button>
</form>
<p class="life">${lifeInWords(input.expiresAt, input)}</p>
${input.mode === 'continue' && html`<script nonce="${input.nonce}">${raw(CONTINUE)}</script>`}`
  return {
    html: document(title, body, html`<p>${say('link.notYou')}</p>`, input),
    csp: csp(input, ["'self'", ...policySource(input.redirectOrigin)].join(' '), input.mode === 'continue'),
  }
}

// A page that is drawn before it is looked at (prerendering) waits: nobody has opened it yet.
const CONTINUE = `const go=()=>document.forms[0].submit();
document.prerendering?document.addEventListener('prerenderingchange',go,{once:true}):go()`

/** The page that a press of `approve` answers: one field of two digits, in a form that posts to the same address. */
export function numberPage(input: NumberPageInput): Page {
  const { say } = input.texts
  const title = say('link.number.title')
  const body = html`<h1>${title}</h1>
<p class="who"><bdi>${input.maskedAddress}</bdi></p>
<p class="text">${say('link.number.text')}</p>
<form method="post" action="">
<input type="hidden" name="press" value="${input.pressToken}">
<p><label for="number">${say('link.number.label')}</label><input id="number" name="number" dir="ltr" inputmode="numeric" pattern="\\p{Nd}{2}" maxlength="2" autocomplete="off" required autofocus></p>
<button type="submit">${say('link.number.submit')}</button>
</form>`
  return {
    html: document(title, body, html`<p>${say('link.notYou')}</p>`, input),
    csp: csp(input, "'self'"),
  }
}

/**
 * The page for a link that cannot be pressed: what happened and what to do next. `endedAt` (used, expired) is shown
 * when it is told. `unknown` says nothing about whether there ever was such a link. `requestId` is shown for whoever is
 * asked about it.
 */
export function linkEndPage(
  input: LinkLook & { state: LinkEnd; endedAt?: Date | null; requestId?: string },
): Page {
  const { say } = input.texts
  const { state, endedAt, requestId } = input
  const part = (name: string) => say(`link.ended.${state}.${name}`, { brand: input.brandName ?? '' })
  const isDated = (state === 'used' || state === 'expired') && endedAt
  const body = html`<h1>${part('title')}</h1>
<p class="text">${part('text')}</p>
${isDated && html`<dl>${row(say(`link.${state}At`), moment(endedAt, input))}</dl>`}
<p class="next">${part('next')}</p>`
  const foot = requestId === undefined ? null : html`<p>${say('link.reference', { requestId })}</p>`
  return { html: document(part('title'), body, foot, input), csp: csp(input, "'none'") }
}

function document(title: string, body: Html, foot: Html | null, look: LinkLook): string {
  const { texts } = look
  const support = webAddress(look.supportUrl)
  return render(html`<!doctype html>
<html lang="${texts.locale}" dir="${texts.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style nonce="${look.nonce}">${raw(linkStyle(look.brandColors, look.radius))}</style>
</head>
<body>
<div class="column">
${brandRow(look)}
<main>
${body}
</main>
<footer>
${foot}${support && html`<a href="${support.href}" rel="noreferrer">${texts.say('link.support')}</a>`}
</footer>
</div>
</body>
</html>
`)
}

function brandRow({ brandName, logoUrl }: LinkLook): Html | null {
  if (brandName === null) return null
  const logo = webAddress(logoUrl)
  const mark = logo
    ? html`<img src="${logo.href}" alt="" referrerpolicy="no-referrer">`
    : html`<span class="dot"></span>`
  return html`<header>${mark}<bdi>${brandName}</bdi></header>`
}

function csp(look: LinkLook, formAction: string, hasScript = false): string {
  const logo = webAddress(look.logoUrl)
  const nonce = look.nonce.replace(/[^A-Za-z0-9+/=_-]/g, '')
  return policy({
    ...(hasScript && { script: `'nonce-${nonce}'` }),
    style: `'nonce-${nonce}'`,
    formAction,
    ...(logo && { image: logo.origin }),
  })
}

function row(name: string, value: Html): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

/** "as **a…@example.com**", in the order of the language. */
function asWhom({ maskedAddress, texts }: LinkPageInput): Html {
  const pieces = texts.say('link.as').split(/(\{address\})/)
  return html`${pieces.map(piece =>
    piece === '{address}' ? html`<strong><bdi>${maskedAddress}</bdi></strong>` : html`<span>${piece}</span>`,
  )}`
}

function moment(when: Date, { texts: { locale }, now }: LinkLook): Html {
  const at = when.getTime()
  return html`${ago(at, now.getTime(), locale)}<small><time datetime="${when.toISOString()}">${shortMoment(at, locale)}</time></small>`
}

// Rounded down: a link must not be said to work longer than it does.
function lifeInWords(expiresAt: Date, { now, texts: { locale, say } }: LinkLook): string {
  const minutes = Math.floor((expiresAt.getTime() - now.getTime()) / 60_000)
  if (minutes < 1) return say('link.lifeShort')
  return say('link.life', { duration: durationWords(60_000 * minutes, locale) })
}

function deviceInWords(userAgent: string | null, { say }: PageTexts): string {
  if (!userAgent) return say('link.asked.unknown')
  const { browser, system } = deviceOf(userAgent)
  if (browser && system) return say('link.asked.both', { browser, system })
  return browser ?? system ?? say('link.asked.unknownBrowser')
}

/** `withdrawFunds` as `withdraw funds`: a person should be able to tell what the press confirms. */
function purposeInWords(purpose: string): string {
  return purpose
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[._:-]+/g, ' ')
    .toLowerCase()
}
