import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import type { Random } from '../../core/ports.ts'
import { readBytes } from '../body.ts'

/** Tells one browser from another on our own pages, and proves that a form is ours where the browser does not say so. */
const COOKIE = '__Host-ostiary-press'

/** What tells this browser from others, or null before it has seen a page of ours. */
export const pressCookie = (c: Context): string | null => getCookie(c, COOKIE) ?? null

/** The value for the hidden field `press` of a form, which comes back in the cookie as well. */
export function pressToken(c: Context, random: Random): string {
  const token = getCookie(c, COOKIE) ?? random.bytes(32).toString('base64url')
  setCookie(c, COOKIE, token, { path: '/', secure: true, httpOnly: true, sameSite: 'Strict', maxAge: 3600 })
  return token
}

/**
 * Whether a form came from our page, not from one that another site submitted: the browser says so itself, or it has
 * the cookie that only our page sets and the hidden field that only our page knows (PROTOCOL section 3).
 */
export function isOwnForm(c: Context, form: URLSearchParams | null): boolean {
  const site = c.req.header('sec-fetch-site')
  if (site !== undefined) return site === 'same-origin'
  const cookie = getCookie(c, COOKIE)
  return Boolean(cookie) && form?.get('press') === cookie
}

/** The fields of the form, or null for a body of another kind. */
export async function readForm(c: Context): Promise<URLSearchParams | null> {
  const type = c.req.header('content-type')?.split(';')[0]
  if (type !== 'application/x-www-form-urlencoded') return null
  return new URLSearchParams((await readBytes(c.req.raw)).toString())
}
