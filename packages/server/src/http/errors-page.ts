import { createHash } from 'node:crypto'
import { ERRORS, type ErrorCode } from '../core/errors.ts'
import { html, raw, render } from '../core/markup.ts'
import { WHAT_TO_DO } from './error-guide.ts'
import { pageHeaders, policy } from './pages/headers.ts'

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:46rem;margin:0 auto;padding:2.5rem 1.25rem 6rem}
h1{font-size:1.75rem;line-height:1.2}h2{font-size:1rem;margin:2.25rem 0 .25rem}h2 code{font-size:1.05rem}h2 span{font-weight:400;opacity:.7;margin-left:.5rem}
p{margin:.25rem 0}:target code{outline:2px solid Highlight;outline-offset:.3rem;border-radius:.2rem}a{color:inherit}`

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64')

/** `/docs/errors`: one anchor for each code, to which the `type` of every problem leads. */
export function errorsPage(): Response {
  const entries = (Object.entries(ERRORS) as [ErrorCode, readonly [number, string]][]).map(
    ([
      code,
      [status, title],
    ]) => html`<section id="${code}"><h2><code>${code}</code><span>${String(status)}</span></h2>
<p>${title}.</p><p>${WHAT_TO_DO[code]}</p></section>`,
  )
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors · Ostiary</title><style>${raw(STYLE)}</style></head>
<body><main><h1>Errors</h1>
<p>Every refusal is <code>application/problem+json</code> (RFC 9457). Decide by <code>code</code>; <code>detail</code> is for people, and <code>requestId</code> finds the request in the log.</p>
${entries}</main></body></html>`
  return new Response(render(page), {
    headers: { ...pageHeaders(policy({ style: `'sha256-${STYLE_HASH}'` })) },
  })
}
