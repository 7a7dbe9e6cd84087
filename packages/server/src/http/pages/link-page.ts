import { deviceOf } from '../../core/device.ts'
import { webAddress } from './addresses.ts'
import type { BrandColors } from './colors.ts'
import { policy, policySource } from './headers.ts'
import type { Html } from './html.ts'
import { html, raw, render } from './html.ts'
import { linkStyle } from './link-style.ts'
import type { Lang, LinkEnd, Words } from './words.ts'
import { WORDS } from './words.ts'

/** What both forms of the page need: the operator's look, the language, and a nonce that is new with every answer. */
export interface LinkLook {
  brandName: string
  brandColors: { light: BrandColors; dark: BrandColors }
  radius: number
  logoUrl: string | null
  supportUrl: string | null
  lang: Lang
  /** Base64 or base64url of at least 16 random bytes. */
  nonce: string
  now: Date
}

/** A live link: what it asks, who asked for it, and what the press has to carry. */
export interface LinkPageInput extends LinkLook {
  maskedAddress: string
  tag: string
  purpose: string
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
  const words = WORDS[input.lang]
  const isSignIn = input.purpose === 'signIn'
  const title = isSignIn ? words.signInTo(input.brandName) : words.confirmFor(input.brandName)
  const body = html`<h1>${title}</h1>
<p class="who"><span>${words.as}</span> <strong><bdi>${input.maskedAddress}</bdi></strong></p>
<dl>
${!isSignIn && row(words.askedFor, html`${purposeInWords(input.purpose)}`)}
${row(words.when, moment(input.asked.when, input))}
${row(words.where, html`${browserInWords(input.asked.userAgent, words)}`)}
${row(words.ipAddress, html`<bdi>${input.asked.ipAddress ?? words.unknown}</bdi>`)}
${row(words.tag, html`<span class="tag">${input.tag}</span><small>${words.tagHint}</small>`)}
</dl>
<form method="post" action="">
<input type="hidden" name="press" value="${input.pressToken}">
<button type="submit">${input.mode === 'approve' ? words.approve : isSignIn ? words.signIn : words.confirm}</button>
</form>
<p class="life">${lifeInWords(input.expiresAt, input, words)}</p>
${input.mode === 'continue' && html`<script nonce="${input.nonce}">${raw(CONTINUE)}</script>`}`
  return {
    html: document(title, body, html`<p>${words.notYou}</p>`, input),
    csp: csp(input, ["'self'", ...policySource(input.redirectOrigin)].join(' '), input.mode === 'continue'),
  }
}

// A page that is drawn before it is looked at (prerendering) waits: nobody has opened it yet.
const CONTINUE = `const go=()=>document.forms[0].submit();
document.prerendering?document.addEventListener('prerenderingchange',go,{once:true}):go()`

/** The page that a press of `approve` answers: one field of two digits, in a form that posts to the same address. */
export function numberPage(input: NumberPageInput): Page {
  const { title, text, label, button } = WORDS[input.lang].typeNumber
  const body = html`<h1>${title}</h1>
<p class="who"><bdi>${input.maskedAddress}</bdi></p>
<p class="text">${text}</p>
<form method="post" action="">
<input type="hidden" name="press" value="${input.pressToken}">
<p><label>${label} <input name="number" inputmode="numeric" pattern="[0-9]{2}" maxlength="2" autocomplete="off" required autofocus></label></p>
<button type="submit">${button}</button>
</form>`
  return {
    html: document(title, body, html`<p>${WORDS[input.lang].notYou}</p>`, input),
    csp: csp(input, "'self'"),
  }
}

/**
 * The page for a link that cannot be pressed: what happened and what to do next. `endedAt` (used, expired) is shown
 * when it is told. `unknown` says nothing about whether there ever was such a link.
 */
export function linkEndPage(input: LinkLook & { state: LinkEnd; endedAt?: Date | null }): Page {
  const words = WORDS[input.lang]
  const { state, endedAt } = input
  const { title, text, next } = words.ends[state]
  const isDated = (state === 'used' || state === 'expired') && endedAt
  const body = html`<h1>${title}</h1>
<p class="text">${text}</p>
${isDated && html`<dl>${row(words.endedAt[state], moment(endedAt, input))}</dl>`}
<p class="next">${next(input.brandName)}</p>`
  return { html: document(title, body, null, input), csp: csp(input, "'none'") }
}

function document(title: string, body: Html, foot: Html | null, look: LinkLook): string {
  const words = WORDS[look.lang]
  const support = webAddress(look.supportUrl)
  const logo = webAddress(look.logoUrl)
  return render(html`<!doctype html>
<html lang="${look.lang}">
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
<header>${logo ? html`<img src="${logo.href}" alt="" referrerpolicy="no-referrer">` : html`<span class="dot"></span>`}<span>${look.brandName}</span></header>
<main>
${body}
</main>
<footer>
${foot}${support && html`<a href="${support.href}" rel="noreferrer">${words.support}</a>`}
</footer>
</div>
</body>
</html>
`)
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

function moment(when: Date, { lang, now }: LinkLook): Html {
  const exact = new Intl.DateTimeFormat(lang === 'en' ? 'en-GB' : lang, {
    dateStyle: 'medium',
    timeStyle: 'short',
    timeZone: 'UTC',
  })
  return html`${ago(when, now, lang)}<small><time datetime="${when.toISOString()}">${exact.format(when)} UTC</time></small>`
}

function ago(when: Date, now: Date, lang: Lang): string {
  const seconds = Math.min(0, Math.round((when.getTime() - now.getTime()) / 1000))
  const words = new Intl.RelativeTimeFormat(lang, { numeric: 'auto' })
  if (seconds > -60) return words.format(seconds, 'second')
  if (seconds > -3600) return words.format(Math.ceil(seconds / 60), 'minute')
  if (seconds > -86_400) return words.format(Math.ceil(seconds / 3600), 'hour')
  return words.format(Math.ceil(seconds / 86_400), 'day')
}

// Rounded down: a link must not be said to work longer than it does.
function lifeInWords(expiresAt: Date, { now, lang }: LinkLook, words: Words): string {
  const minutes = Math.floor((expiresAt.getTime() - now.getTime()) / 60_000)
  if (minutes < 1) return words.worksBriefly
  return words.worksFor(
    new Intl.NumberFormat(lang, { style: 'unit', unit: 'minute', unitDisplay: 'long' }).format(minutes),
  )
}

function browserInWords(userAgent: string | null, words: Words): string {
  if (!userAgent) return words.unknown
  const { browser, system } = deviceOf(userAgent)
  if (browser && system) return words.browserOn(browser, system)
  return browser ?? system ?? words.unknownBrowser
}

/** `withdrawFunds` as `withdraw funds`: a person should be able to tell what the press confirms. */
function purposeInWords(purpose: string): string {
  return purpose
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/[._:-]+/g, ' ')
    .toLowerCase()
}
