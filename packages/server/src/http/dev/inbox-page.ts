import { html, render } from '../../core/markup.ts'
import { policy } from '../pages/headers.ts'

/** The policy of the inbox: own script, style, data and the frame of the mail, nothing else. */
export const INBOX_POLICY = policy({
  script: "'self'",
  style: "'self'",
  connect: "'self'",
  frame: "'self'",
  image: 'data:',
})

const TRY_IT = `curl ORIGIN/v1/challenges \\
  -H "Authorization: Bearer $OSTIARY_SECRET_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{"to": "you@example.com"}'`

/** The frame of the inbox; its script fills in the messages, as text and never as markup. */
export function inboxPage(): string {
  return render(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>Dev inbox</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230b6b5d'/%3E%3Cpath d='M3.5 5l4.5 3.5L12.5 5v6h-9z' fill='%23fff'/%3E%3C/svg%3E">
<link rel="stylesheet" href="/dev/inbox/inbox.css">
<script type="module" src="/dev/inbox/inbox.js"></script>
</head>
<body>
<aside class="banner" aria-label="Environment"><p><strong>Test environment: nothing leaves this machine</strong>, except to your <code>testRecipients</code>.</p></aside>
<header class="top">
<h1>Dev inbox</h1>
<p class="state" id="state" role="status"><span class="dot"></span><span id="state-text">Connecting</span></p>
<p class="aside"><a class="home" href="/">Demo app</a></p>
</header>
<main id="main">
<noscript><p class="blank">The inbox needs JavaScript. Without it: <a href="/dev/inbox/messages">the messages as JSON</a>.</p></noscript>

<section class="blank" id="blank" aria-labelledby="blank-title" hidden>
<h2 id="blank-title">No message yet</h2>
<p>Ask for one, and it shows up here by itself. Any address will do: nothing is really sent.</p>
<pre id="try-it" tabindex="0">${TRY_IT}</pre>
<p class="actions"><button class="button" type="button" id="copy-try-it">Copy command</button><a class="button main" href="/">Try the demo app</a></p>
<p class="soft">The secret key stands in the terminal in which the server runs.</p>
</section>

<nav class="list" id="list-area" aria-label="Messages" hidden>
<ul id="list"></ul>
<p class="hint soft"><kbd>↑</kbd> <kbd>↓</kbd> to move, <kbd>c</kbd> copies the code</p>
</nav>

<article class="detail" id="detail" aria-labelledby="subject" tabindex="-1" hidden>
<a class="back" href="#">All messages</a>
<h2 id="subject"></h2>
<dl class="facts">
<div><dt>To</dt><dd id="to"></dd></div>
<div><dt>From</dt><dd id="from"></dd></div>
<div><dt>Time</dt><dd id="time"></dd></div>
<div><dt>Status</dt><dd id="status"></dd></div>
<div><dt>Tag</dt><dd><span class="mono" id="tag"></span></dd></div>
<div><dt>Challenge</dt><dd><span class="mono" id="challenge"></span></dd></div>
</dl>
<div class="proofs">
<button type="button" class="code" id="code"><span class="digits" id="digits"></span><span class="say" id="code-say">Click to copy</span></button>
<div class="link" id="link-area">
<p class="mono" id="link"></p>
<p class="actions"><a class="button main" id="open-link" target="_blank" rel="noopener noreferrer">Open link</a><button type="button" class="button" id="copy-link">Copy link</button></p>
</div>
</div>
<div class="tabs" role="tablist" aria-label="Form of the message">
<button type="button" role="tab" id="tab-html" aria-controls="panel-html">Rendered</button>
<button type="button" role="tab" id="tab-text" aria-controls="panel-text">Text</button>
<button type="button" role="tab" id="tab-source" aria-controls="panel-source">Source</button>
</div>
<div role="tabpanel" id="panel-html" aria-labelledby="tab-html"><iframe id="frame" title="The message as a mail program shows it" sandbox="allow-popups allow-popups-to-escape-sandbox" referrerpolicy="no-referrer"></iframe></div>
<div role="tabpanel" id="panel-text" aria-labelledby="tab-text" tabindex="0"><pre id="text"></pre></div>
<div role="tabpanel" id="panel-source" aria-labelledby="tab-source" tabindex="0"><pre id="source"></pre></div>
</article>
</main>
<p class="hidden-text" id="announce" role="status"></p>
</body>
</html>
`)
}
