import type { Html } from '../../core/markup.ts'
import { html, render } from '../../core/markup.ts'
import { policy } from '../pages/headers.ts'
import { callsPanel } from './demo-calls.ts'
import type { Note, Pending } from './demo-cookies.ts'
import type { Trouble } from './demo-problems.ts'
import type { SignedIn } from './demo-session.ts'

interface Frame {
  apiUrl: string
  note: Note | null
  trouble: Trouble | null
}

/** The policy of the demo's pages: own files and forms only. */
export const DEMO_POLICY = policy({
  script: "'self'",
  style: "'self'",
  connect: "'self'",
  image: 'data:',
  formAction: "'self'",
})

const NOTES: Record<Note, string> = {
  in: 'Welcome! The backend has redeemed the result that the element brought.',
  new: 'Welcome! Your account was made just now, by the first proof of your address.',
  back: 'Welcome back.',
  out: 'You are signed out. The session was revoked.',
  resent: 'A new message is on its way. The codes before it still work.',
  replaced: 'A new message is on its way. Only the newest code works now.',
}

/** What the element of the first page is told. */
export interface DemoElement {
  key: string
  redirectUrl: string
  state: string
}

/** Step one: the element; without JavaScript, and where a form was refused, a form of the demo's own. */
export function addressPage(input: Frame & { to: string; element: DemoElement | null }): string {
  const { element } = input
  const form = html`<h1>Sign in</h1>
<p class="lead">No password. We send a code and a link to your address.</p>
${!element && saying(input)}
<form method="post" action="/demo/send" class="stack">
<label for="address">E-mail address</label>
<input id="address" name="address" type="email" autocomplete="email" required autofocus value="${input.to}" placeholder="you@example.com"${!element && described(input)}>
<button class="button main" type="submit">Continue</button>
</form>`
  const main = html`${
    element
      ? html`${saying(input)}<ostiary-sign-in key="${element.key}" redirect-url="${element.redirectUrl}" state="${element.state}" locale="en"><div class="plain">${form}</div></ostiary-sign-in>
<script type="module" src="/element/v1.js"></script>`
      : form
  }
<p class="soft aside">Any address works here: this is a test environment, and the message goes to the <a href="/dev/inbox" target="_blank" rel="noopener">dev inbox</a>.</p>`
  return document('Sign in', input, 1, null, main)
}

/** Step two: the code, or the link in the same message. */
export function codePage(input: Frame & { pending: Pending }): string {
  const { pending } = input
  const length = pending.codeLength ?? 6
  const main = html`<h1>Enter the code</h1>
<p class="lead">We sent a message to <strong><bdi>${pending.to}</bdi></strong>. Type the ${length} digits, or press the link in it.</p>
${saying(input)}
<form method="post" action="/demo/verify" class="stack" id="code-form">
<label for="code">Code</label>
<input id="code" name="code" class="digits" type="text" inputmode="numeric" autocomplete="one-time-code" autocapitalize="off" spellcheck="false" required autofocus data-length="${length}"${described(input)}>
<button class="button main" type="submit">Sign in</button>
</form>
<dl class="terms">
<div><dt>Letters</dt><dd><strong class="mono">${pending.tag}</strong> <span class="soft">the message shows the same</span></dd></div>
<div><dt>Works until</dt><dd>${clock(pending.expiresAt, 'left')}</dd></div>
</dl>
<div class="others">
${
  pending.sendsLeft > 0
    ? html`<form method="post" action="/demo/resend"><button class="button" type="submit" data-enabled-at="${pending.resendAt}">Send again</button></form>`
    : html`<p class="soft">No more messages for this code.</p>`
}
<form method="post" action="/demo/start-over"><button class="button" type="submit">Other address</button></form>
</div>
<p class="soft aside">Nothing in your mailbox? It is in the <a href="/dev/inbox#${pending.id}" target="_blank" rel="noopener">dev inbox</a>.</p>`
  return document('Enter the code', input, 2, null, main)
}

/** Step three: what the app knows about the person now. */
export function signedInPage(input: Frame & { signedIn: SignedIn }): string {
  const { user, session, claims, answer } = input.signedIn
  const main = html`<h1>You are signed in</h1>
<p class="lead">This is what Acme Notes knows about you now.</p>
${saying(input)}
<dl class="terms">
${term('Address', html`<bdi>${user.email ?? user.phone ?? 'none'}</bdi>`)}
${term('User', html`<span class="mono">${user.id}</span>`)}
${term('Session', html`<span class="mono">${session.id}</span>`)}
${term('Methods', html`${session.methods.join(', ')} <span class="soft mono">amr ${session.amr.join(' ')}</span>`)}
${term('Signed in at', clock(session.authTime, 'past'))}
${term('Ends', clock(session.expiresAt, 'date'))}
</dl>
<form method="post" action="/demo/sign-out" class="stack"><button class="button" type="submit">Sign out</button></form>`
  const below = html`<section class="card" aria-labelledby="claims-title">
<h2 id="claims-title">Access token</h2>
<p class="soft">The claims of the JWT. Any service can check it without asking Ostiary; the token itself stays in an HttpOnly cookie.</p>
<dl class="claims">${Object.entries(claims).map(([name, value]) => claim(name, value))}</dl>
<details><summary>What the backend got from Ostiary</summary><pre tabindex="0">${JSON.stringify(answer, null, 2)}</pre></details>
</section>`
  return document('Signed in', input, 3, below, main)
}

function document(title: string, { apiUrl }: Frame, step: 1 | 2 | 3, below: Html | null, main: Html): string {
  return render(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title} · Acme Notes</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230b6b5d'/%3E%3Cpath d='M4 5h8M4 8h8M4 11h5' stroke='%23fff' stroke-width='1.5'/%3E%3C/svg%3E">
<link rel="stylesheet" href="/demo/demo.css">
<script type="module" src="/demo/demo.js"></script>
</head>
<body data-step="${step}">
<header class="top">
<p class="name"><span class="sign" aria-hidden="true"></span>Acme Notes <span class="badge">example app</span></p>
<p><a class="home" href="/dev/inbox" target="_blank" rel="noopener">Dev inbox</a></p>
</header>
<div class="page">
<div class="column">
<main class="card">${main}</main>
${below}
</div>
${callsPanel(apiUrl, step)}
</div>
<p class="hidden-text" id="announce" role="status"></p>
</body>
</html>
`)
}

function saying({ note, trouble }: Frame): Html | null {
  if (trouble) {
    const { status, code, requestId } = trouble.problem ?? {}
    const trail = [status, code, requestId].filter(Boolean).join(' · ')
    return html`<div class="trouble" id="trouble" role="alert"><p><strong>${trouble.title}</strong></p><p>${trouble.text}</p>${trail && html`<p class="mono trail">${trail}</p>`}</div>`
  }
  return note && html`<p class="note" role="status">${NOTES[note]}</p>`
}

function described({ trouble }: Frame): Html | null {
  const isWrong = ['invalid_request', 'destination_not_allowed', 'code_incorrect'].includes(
    trouble?.problem?.code ?? '',
  )
  return trouble && html` aria-describedby="trouble"${isWrong && html` aria-invalid="true"`}`
}

function term(name: string, value: Html): Html {
  return html`<div><dt>${name}</dt><dd>${value}</dd></div>`
}

// In UTC without JavaScript; the script puts local time and a countdown in its place.
function clock(instant: string, kind: 'left' | 'past' | 'date'): Html {
  return html`<time datetime="${instant}" data-kind="${kind}">${instant.replace('T', ' ').replace(/(\.\d+)?Z$/, ' UTC')}</time>`
}

function claim(name: string, value: unknown): Html {
  const isInstant = ['iat', 'exp', 'auth_time', 'nbf'].includes(name) && typeof value === 'number'
  const words =
    isInstant && html` <span class="soft">${clock(new Date(value * 1000).toISOString(), 'date')}</span>`
  return html`<div><dt class="mono">${name}</dt><dd><span class="mono">${typeof value === 'string' ? value : JSON.stringify(value)}</span>${words}</dd></div>`
}
