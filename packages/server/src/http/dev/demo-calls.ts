import type { Html } from '../pages/html.ts'
import { html } from '../pages/html.ts'

/** The three calls behind the demo, as commands with placeholders: the secret key never gets into a page. */
export function callsPanel(apiUrl: string, step: 1 | 2 | 3): Html {
  const calls = [
    ['Send', 'The backend asks Ostiary to prove an address.', send(apiUrl)],
    ['Verify', 'The code comes back: Ostiary answers with a user and a session.', verify(apiUrl)],
    ['Check', 'On later requests: is this session still active?', check(apiUrl)],
  ] as const
  return html`<aside class="calls" aria-labelledby="calls-title">
<h2 id="calls-title">How this works</h2>
<p class="soft">Three calls from the backend. The browser never sees the secret key.</p>
<ol>
${calls.map(
  ([name, text, command], at) => html`<li${at + 1 === step && html` aria-current="step"`}>
<h3><span class="number">${at + 1}</span>${name}</h3>
<p class="soft">${text}</p>
<div class="command"><pre tabindex="0">${command}</pre><button type="button" class="button copy" data-copy hidden>Copy<span class="hidden-text"> the command ${name}</span></button></div>
</li>`,
)}
</ol>
<p class="soft">The demo also sets <code>redirectUrl</code> and <code>codeChallenge</code>, so that the message holds a link that works in this browser only.</p>
</aside>`
}

const HEADERS = `  -H "Authorization: Bearer $OSTIARY_SECRET_KEY" \\
  -H "Content-Type: application/json" \\`

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
