import { domainToASCII } from 'node:url'

/** An e-mail address in two forms: `identity` decides who is who, `spelling` is where mail goes once it was proven. */
export interface EmailAddress {
  identity: string
  spelling: string
  domain: string
}

// RFC 5321 dot-atom in ASCII. Quoted local parts, comments, groups, display names and IP literals have no place here:
// every parser reads them differently, and mail then goes to another mailbox than the one that was judged.
const LOCAL = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i
const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/
// What WHATWG's domain parser would quietly map away or take apart is refused before it is asked.
const DOMAIN_INPUT = /^[^\s@/:?#[\]\\%<>^|\p{Cc}\p{Cf}]+$/u

/**
 * Reads one e-mail address by the rules of PROTOCOL section 1: NFC, then checked; IDNA A-label domain; lower case for
 * identity; dots and plus tags left alone; at most 64 octets before the @ and 254 in all (RFC 5321 4.5.3.1).
 * Non-ASCII local parts are refused: they need SMTPUTF8 all the way. Null when it is not such an address.
 */
export function parseEmail(text: string): EmailAddress | null {
  if (text.length > 320) return null
  const input = text.normalize('NFC')
  const at = input.indexOf('@')
  if (at < 1 || at !== input.lastIndexOf('@')) return null
  const local = input.slice(0, at)
  const domainInput = input.slice(at + 1)
  if (local.length > 64 || !LOCAL.test(local) || !DOMAIN_INPUT.test(domainInput)) return null
  const domain = domainToASCII(domainInput)
  const labels = domain.split('.')
  if (labels.length < 2 || !labels.every(label => LABEL.test(label)) || /^\d+$/.test(labels.at(-1) ?? ''))
    return null
  const spelling = `${local}@${domain}`
  if (spelling.length > 254) return null
  return { identity: spelling.toLowerCase(), spelling, domain }
}

/** `j***@example.com`: enough to recognise one's own address, too little to learn somebody else's. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@')
  return `${address.slice(0, 1)}***${address.slice(at)}`
}
