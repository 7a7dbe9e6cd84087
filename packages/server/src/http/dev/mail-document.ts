/**
 * The policy of a mail shown in the inbox. `sandbox` makes it a foreign origin without script or forms, also when it is
 * opened by its own address. Pages opened from it leave the sandbox: a link page has to work as it does from a real
 * mail program.
 */
export const MAIL_POLICY = [
  "default-src 'none'",
  "style-src 'unsafe-inline'",
  'img-src data: https:',
  "form-action 'none'",
  "base-uri 'none'",
  "frame-ancestors 'self'",
  'sandbox allow-popups allow-popups-to-escape-sandbox',
].join('; ')

/** The HTML part with its links led to new tabs: a link page refuses to be framed. */
export function mailDocument(mail: string): string {
  const base = '<base target="_blank">'
  const head = /<head(\s[^>]*)?>/i
  // Without a head, the element goes to the end: before the markup it would push the doctype aside.
  return head.test(mail) ? mail.replace(head, tag => tag + base) : mail + base
}
