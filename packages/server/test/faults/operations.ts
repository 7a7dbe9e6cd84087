import { DatabaseSync } from 'node:sqlite'
import type { Store } from '../../src/core/ports.ts'
import type { Answer } from '../setup/server.ts'
import { type House, POSTMARK_TOKEN } from './house.ts'
import { PASSKEY_OPERATIONS } from './passkeys.ts'
import { WEBHOOK_OPERATIONS } from './webhooks.ts'

/** One call over HTTP that writes. */
export interface Request {
  method: string
  path: string
  body?: unknown
  headers?: Record<string, string>
}

/** A call that is made again and again, each time on things of its own. */
export interface Operation {
  name: string
  /** The method of the store that does it. */
  method: keyof Store
  status: number
  /** What a repeat may be answered when the first one had its effect; only where no Idempotency-Key is taken. */
  again?: number[]
  /** Without an Idempotency-Key, and a repeat adds nothing all the same. */
  isOnce?: boolean
  /** Makes what the call needs, and says the call. */
  prepare(house: House): Promise<Request>
}

let made = 0
const fresh = () => `f${++made}@faults.example`

async function ask(house: House, method: string, path: string, body?: unknown): Promise<Answer['body']> {
  const answer = await house.call(method, path, body)
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

const user = async (house: House) =>
  ask(house, 'POST', '/v1/users', { email: fresh(), emailVerified: true, externalId: `ext-${++made}` })
const challenge = async (house: House, more: object = {}) =>
  ask(house, 'POST', '/v1/challenges', { to: fresh(), ...more })
const template = async (house: House) =>
  ask(house, 'POST', '/v1/templates', {
    name: `mail${++made}`,
    locales: { en: { subject: 'Hello', text: 'Your code: {{code}}' } },
  })
/** The newest hundred versions of the rules are kept: past them, a change would seem to write none. */
function fewVersions({ file }: House): void {
  const db = new DatabaseSync(file)
  db.exec('DELETE FROM rule_versions WHERE version < (SELECT max(version) FROM rule_versions)')
  db.close()
}
async function rule(house: House): Promise<Answer['body']> {
  fewVersions(house)
  const asked = { name: `rule ${++made}`, condition: 'device.known', outcome: 'ALLOW' }
  return await ask(house, 'POST', '/v1/rules', asked)
}
/** An environment has few: those of before go. */
async function noList(house: House): Promise<void> {
  for (const { id } of (await ask(house, 'GET', '/v1/lists?limit=100')).data)
    await ask(house, 'DELETE', `/v1/lists/${id}`)
}
async function list(house: House): Promise<Answer['body']> {
  await noList(house)
  return await ask(house, 'POST', '/v1/lists', { name: `list${++made}`, entries: ['a'] })
}
const message = async (house: House, challengeId: string) =>
  (await ask(house, 'GET', `/v1/messages?challengeId=${challengeId}`)).data[0]

async function proven(house: House, more: object = {}): Promise<Answer['body']> {
  const { id } = await challenge(house, more)
  const { code } = await message(house, id)
  return await ask(house, 'POST', `/v1/challenges/${id}/verify`, { code })
}

async function link(house: House): Promise<string> {
  const asked = { credential: 'codeAndLink', redirectUrl: 'http://localhost:9/callback' }
  return new URL((await message(house, (await challenge(house, asked)).id)).link).pathname
}

const post = (path: string, body: unknown = {}): Request => ({ method: 'POST', path, body })
const PRESS = { 'Sec-Fetch-Site': 'same-origin' }

const SECOND = `__Host-ostiary-press=${'S'.repeat(43)}`
const FORM = { ...PRESS, 'Content-Type': 'application/x-www-form-urlencoded' }

/** A tracked action and the browser that works on it. */
async function tab(house: House) {
  const { id, token } = await ask(house, 'POST', '/v1/actions', { name: 'signIn' })
  const headers = { Authorization: `Bearer ${token}` }
  const request = (step: string, body: unknown = {}): Request => ({
    ...post(`/client/v1/actions/${step}`, body),
    headers,
  })
  return {
    id: id as string,
    token: token as string,
    request,
    async step(name: string, body?: unknown): Promise<Answer['body']> {
      const { method, path, body: sent } = request(name, body)
      return (await house.call(method, path, sent, headers)).body
    },
    read: async (): Promise<Answer['body']> =>
      (await house.call('GET', '/client/v1/actions/current', undefined, headers)).body,
  }
}

async function addressed(house: House) {
  const to = fresh()
  const one = await tab(house)
  await one.step('identify', { to })
  return { ...one, to }
}

async function sent(house: House, method: string) {
  const one = await addressed(house)
  await one.step('send', { method })
  const { code, link } = (await ask(house, 'GET', `/v1/messages?to=${one.to}`)).data[0]
  return { ...one, code: code as string, link: link as string }
}

/** Somebody who signed in on a device that keeps its token. */
async function knownDevice(house: House): Promise<{ to: string; deviceToken: string; path: string }> {
  const { id, to } = await challenge(house)
  const { code } = await message(house, id)
  const { session, tokens } = await ask(house, 'POST', `/v1/challenges/${id}/verify`, {
    code,
    context: { userAgent: 'A browser' },
  })
  return {
    to,
    deviceToken: tokens.deviceToken,
    path: `/v1/users/${session.userId}/devices/${session.deviceId}`,
  }
}

/** A second device that was asked for the number: its form with the right one, or with another. */
async function asked(house: House, isRight: boolean): Promise<Request> {
  const { link, read } = await sent(house, 'emailLink')
  const path = new URL(link).pathname
  const headers = { ...FORM, Cookie: SECOND }
  await house.call('POST', path, undefined, headers)
  const { number } = (await read()).challenge
  const typed = isRight ? number : number === '99' ? '98' : '99'
  return { method: 'POST', path, headers, body: `number=${typed}` }
}

/** A person at their own account, with a proven address besides the one they signed in by. */
async function person(house: House) {
  const to = fresh()
  const { tokens, user, session } = await proven(house, { to })
  const second = fresh()
  await ask(house, 'POST', `/v1/users/${user.id}/identifiers`, {
    type: 'email',
    value: second,
    isVerified: true,
  })
  const headers = { Authorization: `Bearer ${tokens.accessToken}` }
  return {
    to,
    second,
    session,
    headers,
    request: (path: string, body: unknown = {}): Request => ({
      ...post(`/client/v1/me/${path}`, body),
      headers,
    }),
  }
}

async function provenAction(house: House): Promise<{ id: string; token: string }> {
  const { id, step, code } = await sent(house, 'emailCode')
  return { id, token: (await step('verify', { code })).result.token }
}

/** Every way over HTTP in which something is written. */
export const OPERATIONS: readonly Operation[] = [
  {
    name: 'send',
    method: 'createChallenge',
    status: 201,
    prepare: async () => post('/v1/challenges', { to: fresh(), metadata: { a: 1 } }),
  },
  {
    name: 'send with a link, to a user',
    method: 'createChallenge',
    status: 201,
    prepare: async house =>
      post('/v1/challenges', {
        userId: (await user(house)).id,
        credential: 'codeAndLink',
        redirectUrl: 'http://localhost:9/callback',
        context: { ipAddress: `10.${made >> 8}.${made % 256}.7` },
      }),
  },
  {
    name: 'send from a known device',
    method: 'createChallenge',
    status: 201,
    async prepare(house) {
      const { to, deviceToken } = await knownDevice(house)
      return post('/v1/challenges', { to, context: { deviceToken } })
    },
  },
  {
    name: 'resend to a known device',
    method: 'resendChallenge',
    status: 200,
    async prepare(house) {
      const { to, deviceToken } = await knownDevice(house)
      const { id } = await ask(house, 'POST', '/v1/challenges', { to, context: { deviceToken } })
      house.clock.advance(31_000)
      return post(`/v1/challenges/${id}/resend`)
    },
  },
  {
    name: 'resend',
    method: 'resendChallenge',
    status: 200,
    async prepare(house) {
      const { id } = await challenge(house)
      house.clock.advance(31_000)
      return post(`/v1/challenges/${id}/resend`)
    },
  },
  {
    name: 'verify the code of somebody new',
    method: 'attempt',
    status: 200,
    async prepare(house) {
      const { id } = await challenge(house)
      return post(`/v1/challenges/${id}/verify`, { code: (await message(house, id)).code })
    },
  },
  {
    name: 'verify the code of a user',
    method: 'attempt',
    status: 200,
    async prepare(house) {
      const { id } = await challenge(house, { to: (await user(house)).email })
      return post(`/v1/challenges/${id}/verify`, { code: (await message(house, id)).code })
    },
  },
  {
    name: 'verify a link',
    method: 'attempt',
    status: 200,
    async prepare(house) {
      const pressed = await house.call('POST', await link(house), undefined, PRESS)
      const linkToken = new URL(pressed.headers.get('location') ?? '').searchParams.get('token')
      return post('/v1/challenges/verify', { linkToken })
    },
  },
  {
    name: 'a wrong code',
    method: 'attempt',
    status: 400,
    // No 2xx, so nothing is kept for the key: the repeat is another attempt.
    again: [400],
    async prepare(house) {
      const { id } = await challenge(house)
      const { code } = await message(house, id)
      const wrong = String((Number(code) + 1) % 10 ** code.length).padStart(code.length, '0')
      // The whole environment must not be protected by so many wrong codes.
      house.clock.advance(60_000)
      return post(`/v1/challenges/${id}/verify`, { code: wrong })
    },
  },
  {
    name: 'claim',
    method: 'claimChallenge',
    status: 200,
    async prepare(house) {
      const { challenge } = await proven(house, { userMode: 'none' })
      return post(`/v1/challenges/${challenge.id}/claim`, { userId: (await user(house)).id })
    },
  },
  {
    name: 'track an action',
    method: 'createAction',
    status: 201,
    prepare: async () => post('/v1/actions', { name: 'signIn' }),
  },
  {
    name: 'review an action',
    method: 'reviewAction',
    status: 200,
    again: [409],
    isOnce: true,
    async prepare(house) {
      const definitions = { toReview: { outcome: 'REVIEW' } }
      await ask(house, 'PATCH', '/v1/settings', { action: { definitions } })
      const { id } = await ask(house, 'POST', '/v1/actions', { name: 'toReview' })
      return { method: 'PATCH', path: `/v1/actions/${id}`, body: { state: 'REVIEW_FAILED' } }
    },
  },
  {
    name: 'track an action of somebody whom nobody knows',
    method: 'createAction',
    status: 201,
    prepare: async () =>
      post('/v1/actions', { name: 'payOut', user: { externalId: `ext-${++made}`, email: fresh() } }),
  },
  {
    name: 'open an action',
    method: 'openAction',
    status: 200,
    again: [400],
    isOnce: true,
    async prepare(house) {
      const { url } = await ask(house, 'POST', '/v1/actions', { name: 'signIn' })
      const token = url.slice(url.lastIndexOf('/') + 1)
      return { ...post('/client/v1/actions/open', { token }), headers: PRESS }
    },
  },
  {
    name: 'tell the address',
    method: 'addressAction',
    status: 200,
    again: [200],
    prepare: async house => (await tab(house)).request('identify', { to: fresh() }),
  },
  {
    name: 'send inside an action',
    method: 'sendInAction',
    status: 200,
    again: [200],
    prepare: async house => (await addressed(house)).request('send', { method: 'emailCode' }),
  },
  {
    name: 'verify inside an action',
    method: 'attemptInAction',
    status: 200,
    again: [409],
    isOnce: true,
    async prepare(house) {
      const { request, code } = await sent(house, 'emailCode')
      return request('verify', { code })
    },
  },
  {
    name: 'ask for an approval',
    method: 'askApproval',
    status: 200,
    again: [200],
    async prepare(house) {
      const { link } = await sent(house, 'emailLink')
      return { method: 'POST', path: new URL(link).pathname, headers: { ...PRESS, Cookie: SECOND } }
    },
  },
  {
    name: 'press the link of an action in its own browser',
    method: 'attemptInAction',
    status: 200,
    again: [409],
    isOnce: true,
    async prepare(house) {
      const { id, link, token } = await sent(house, 'emailLink')
      const headers = { ...FORM, Cookie: `__Host-ostiary-action-${id.slice('act_'.length)}=${token}` }
      return { method: 'POST', path: new URL(link).pathname, headers }
    },
  },
  {
    name: 'approve by the number',
    method: 'attemptInAction',
    status: 200,
    again: [409],
    isOnce: true,
    prepare: house => asked(house, true),
  },
  {
    name: 'a wrong number',
    method: 'attemptInAction',
    status: 409,
    again: [409],
    isOnce: true,
    prepare: house => asked(house, false),
  },
  {
    name: 'finish an approved action',
    method: 'finishAction',
    status: 200,
    again: [409],
    isOnce: true,
    async prepare(house) {
      const { request, link, read } = await sent(house, 'emailLink')
      const path = new URL(link).pathname
      const headers = { ...FORM, Cookie: SECOND }
      await house.call('POST', path, undefined, headers)
      await house.call('POST', path, `number=${(await read()).challenge.number}`, headers)
      return request('finish')
    },
  },
  {
    name: 'cancel an action',
    method: 'cancelAction',
    status: 200,
    again: [409],
    isOnce: true,
    prepare: async house => (await addressed(house)).request('cancel'),
  },
  {
    name: 'validate an action',
    method: 'validateAction',
    status: 200,
    prepare: async house =>
      post('/v1/actions/validate', { token: (await provenAction(house)).token, action: 'signIn' }),
  },
  {
    name: 'open the session of an action',
    method: 'openActionSession',
    status: 201,
    prepare: async house => post('/v1/sessions', { actionId: (await provenAction(house)).id }),
  },
  {
    name: 'open the session later',
    method: 'openSession',
    status: 201,
    prepare: async house =>
      post('/v1/sessions', { challengeId: (await proven(house, { session: false })).challenge.id }),
  },
  {
    name: 'rotate the secret of hooks',
    method: 'rotateHookSecret',
    status: 200,
    async prepare(house) {
      // From the third on as many rows go as come.
      for (let i = 0; i < 2; i++) await ask(house, 'POST', '/v1/hooks/before-sign-in/rotate-secret', {})
      return post('/v1/hooks/before-sign-in/rotate-secret')
    },
  },
  {
    name: 'refresh',
    method: 'rotateRefresh',
    status: 200,
    prepare: async house =>
      post('/v1/sessions/refresh', { refreshToken: (await proven(house)).tokens.refreshToken }),
  },
  {
    name: 'revoke a session',
    method: 'revokeSession',
    status: 200,
    prepare: async house => post(`/v1/sessions/${(await proven(house)).session.id}/revoke`),
  },
  {
    name: 'revoke all sessions of a user',
    method: 'revokeUserSessions',
    status: 200,
    prepare: async house => post(`/v1/users/${(await proven(house)).user.id}/sessions/revoke`),
  },
  {
    name: 'look at a link',
    method: 'recordLinkOpened',
    status: 200,
    again: [200],
    prepare: async house => ({ method: 'GET', path: await link(house) }),
  },
  {
    name: 'press a link',
    method: 'pressLink',
    status: 303,
    again: [303],
    prepare: async house => ({ method: 'POST', path: await link(house), headers: PRESS }),
  },
  {
    name: 'create a user',
    method: 'createUser',
    status: 201,
    prepare: async () =>
      post('/v1/users', { email: fresh(), emailVerified: true, externalId: `ext-${++made}` }),
  },
  {
    name: 'change a user',
    method: 'updateUser',
    status: 200,
    again: [200],
    prepare: async house => ({
      method: 'PATCH',
      path: `/v1/users/${(await user(house)).id}`,
      body: { name: 'Ada' },
    }),
  },
  {
    name: 'delete a user',
    method: 'deleteUser',
    status: 204,
    again: [404],
    prepare: async house => ({ method: 'DELETE', path: `/v1/users/${(await proven(house)).user.id}` }),
  },
  {
    name: 'block a user',
    method: 'setUserStatus',
    status: 200,
    prepare: async house => post(`/v1/users/${(await proven(house)).user.id}/block`),
  },
  {
    name: 'add an address',
    method: 'addIdentifier',
    status: 201,
    prepare: async house =>
      post(`/v1/users/${(await user(house)).id}/identifiers`, {
        type: 'email',
        value: fresh(),
        isVerified: true,
      }),
  },
  {
    name: 'remove an address',
    method: 'removeIdentifier',
    status: 200,
    again: [200, 404],
    async prepare(house) {
      const { id } = await user(house)
      const value = fresh()
      await ask(house, 'POST', `/v1/users/${id}/identifiers`, { type: 'email', value })
      return { method: 'DELETE', path: `/v1/users/${id}/identifiers?type=email&value=${value}` }
    },
  },
  {
    name: 'create an app',
    method: 'createApp',
    status: 201,
    prepare: async () => post('/v1/apps', { name: 'An app' }),
  },
  {
    name: 'change an app',
    method: 'updateApp',
    status: 200,
    again: [200],
    async prepare(house) {
      const { id } = await ask(house, 'POST', '/v1/apps', { name: 'An app' })
      return { method: 'PATCH', path: `/v1/apps/${id}`, body: { name: `App ${++made}` } }
    },
  },
  {
    name: 'delete an app',
    method: 'deleteApp',
    status: 204,
    again: [404],
    async prepare(house) {
      const { id } = await ask(house, 'POST', '/v1/apps', { name: 'An app' })
      return { method: 'DELETE', path: `/v1/apps/${id}` }
    },
  },
  {
    name: 'create an API key',
    method: 'createApiKey',
    status: 201,
    prepare: async () => post('/v1/api-keys', { name: 'A key', scopes: ['read'] }),
  },
  {
    name: 'revoke an API key',
    method: 'revokeApiKey',
    status: 204,
    again: [404],
    async prepare(house) {
      const { id } = await ask(house, 'POST', '/v1/api-keys', { name: 'A key', scopes: ['read'] })
      return { method: 'DELETE', path: `/v1/api-keys/${id}` }
    },
  },
  {
    name: 'change the settings',
    method: 'saveSettings',
    status: 200,
    again: [200],
    prepare: async () => ({
      method: 'PATCH',
      path: '/v1/settings',
      body: { brand: { name: `Brand ${++made}` } },
    }),
  },
  {
    name: 'create a template',
    method: 'createTemplate',
    status: 201,
    prepare: async () =>
      post('/v1/templates', {
        name: `mail${++made}`,
        locales: { en: { subject: 'Hello', text: 'Your code: {{code}}' } },
      }),
  },
  {
    name: 'change a template',
    method: 'updateTemplate',
    status: 200,
    again: [200],
    prepare: async house => ({
      method: 'PATCH',
      path: `/v1/templates/${(await template(house)).id}`,
      body: { locales: { en: { subject: `Hello ${++made}` } } },
    }),
  },
  {
    name: 'change a template of a known version',
    method: 'updateTemplate',
    status: 200,
    // Had the first one its effect, the version is another one by then.
    again: [412],
    isOnce: true,
    prepare: async house => ({
      method: 'PATCH',
      path: `/v1/templates/${(await template(house)).id}`,
      body: { locales: { en: { subject: `Hello ${++made}` } } },
      headers: { 'If-Match': '"1"' },
    }),
  },
  {
    name: 'delete a template',
    method: 'deleteTemplate',
    status: 204,
    again: [404],
    isOnce: true,
    prepare: async house => ({ method: 'DELETE', path: `/v1/templates/${(await template(house)).id}` }),
  },
  {
    name: 'remember a device',
    method: 'rememberDevice',
    status: 200,
    again: [200],
    prepare: async house => ({
      method: 'PATCH',
      path: (await knownDevice(house)).path,
      body: { rememberedUntil: null },
    }),
  },
  {
    name: 'end a device',
    method: 'endDevice',
    status: 200,
    again: [200],
    prepare: async house => post(`${(await knownDevice(house)).path}/end`),
  },
  ...PASSKEY_OPERATIONS,
  ...WEBHOOK_OPERATIONS,
  {
    name: 'sign in from a new place, which is told of',
    method: 'attempt',
    status: 200,
    async prepare(house) {
      const to = fresh()
      await proven(house, { to })
      const { id } = await challenge(house, { to })
      const { code } = await message(house, id)
      const context = { ipAddress: '203.0.113.9', userAgent: 'Firefox/140.0' }
      return post(`/v1/challenges/${id}/verify`, { code, context })
    },
  },
  {
    name: 'add an address of one’s own',
    method: 'addOwnAddress',
    status: 200,
    again: [409],
    isOnce: true,
    async prepare(house) {
      const { request, headers } = await person(house)
      const { body } = await house.call('POST', '/client/v1/me/identifiers', { to: fresh() }, headers)
      const { code } = await message(house, body.challengeId)
      return request('identifiers/verify', { challengeId: body.challengeId, code })
    },
  },
  {
    name: 'make an address of one’s own the primary one',
    method: 'makeOwnPrimary',
    status: 200,
    again: [200],
    isOnce: true,
    async prepare(house) {
      const { request, second } = await person(house)
      return request('identifiers/primary', { type: 'email', value: second })
    },
  },
  {
    name: 'remove an address of one’s own',
    method: 'removeOwnAddress',
    status: 200,
    again: [404],
    isOnce: true,
    async prepare(house) {
      const { request, second } = await person(house)
      return request('identifiers/remove', { type: 'email', value: second })
    },
  },
  {
    name: 'sign out',
    method: 'endOwnSessions',
    status: 200,
    again: [401],
    isOnce: true,
    prepare: async house => (await person(house)).request('sign-out'),
  },
  {
    name: 'create a rule',
    method: 'createRule',
    status: 201,
    prepare: async () =>
      post('/v1/rules', { name: `rule ${++made}`, condition: 'device.known', outcome: 'ALLOW' }),
  },
  {
    name: 'change a rule',
    method: 'updateRule',
    status: 200,
    again: [200],
    prepare: async house => ({
      method: 'PATCH',
      path: `/v1/rules/${(await rule(house)).id}`,
      body: { condition: `user.ageDays > ${++made}` },
    }),
  },
  {
    name: 'delete a rule',
    method: 'deleteRule',
    status: 204,
    again: [404],
    isOnce: true,
    prepare: async house => ({ method: 'DELETE', path: `/v1/rules/${(await rule(house)).id}` }),
  },
  {
    name: 'go back to a version of the rules',
    method: 'rollBackRules',
    status: 200,
    prepare: async house => {
      await rule(house)
      const { data } = await ask(house, 'GET', '/v1/rules/versions')
      return post('/v1/rules/rollback', { version: data[0].version })
    },
  },
  {
    name: 'create a list',
    method: 'createList',
    status: 201,
    async prepare(house) {
      await noList(house)
      return post('/v1/lists', { name: `list${++made}`, entries: ['a'] })
    },
  },
  {
    name: 'change a list',
    method: 'updateList',
    status: 200,
    again: [200],
    prepare: async house => ({
      method: 'PATCH',
      path: `/v1/lists/${(await list(house)).id}`,
      body: { entries: [`${++made}`] },
    }),
  },
  {
    name: 'delete a list',
    method: 'deleteList',
    status: 204,
    again: [404],
    isOnce: true,
    prepare: async house => ({ method: 'DELETE', path: `/v1/lists/${(await list(house)).id}` }),
  },
  {
    name: 'report a delivery',
    method: 'recordDelivery',
    status: 200,
    again: [200],
    isOnce: true,
    async prepare(house) {
      const { id } = await message(house, (await challenge(house)).id)
      return {
        ...post('/hooks/mail/postmark', { RecordType: 'Delivery', Metadata: { 'ostiary-id': id } }),
        headers: { 'X-Ostiary-Token': POSTMARK_TOKEN },
      }
    },
  },
  {
    name: 'ask whether it is ready',
    method: 'ping',
    status: 200,
    again: [200],
    prepare: async () => ({ method: 'GET', path: '/readyz' }),
  },
]
