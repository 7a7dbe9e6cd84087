/** The sources a page may use besides its own; whatever is not named stays forbidden. */
export interface PagePolicy {
  script?: string
  style?: string
  image?: string
  connect?: string
  frame?: string
  formAction?: string
}

/** A Content-Security-Policy that starts from nothing (CSP level 3). */
export function policy(allowed: PagePolicy): string {
  const directives = ["default-src 'none'"]
  const add = (name: string, sources: string | undefined) => sources && directives.push(`${name} ${sources}`)
  add('script-src', allowed.script)
  add('style-src', allowed.style)
  add('img-src', allowed.image)
  add('connect-src', allowed.connect)
  add('frame-src', allowed.frame)
  // form-action does not fall back to default-src: it has to be said.
  add('form-action', allowed.formAction ?? "'none'")
  directives.push("frame-ancestors 'none'", "base-uri 'none'", "object-src 'none'")
  return directives.join('; ')
}

/** An origin (or `scheme:`) as a source. One that could end the directive or add another is left out: it fails closed. */
export function policySource(origin: string): string[] {
  return /^[a-z][a-z0-9+.-]*:(\/\/[a-z0-9.:[\]-]+)?$/i.test(origin) ? [origin] : []
}

/**
 * The headers of every page that this server shows to a person. A page in a popup (`hasOpener`) keeps the window that opened
 * it; any other is out of reach of whoever did.
 */
export function pageHeaders(csp: string, hasOpener = false): Record<string, string> {
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': csp,
    'Cache-Control': 'no-store',
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': hasOpener ? 'unsafe-none' : 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
  }
}
