import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import type { InboxDeps, InboxMessage } from '../../src/http/dev/inbox.ts'
import { devInbox } from '../../src/http/dev/inbox.ts'

const message: InboxMessage = {
  id: 'msg_01kamr0001e8fbhtzq3vw5xj7p',
  challengeId: 'chl_01kamr0001e8fbhtzq3vw5xj7p',
  channel: 'email',
  to: 'jane@example.com',
  from: 'Acme Notes <no-reply@localhost>',
  subject: '123456 is your code',
  text: '123456',
  html: '<!doctype html><html><head lang="en"><title>x</title></head><body><a href="https://a.example">x</a></body></html>',
  source: 'Subject: 123456 is your code',
  code: '123456',
  link: 'http://localhost:4545/l/olk_x',
  tag: 'KFR',
  status: 'sent',
  reply: null,
  createdAt: '2026-11-21T10:00:00.000Z',
  sentAt: '2026-11-21T10:00:01.000Z',
}

function inbox(stored: InboxMessage[] = [message]) {
  const asked: Parameters<InboxDeps['listMessages']>[0][] = []
  const app = new Hono().route(
    '/dev/inbox',
    devInbox({
      listMessages: async input => {
        asked.push(input)
        return stored
      },
      findMessage: async id => stored.find(one => one.id === id) ?? null,
    }),
  )
  return { asked, get: (path: string) => app.request(`/dev/inbox${path}`) }
}

describe('the page', () => {
  it('says that this is a test environment and teaches the first call', async () => {
    const page = await (await inbox().get('')).text()
    expect(page).toContain('Test environment: nothing leaves this machine')
    expect(page).toContain('/v1/challenges')
    expect(page).toContain('$OSTIARY_SECRET_KEY')
  })

  it('runs its own script only, in no frame, and is not kept', async () => {
    const { headers } = await inbox().get('')
    const csp = headers.get('content-security-policy')
    for (const part of [
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "base-uri 'none'",
    ]) {
      expect(csp).toContain(part)
    }
    expect(csp).not.toContain('unsafe')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin')
  })

  it('has no inline script, style or handler, and every file it names is there', async () => {
    const { get } = inbox()
    const page = await (await get('')).text()
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|<script(?![^>]*src=)/)
    const files = [...page.matchAll(/(?:src|href)="\/dev\/inbox(\/[^"]+\.(?:js|css))"/g)].map(
      ([, path]) => path ?? '',
    )
    expect(files).toHaveLength(2)
    for (const file of files) expect((await get(file)).status).toBe(200)
  })

  it('knows every element that its script asks for', async () => {
    const { get } = inbox()
    const page = await (await get('')).text()
    const script = await (await get('/inbox.js')).text()
    const asked = [...script.matchAll(/\bat\('([\w-]+)'\)/g)].map(([, id]) => id)
    expect(asked.length).toBeGreaterThan(10)
    for (const id of asked) expect(page).toContain(`id="${id}"`)
  })
})

describe('the messages', () => {
  it('are given as JSON that no page of another origin can read', async () => {
    const response = await inbox().get('/messages')
    expect(await response.json()).toEqual({ data: [message] })
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(response.headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  it('are asked for after the one that is known, waiting as long as told', async () => {
    const { asked, get } = inbox()
    await get(`/messages?after=${message.id}&wait=25`)
    await get('/messages')
    expect(asked).toEqual([
      { after: message.id, waitMs: 25_000, limit: 50 },
      { after: null, waitMs: 0, limit: 50 },
    ])
  })

  it.each(['wait=31', 'wait=-1', 'wait=1.5', 'wait=soon', 'after=', 'after=chl_1', 'after=msg_%27%20or%201'])(
    'are refused for %s, without a look into the store',
    async query => {
      const { asked, get } = inbox()
      const response = await get(`/messages?${query}`)
      expect(response.status).toBe(400)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      expect(asked).toEqual([])
    },
  )
})

describe('a mail in its frame', () => {
  it('is a sandboxed document without script, forms or access to its surroundings', async () => {
    const response = await inbox().get(`/messages/${message.id}/html`)
    const directives = (response.headers.get('content-security-policy') ?? '').split('; ')
    expect(directives).toContain("default-src 'none'")
    expect(directives).toContain("frame-ancestors 'self'")
    expect(directives).toContain('sandbox allow-popups allow-popups-to-escape-sandbox')
    expect(directives.join()).not.toMatch(/script-src|allow-scripts|allow-same-origin|allow-forms/)
  })

  it('opens its links in a new tab, since a link page refuses to be framed', async () => {
    const page = await (await inbox().get(`/messages/${message.id}/html`)).text()
    expect(page).toMatch(/^<!doctype html><html><head lang="en"><base target="_blank">/)
    const bare = await (
      await inbox([{ ...message, html: '<p>Hello' }]).get(`/messages/${message.id}/html`)
    ).text()
    expect(bare).toBe('<p>Hello<base target="_blank">')
  })

  it('is not found when there is no such message', async () => {
    expect((await inbox([]).get(`/messages/${message.id}/html`)).status).toBe(404)
    expect((await inbox().get('/messages/..%2F..%2Fetc/html')).status).toBe(404)
  })
})
