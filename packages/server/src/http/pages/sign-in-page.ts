import type { Step } from '../../core/actions/state.ts'
import type { Html } from '../../core/markup.ts'
import { html, raw, render } from '../../core/markup.ts'
import type { SentMethodName } from '../../core/methods/method.ts'
import type { Settings } from '../../core/settings/settings.ts'
import { REMEMBER_COOKIE } from '../client/device-cookie.ts'
import { webAddress } from './addresses.ts'
import { policy, policySource } from './headers.ts'
import type { Page } from './link-page.ts'
import type { PageTexts } from './page-texts.ts'
import { POPUP } from './popup.ts'
import { signInStyle } from './sign-in-style.ts'

/** The operator's look, the language, and a nonce that is new with every answer. */
export interface SignInLook {
  /** Null where nobody knows whose page it is. */
  settings: Settings | null
  texts: PageTexts
  theme: 'light' | 'dark' | null
  /** Base64url of at least 16 random bytes. */
  nonce: string
}

/** What the forms without JavaScript show: the step as the server holds it. */
export interface PlainStep {
  step: Step
  /** Those that are left for this action, of those that send something: a passkey takes a script. */
  methods: readonly SentMethodName[]
  /** One proof is given, and another is asked for. */
  isOneProven: boolean
  /** What the app says that the person agrees to. */
  intent: string | null
  /** As this browser typed it, or the app's hint. */
  address: string
  /** The action that the forms are about; null: they begin one. */
  actionId: string | null
  /** The app's backend named it: there is no other. */
  isAddressFixed: boolean
  challenge: {
    codeLength: number | null
    tag: string
    /** How long it works still; 0 for one that is over. */
    leftMs: number
    number: string | null
    method: SentMethodName
  } | null
  /** What was refused: below the field, or above it where it is not about what was typed. */
  error: string | null
  trouble: string | null
  notice: string | null
  /** Why it ended, as a pair of texts: for the step `ended`. */
  ending: { title: string; text: string }
  /** The app hears how it ended, or that it waits. */
  leadsBack: boolean
  isCancelable: boolean
  /** There is a key to begin with again. */
  canBeginAnew: boolean
  /** Sent back in the form field `press`. */
  pressToken: string
}

/** The element of this page: its attributes, and the version under which browsers keep it. */
export interface SignInElement {
  version: string
  attributes: Readonly<Record<string, string | null>>
}

/**
 * The page of `GET /sign-in`: the element, and in its place, until it is there or without JavaScript, plain forms that post to
 * the page's own address. Looking at it changes nothing.
 */
export function signInPage(
  look: SignInLook,
  element: SignInElement | null,
  plain: PlainStep,
  redirectUrl: string | null,
): Page {
  const { nonce, texts, settings } = look
  const title = texts.say('signIn.title', { brand: settings?.brand.name ?? '' })
  const card = html`<div class="card">${brandRow(look)}${stepBody(look, plain)}</div>`
  const body = element
    ? html`<ostiary-sign-in${attributes(element.attributes)} autofocus>${card}</ostiary-sign-in>
${askToRemember(
  look,
  html`<label class="remember" hidden><input type="checkbox" id="remember"> ${texts.say('signIn.remember')}</label>
<script nonce="${nonce}">${raw(DEVICE_CHOICE)}</script>`,
)}
${element.attributes['data-popup'] && html`<script nonce="${nonce}">${raw(POPUP)}</script>`}
<script nonce="${nonce}" type="module" src="/element/v1.js?v=${element.version}"></script>`
    : card
  const head = element && html`<script nonce="${nonce}">${raw(AWAIT_ELEMENT + KEEP_ACTION)}</script>`
  return {
    html: document(title, look, body, head),
    csp: csp(look, {
      hasScript: element !== null,
      formAction: ["'self'", ...(redirectUrl === null ? [] : formTarget(redirectUrl))].join(' '),
    }),
  }
}

/** A page that leads nowhere: what is wrong, for the person; the code and the reference, for whoever is asked about it. */
export function signInErrorPage(look: SignInLook, { text, trail }: { text: string; trail: string }): Page {
  const title = look.texts.say('signIn.trouble.title')
  const body = html`<div class="card">${brandRow(look)}<h1>${title}</h1><p class="lead">${text}</p><p class="reference">${trail}</p></div>`
  return {
    html: document(title, look, body, null),
    csp: csp(look, { hasScript: false, formAction: "'none'" }),
  }
}

/**
 * The page of `GET /a/{opening token}`: inert. Its form trades the token for the cookie; its script presses the button, which
 * is all there is without JavaScript. It shows whose it is only where the token still opens something.
 */
export function openingPage(look: SignInLook, pressToken: string): Page {
  const title = look.texts.say('signIn.starting')
  const body = html`<div class="card">${brandRow(look)}<h1>${title}</h1>
<form method="post" action="" class="main-form"><input type="hidden" name="press" value="${pressToken}"><button type="submit">${look.texts.say('signIn.identify.submit')}</button></form></div>
<script nonce="${look.nonce}">${raw(PRESS)}</script>`
  return {
    html: document(title, look, body, null),
    csp: csp(look, { hasScript: true, formAction: "'self'" }),
  }
}

// A script that cannot be loaded, or fails before there is an element, leaves the plain form to be used.
const AWAIT_ELEMENT = `if('noModule' in HTMLScriptElement.prototype){const root=document.documentElement;root.classList.add('js');
addEventListener('error',()=>{if(!customElements.get('ostiary-sign-in'))root.classList.remove('js')},true)}`

// The address names the action, so that a reload, or a tab that was put to sleep, goes on with its own.
const KEEP_ACTION = `
addEventListener('step',event=>{const id=event.target.actionId,url=new URL(location.href);
if(id&&url.searchParams.get('action')!==id){url.searchParams.set('action',id);history.replaceState(history.state,'',url)}})`

// The server reads the cookie where the device is noted. It stands for one sign-in: the next person is asked anew.
const DEVICE_CHOICE = `const box=document.getElementById('remember'),keep=value=>{document.cookie='${REMEMBER_COOKIE}='+value+'; Path=/; Secure; SameSite=Strict'};
box.checked=document.cookie.includes('${REMEMBER_COOKIE}=1');
box.addEventListener('change',()=>keep(box.checked?'1; Max-Age=3600':'; Max-Age=0'));
addEventListener('step',event=>{box.parentElement.hidden=!['identify','method','code','link','approve'].includes(event.detail.name)});
addEventListener('success',()=>keep('; Max-Age=0'))`

/** The question, where the settings say that people are asked. */
const askToRemember = ({ settings }: SignInLook, question: Html): Html | null =>
  settings?.device.askToRemember ? question : null

// A page that is drawn before it is looked at (prerendering) waits: nobody has opened it yet.
const PRESS = `const go=()=>document.forms[0].submit();
document.prerendering?document.addEventListener('prerenderingchange',go,{once:true}):go()`

export function document(
  title: string,
  look: SignInLook,
  body: Html,
  head: Html | null,
  kind: 'account' | null = null,
): string {
  const { texts, theme, settings, nonce } = look
  return render(html`<!doctype html>
<html lang="${texts.locale}" dir="${texts.direction}"${theme && html` data-theme="${theme}"`}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="${theme ?? 'light dark'}">
<title>${title}</title>
<style nonce="${nonce}">${raw(signInStyle(settings?.brand ?? null))}</style>
${head}
</head>
<body${kind && html` class="${kind}"`}>
<main>
${body}
</main>
</body>
</html>
`)
}

export function attributes(all: SignInElement['attributes']): Html[] {
  return Object.entries(all)
    .filter(([, value]) => value !== null)
    .map(([name, value]) => html` ${name}="${value}"`)
}

function brandRow({ settings }: SignInLook): Html | null {
  if (!settings) return null
  const logo = webAddress(settings.brand.logoUrl)
  const mark = logo
    ? html`<img src="${logo.href}" alt="" referrerpolicy="no-referrer">`
    : html`<span class="dot"></span>`
  return html`<p class="brand">${mark}<bdi>${settings.brand.name}</bdi></p>`
}

function stepBody(look: SignInLook, plain: PlainStep): Html {
  const { say } = look.texts
  const { title, lead } = headOf(look, plain)
  return html`<h1>${title}</h1>${plain.intent !== null && html`<p class="intent"><b><bdi>${plain.intent}</bdi></b></p>`}${lead && html`<p class="lead">${lead}</p>`}
${plain.trouble && html`<p class="trouble" role="alert">${plain.trouble}</p>`}
${plain.notice && html`<p class="lead" role="status">${plain.notice}</p>`}
${BODIES[plain.step](look, plain)}
${more(look, plain)}
${(plain.step === 'code' || plain.step === 'link') && html`<p class="reference">${say('signIn.help.spam')}</p>`}`
}

function headOf(
  { texts: { say }, settings }: SignInLook,
  plain: PlainStep,
): { title: string; lead: string | null } {
  const values = { brand: settings?.brand.name ?? '', address: plain.address }
  const texts = (title: string, lead: string) => ({ title: say(title, values), lead: say(lead, values) })
  switch (plain.step) {
    case 'identify':
      return texts('signIn.title', 'signIn.identify.lead')
    case 'method':
      return texts(
        'signIn.method.title',
        `signIn.method.${plain.methods.length === 0 ? 'none' : plain.isOneProven ? 'more' : 'lead'}`,
      )
    case 'review':
      return texts('signIn.review.title', 'signIn.review.lead')
    case 'code':
      return texts('signIn.code.title', 'signIn.code.lead')
    case 'link':
      return texts('signIn.link.title', 'signIn.link.lead')
    case 'approve':
      return texts('signIn.approve.title', 'signIn.approve.lead')
    case 'enroll':
      return texts('signIn.enroll.title', 'signIn.enroll.lead')
    case 'offer':
    case 'done':
      return { title: say('signIn.done.title'), lead: null }
    case 'ended':
      return texts(plain.ending.title, plain.ending.text)
  }
}

const BODIES: Record<Step, (look: SignInLook, plain: PlainStep) => Html> = {
  identify: ({ texts: { say } }, plain) =>
    html`<form method="post" action="" class="main-form">${hidden(plain)}
<label for="to">${say('signIn.identify.label')}</label>
<input id="to" name="to" type="email" inputmode="email" dir="ltr" autocomplete="username webauthn" autocapitalize="off" spellcheck="false" maxlength="254" required value="${plain.address}"${invalid(plain)}>
${errorLine(plain)}
<button name="act" value="identify">${say('signIn.identify.submit')}</button></form>`,
  method: ({ texts: { say } }, plain) =>
    html`<form method="post" action="" class="main-form options">${hidden(plain)}<input type="hidden" name="act" value="send">
${plain.methods.map(
  method =>
    html`<button name="method" value="${method}">${say(METHOD_TEXTS[method])}<small>${say(`${METHOD_TEXTS[method]}Hint`)}</small></button>`,
)}</form>`,
  code: codeForm,
  link: (look, plain) =>
    isDead(plain)
      ? again(look, plain)
      : html`${facts(look, plain)}${act(plain, 'finish', look.texts.say('signIn.identify.submit'))}`,
  approve: (look, plain) =>
    html`<output class="number" dir="ltr">${plain.challenge?.number}</output>
<p class="lead">${look.texts.say('signIn.approve.caution')}</p>
${act(plain, 'finish', look.texts.say('signIn.identify.submit'))}`,
  // A passkey takes a script: without one there is no way on here, and the offer is skipped.
  enroll: ({ texts: { say } }) =>
    html`<p class="trouble" role="alert">${say('signIn.enroll.impossible')}</p>`,
  offer: (look, plain) => act(plain, 'finish', look.texts.say('signIn.identify.submit')),
  done: (look, plain) => act(plain, 'finish', look.texts.say('signIn.identify.submit')),
  // Looks again: without JavaScript nothing tells this page of the decision.
  review: (look, plain) =>
    html`${act(plain, 'restart', look.texts.say('signIn.identify.submit'))}${wayBack(look, plain)}`,
  ended: (look, plain) =>
    html`${plain.canBeginAnew && act(plain, 'restart', look.texts.say('signIn.again'))}${wayBack(look, plain)}`,
}

const METHOD_TEXTS: Record<SentMethodName, string> = {
  emailCode: 'signIn.method.code',
  emailLink: 'signIn.method.link',
}

const wayBack = ({ texts }: SignInLook, plain: PlainStep): Html | null =>
  plain.leadsBack ? html`<div class="back">${act(plain, 'leave', texts.say('signIn.back'))}</div>` : null

function codeForm(look: SignInLook, plain: PlainStep): Html {
  const { say } = look.texts
  if (isDead(plain)) return again(look, plain)
  const length = plain.challenge?.codeLength ?? 6
  return html`<form method="post" action="" class="main-form">${hidden(plain)}
<label for="code">${say('signIn.code.label', { length })}</label>
<input id="code" class="digits" name="code" type="text" inputmode="numeric" dir="ltr" autocomplete="one-time-code" autocapitalize="off" spellcheck="false" required autofocus${invalid(plain)}>
${errorLine(plain)}
${facts(look, plain)}
${askToRemember(look, html`<label class="remember"><input type="checkbox" name="remember" value="1"> ${say('signIn.remember')}</label>`)}
<button name="act" value="verify">${say('signIn.code.submit')}</button></form>`
}

/** A new message of the same kind, where the last one is over. */
function again({ texts: { say } }: SignInLook, plain: PlainStep): Html {
  const isLink = plain.challenge?.method === 'emailLink'
  return html`<p class="trouble" role="alert">${plain.error ?? say(isLink ? 'signIn.link.expired' : 'signIn.code.expired')}</p>
${act(plain, 'resend', say(isLink ? 'signIn.resend.link' : 'signIn.resend.code'))}`
}

function facts({ texts }: SignInLook, { challenge }: PlainStep): Html | null {
  return (
    challenge &&
    html`<div class="facts"><p>${texts.say('signIn.tag', { tag: challenge.tag })}</p><p>${texts.say('signIn.code.life', { duration: texts.minutes(challenge.leftMs) })}</p></div>`
  )
}

/** Below the line: other ways, and the way out. */
function more({ texts: { say }, settings }: SignInLook, plain: PlainStep): Html | null {
  const support = webAddress(settings?.brand.supportUrl ?? null)
  const isOut = plain.step === 'code' || plain.step === 'link'
  const resend = plain.challenge?.method === 'emailLink' ? 'signIn.resend.link' : 'signIn.resend.code'
  const acts = [
    isOut && !isDead(plain) && act(plain, 'resend', say(resend)),
    (isOut || plain.step === 'method') &&
      !plain.isAddressFixed &&
      act(plain, 'other', say('signIn.other.address')),
    isOut && plain.methods.length > 1 && act(plain, 'otherMethod', say('signIn.other.method')),
    plain.isCancelable &&
      !['ended', 'done', 'review'].includes(plain.step) &&
      act(plain, 'cancel', say('signIn.cancel')),
    support && html`<a href="${support.href}" rel="noreferrer">${say('signIn.support')}</a>`,
  ].filter(one => one !== false && one !== null)
  return acts.length === 0 ? null : html`<div class="more">${acts}</div>`
}

function act(plain: PlainStep, name: string, label: string): Html {
  return html`<form method="post" action="">${hidden(plain)}<button name="act" value="${name}">${label}</button></form>`
}

const isDead = ({ challenge }: PlainStep) => challenge === null || challenge.leftMs <= 0

const hidden = ({ pressToken, actionId }: PlainStep) =>
  html`<input type="hidden" name="press" value="${pressToken}"><input type="hidden" name="actionId" value="${actionId}">`

const invalid = ({ error }: PlainStep) =>
  error !== null && html` aria-invalid="true" aria-describedby="error"`

const errorLine = ({ error }: PlainStep) =>
  error !== null && html`<p class="error" id="error" role="alert">${error}</p>`

function csp(
  look: SignInLook,
  { hasScript, formAction }: { hasScript: boolean; formAction: string },
): string {
  const logo = webAddress(look.settings?.brand.logoUrl ?? null)
  return policy({
    ...(hasScript && { script: `'nonce-${look.nonce}'`, connect: "'self'" }),
    style: `'nonce-${look.nonce}'`,
    formAction,
    ...(logo && { image: logo.origin }),
  })
}

function formTarget(redirectUrl: string): string[] {
  const url = URL.parse(redirectUrl)
  return url === null ? [] : policySource(url.origin === 'null' ? url.protocol : url.origin)
}
