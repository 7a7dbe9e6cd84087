import { readFileSync } from 'node:fs'
import type { Context, Handler } from 'hono'

const TYPES = { css: 'text/css; charset=utf-8', js: 'text/javascript; charset=utf-8' }

/** Serves files that lie beside this module, joined in this order. Read once: they are part of the program. */
export function asset(type: keyof typeof TYPES, ...files: string[]): Handler {
  const text = files.map(file => readFileSync(new URL(file, import.meta.url), 'utf8')).join('\n')
  return (c: Context) =>
    c.body(text, 200, {
      'Content-Type': TYPES[type],
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'Cross-Origin-Resource-Policy': 'same-origin',
    })
}
