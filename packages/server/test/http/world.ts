import { DatabaseSync } from 'node:sqlite'
import { expect } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { exposureOf } from '../../src/core/limits/limits.ts'
import type { Mail, Transport } from '../../src/core/ports.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import type { Answer, TestServer } from '../setup/server.ts'
import { browse } from './browser.ts'

/** A transport that keeps what it was given: how a test reads the mail of `live`, which has no inbox. */
export interface Mailbox extends Transport {
  mails: Mail[]
  code(to: string): string
  link(to: string): string
}

export function mailbox(): Mailbox {
  const mails: Mail[] = []
  const textTo = (to: string) => mails.findLast(mail => mail.to === to)?.text ?? ''
  return {
    name: 'mailbox',
    timeoutMs: 1000,
    mails,
    send: async mail => {
      mails.push(mail)
      return { reply: '250 kept' }
    },
    close: async () => {},
    code: to => /^ {4}(\d+(?: \d+)*)$/m.exec(textTo(to))?.[1]?.replaceAll(' ', '') ?? '',
    link: to => /^https?:\S+$/m.exec(textTo(to))?.[0] ?? '',
  }
}

/** Every row of every table but `instance`, as text: equal dumps mean that nothing was written in between. */
export async function dump(
  server: TestServer,
  without: readonly string[] = [],
): Promise<Record<string, string[]>> {
  await server.ostiary.drain()
  const db = new DatabaseSync(await server.snapshot(), { readOnly: true })
  try {
    const tables = db
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'instance'")
      .all()
    const rows: Record<string, string[]> = {}
    for (const { name } of tables as { name: string }[]) {
      if (!without.includes(name))
        rows[name] = db
          .prepare(`SELECT * FROM "${name}"`)
          .all()
          .map(row => JSON.stringify(row))
          .sort()
    }
    return rows
  } finally {
    db.close()
  }
}

/** How many rows each table has. */
export async function rowCounts(server: TestServer): Promise<Record<string, number>> {
  const rows = await dump(server)
  return Object.fromEntries(Object.entries(rows).map(([table, list]) => [table, list.length]))
}

/** An answer with its body as bytes, for comparisons to the letter. */
export async function raw(
  server: TestServer,
  method: string,
  path: string,
  body?: unknown,
  options: { key?: string | null; headers?: Record<string, string> } = {},
): Promise<{ status: number; headers: Record<string, string>; text: string }> {
  const { key = server.key, headers = {} } = options
  const response = await server.ostiary.app.request(`http://localhost:4545${path}`, {
    method,
    headers: {
      ...(key !== null && { Authorization: `Bearer ${key}` }),
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text: await response.text(),
  }
}

/** Lets deliveries end, then moves the clock: a delivery that is under way would else outlive its lease. */
export async function later(server: TestServer, ms: number): Promise<void> {
  await server.ostiary.drain()
  server.clock.advance(ms)
}

/** What goes on beside the requests of an environment: purging, to its end. */
export async function purge(server: TestServer, slug = 'test'): Promise<void> {
  const view = await server.ostiary.deps.directory.bySlug(slug)
  if (!view) throw new Error(`no environment ${slug}`)
  const { environment, settings } = view
  const step = {
    now: server.clock.now(),
    environmentId: environment.id,
    retentionDays: settings.retentionDays,
    exposure: exposureOf(settings),
    limit: 200,
  }
  let isMore = true
  while (isMore) isMore = await server.ostiary.store.purge(step)
}

let count = 0
/** An address that no other test uses. */
export const fresh = (name = 'person') => `${name}${++count}@example.com`

/** Sends a challenge; fails the test when it is refused. */
export async function send(
  server: TestServer,
  body: Record<string, unknown>,
  key = server.key,
): Promise<Answer['body']> {
  const sent = await server.call('POST', '/v1/challenges', body, { key })
  expect(sent, JSON.stringify(sent.body)).toMatchObject({ status: 201 })
  return sent.body
}

/** The code of a challenge in `test`. */
export async function codeOf(server: TestServer, challengeId: string): Promise<string> {
  return (await server.message({ challengeId })).code
}

/** A code of this length that is not the right one. */
export const wrongCode = (code: string) => String((Number(code[0]) + 1) % 10) + code.slice(1)

/** A page in another site or the link page itself, pressing the button of a link. */
export async function press(
  server: TestServer,
  link: string,
  headers: Record<string, string> = { 'Sec-Fetch-Site': 'same-origin' },
): Promise<Response> {
  return await server.ostiary.app.request(link, { method: 'POST', headers })
}

/** The token that a press handed over. */
export async function handoverOf(server: TestServer, link: string): Promise<string> {
  const pressed = await press(server, link)
  expect(pressed.status).toBe(303)
  return new URL(pressed.headers.get('location') ?? '').searchParams.get('token') ?? ''
}

/** One of each thing that has an id or a token, in one environment. */
export interface World {
  key: string
  userId: string
  externalId: string
  email: string
  challengeId: string
  verifiedId: string
  provenId: string
  sessionId: string
  appId: string
  keyId: string
  templateId: string
  templateName: string
  authenticatorId: string
  deviceId: string
  /** A challenge for a passkey, and what a passkey of the user says to it. */
  passkeyId: string
  passkeyAnswer: object
  webhookId: string
  /** A test that was sent to it, and failed. */
  deliveryId: string
  ruleId: string
  listId: string
  /** A tracked action that was proven and not yet validated. */
  actionId: string
  resultToken: string
  linkToken: string
  handover: string
  refreshToken: string
  accessToken: string
}

/** Texts of a template that fits a challenge with a code. */
export const CODE_TEXTS = {
  en: { subject: 'Your code', text: 'Code: {{code}}', html: '<p>Code: <b>{{code}}</b></p>' },
}

export const APP_URL = 'https://app.example/cb'

/** Builds a world. Live mail is read from the mailbox, test mail from the inbox. */
export async function buildWorld(server: TestServer, box: Mailbox, mode: 'test' | 'live'): Promise<World> {
  const key = mode === 'test' ? server.key : server.liveKey
  const call = async (method: string, path: string, body?: unknown) => {
    const answer = await server.call(method, path, body, { key })
    expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300)
    return answer.body
  }
  const read = async (challenge: Answer['body']) => {
    await server.ostiary.drain()
    if (mode === 'live') return { code: box.code(challenge.to), link: box.link(challenge.to) }
    return await server.message({ challengeId: challenge.id })
  }
  const prove = async (body: Record<string, unknown>) => {
    const challenge = await send(server, body, key)
    const { code } = await read(challenge)
    const context = { userAgent: 'A browser' }
    return await call('POST', `/v1/challenges/${challenge.id}/verify`, { code, context })
  }
  const email = fresh(mode)
  const externalId = `ext-${mode}`
  const app = await call('POST', '/v1/apps', { name: 'An app', redirectUrls: [APP_URL] })
  const linkOf = async (linkVia: string) => {
    const asked = { to: fresh(mode), credential: 'codeAndLink', redirectUrl: APP_URL, linkVia, appId: app.id }
    const challenge = await send(server, asked, key)
    return { challenge, link: (await read(challenge)).link }
  }
  const signedIn = await prove({ to: email, externalId })
  const proven = await prove({ to: fresh(mode), session: false })
  const verified = await prove({ to: fresh(mode), userMode: 'none' })
  const viaApp = await linkOf('app')
  const viaOstiary = await linkOf('ostiary')
  const apiKey = await call('POST', '/v1/api-keys', { name: 'A key', scopes: ['read'] })
  const templateName = `of-${mode}`
  const template = await call('POST', '/v1/templates', { name: templateName, locales: CODE_TEXTS })
  const device = softwareAuthenticator()
  const userPath = `/v1/users/${signedIn.user.id}/authenticators`
  const ofUser = { id: Buffer.from(signedIn.user.id).toString('base64url') }
  device.register({ challenge: '', rp: { id: 'localhost' }, user: ofUser })
  const authenticator = await call('POST', userPath, {
    type: 'passkey',
    credentialId: device.passkeys[0]?.id,
    publicKey: device.passkeys[0]?.publicKey.toString('base64url'),
    isBackupEligible: false,
  })
  const passkey = await call('POST', '/v1/challenges', { method: 'passkey' })
  // Of one type that nothing here causes: what a world does is not sent from it. `.invalid` has no address (RFC 6761).
  const webhook = await call('POST', '/v1/webhooks', {
    url: 'https://receiver.invalid/hook',
    eventTypes: ['secret.rotated'],
  })
  const delivery = await call('POST', `/v1/webhooks/${webhook.id}/test`, {})
  const list = await call('POST', '/v1/lists', { name: `of-${mode}`, entries: ['someone@example.com'] })
  const rule = await call('POST', '/v1/rules', {
    name: `of ${mode}`,
    condition: `user.email in list("of-${mode}")`,
    outcome: 'CHALLENGE',
    mode: 'shadow',
  })
  const tracked = await call('POST', '/v1/actions', { name: 'signIn' })
  const resultOf = async (bearer: string): Promise<string> => {
    const to = fresh(mode)
    const step = async (path: string, body: object) =>
      (await browse(server, 'POST', `/client/v1/actions/${path}`, body, { bearer })).body
    await step('identify', { to })
    await step('send', { method: 'emailCode' })
    await server.ostiary.drain()
    const { code } = mode === 'live' ? { code: box.code(to) } : await server.message({ to })
    return (await step('verify', { code })).result.token
  }
  return {
    key,
    userId: signedIn.user.id,
    externalId,
    email,
    challengeId: viaApp.challenge.id,
    verifiedId: verified.challenge.id,
    provenId: proven.challenge.id,
    sessionId: signedIn.session.id,
    appId: app.id,
    keyId: apiKey.id,
    templateId: template.id,
    templateName,
    authenticatorId: authenticator.id,
    deviceId: signedIn.session.deviceId,
    passkeyId: passkey.id,
    passkeyAnswer: device.authenticate(passkey.publicKey),
    webhookId: webhook.id,
    deliveryId: delivery.id,
    ruleId: rule.id,
    listId: list.id,
    actionId: tracked.id,
    resultToken: await resultOf(tracked.token),
    linkToken: new URL(viaApp.link).searchParams.get('token') ?? '',
    handover: await handoverOf(server, viaOstiary.link),
    refreshToken: signedIn.tokens.refreshToken,
    accessToken: signedIn.tokens.accessToken,
  }
}

/** A world of nothing: ids and tokens of the right form that no environment has. */
export function nowhere(server: TestServer, key: string): World {
  const { random, keyring } = server.ostiary.deps
  const id = (
    prefix:
      | 'act'
      | 'usr'
      | 'chl'
      | 'ses'
      | 'app'
      | 'key'
      | 'tpl'
      | 'dev'
      | 'aut'
      | 'whk'
      | 'dlv'
      | 'rul'
      | 'lst',
  ) => newId(prefix, server.clock.now())
  const token = (kind: string) => `${kind}_${random.bytes(32).toString('base64url')}`
  const refresh = Buffer.concat([random.bytes(48), keyring.derive('nothing').subarray(0, 16)])
  return {
    key,
    userId: id('usr'),
    externalId: 'ext-nowhere',
    email: 'nobody@nowhere.example',
    challengeId: id('chl'),
    verifiedId: id('chl'),
    provenId: id('chl'),
    sessionId: id('ses'),
    appId: id('app'),
    keyId: id('key'),
    templateId: id('tpl'),
    templateName: 'of-nobody',
    authenticatorId: id('aut'),
    deviceId: id('dev'),
    passkeyId: id('chl'),
    passkeyAnswer: nobodysPasskey(),
    webhookId: id('whk'),
    deliveryId: id('dlv'),
    ruleId: id('rul'),
    listId: id('lst'),
    actionId: id('act'),
    resultToken: token('oht'),
    linkToken: token('olk'),
    handover: token('oht'),
    refreshToken: `ort_${refresh.toString('base64url')}`,
    accessToken: 'eyJhbGciOiJFUzI1NiJ9.e30.x',
  }
}

function nobodysPasskey(): object {
  const device = softwareAuthenticator()
  const challenge = Buffer.alloc(32).toString('base64url')
  device.register({ challenge, rp: { id: 'localhost' }, user: { id: 'bm9ib2R5' } })
  return device.authenticate({ challenge, rpId: 'localhost' })
}
