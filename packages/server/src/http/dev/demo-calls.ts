import type { Html } from '../../core/markup.ts'
import { html } from '../../core/markup.ts'

/** What an app does, as markup and commands with placeholders: the secret key never gets into a page. */
export function callsPanel(apiUrl: string, step: 1 | 2 | 3): Html {
  const calls = [
    ['Show', 'The page holds the element, which does the whole conversation.', show(apiUrl)],
    [
      'Validate',
      'Its result comes to the backend: Ostiary answers with a user and a session.',
      validate(apiUrl),
    ],
    ['Check', 'On later requests: is this session still active?', check(apiUrl)],
  ] as const
  return html`<aside class="calls" aria-labelledby="calls-title">
<h2 id="calls-title">How this works</h2>
<p class="soft">One tag in the page, and two calls from the backend. The browser never sees the secret key.</p>
<ol>
${calls.map(
  ([name, text, command], at) => html`<li${at + 1 === step && html` aria-current="step"`}>
<h3><span class="number">${at + 1}</span>${name}</h3>
<p class="soft">${text}</p>
<div class="command"><pre tabindex="0">${command}</pre><button type="button" class="button copy" data-copy hidden>Copy<span class="hidden-text"> the command ${name}</span></button></div>
</li>`,
)}
</ol>
<details><summary>Your own form instead: the same by two calls</summary>
<div class="command"><pre tabindex="0">${send(apiUrl)}</pre></div>
<div class="command"><pre tabindex="0">${verify(apiUrl)}</pre></div>
<p class="soft">Without JavaScript this demo does it so. It also sets <code>redirectUrl</code> and <code>codeChallenge</code>, so that the message holds a link that works in this browser only.</p>
</details>
</aside>`
}

const HEADERS = `  -H "Authorization: Bearer $OSTIARY_SECRET_KEY" \\
  -H "Content-Type: application/json" \\`

function show(apiUrl: string): string {
  return `<script type="module" src="${apiUrl}/element/v1.js"></script>
<ostiary-sign-in key="opk_…"
  redirect-url="https://app.example/back"></ostiary-sign-in>`
}

function validate(apiUrl: string): string {
  return `curl ${apiUrl}/v1/actions/validate \\
${HEADERS}
  -d '{"token": "oht_…", "action": "signIn"}'`
}

function send(apiUrl: string): string {
  return `curl ${apiUrl}/v1/challenges \\
${HEADERS}
  -d '{"to": "you@example.com"}'`
}

function verify(apiUrl: string): string {
  return `curl ${apiUrl}/v1/challenges/chl_…/verify \\
${HEADERS}
  -d '{"code": "123456"}'`
}

function check(apiUrl: string): string {
  return `curl ${apiUrl}/v1/sessions/verify \\
${HEADERS}
  -d '{"accessToken": "eyJ…"}'`
}
