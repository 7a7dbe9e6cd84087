import { softwareAuthenticator } from '../setup/authenticator.ts'
import type { Answer } from '../setup/server.ts'
import type { House } from './house.ts'
import type { Operation, Request } from './operations.ts'

/** What is written of passkeys: by a backend, and inside an action. */

let made = 0
const fresh = () => `p${++made}@faults.example`

async function ask(
  house: House,
  path: string,
  body: unknown = {},
  headers?: Record<string, string>,
): Promise<Answer['body']> {
  const answer = await house.call('POST', path, body, headers)
  if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`)
  return answer.body
}

const codeFor = async (house: House, to: string): Promise<string> =>
  (await house.call('GET', `/v1/messages?to=${to}`)).body.data[0].code

const user = async (house: House): Promise<string> =>
  (await ask(house, '/v1/users', { email: fresh(), emailVerified: true })).id

/** The answer of a new device to a registration, as a request that nobody has made yet. */
async function registering(house: House) {
  const userId = await user(house)
  const device = softwareAuthenticator()
  const begun = await ask(house, '/v1/challenges', { method: 'passkey', ceremony: 'registration', userId })
  const credential = device.register(begun.publicKey)
  return { userId, device, request: answer(begun.id, credential) }
}

const answer = (challengeId: string, credential: object): Request => ({
  method: 'POST',
  path: `/v1/challenges/${challengeId}/verify`,
  body: { credential },
})

async function enrolled(house: House) {
  const { userId, device, request } = await registering(house)
  const { authenticator } = await ask(house, request.path, request.body)
  return { device, path: `/v1/users/${userId}/authenticators/${authenticator.id}` }
}

/** A browser at work on an action, by its token. */
async function tab(house: House, name = 'signIn') {
  const { token } = await ask(house, '/v1/actions', { name })
  const headers = { Authorization: `Bearer ${token}` }
  const request = (step: string, body: unknown = {}): Request => ({
    method: 'POST',
    path: `/client/v1/actions/${step}`,
    body,
    headers,
  })
  const step = (name: string, body?: unknown) => ask(house, request(name).path, body, headers)
  return { request, step }
}

async function offered(house: House) {
  const one = await tab(house)
  const to = fresh()
  await one.step('identify', { to })
  await one.step('send', { method: 'emailCode' })
  await one.step('verify', { code: await codeFor(house, to), canOffer: true })
  return one
}

/** At the step `enroll`. */
async function enrolling(house: House) {
  const { data } = (await house.call('GET', '/v1/rules?limit=100')).body
  if (!data.some((one: { name: string }) => one.name === 'enrols'))
    await ask(house, '/v1/rules', {
      name: 'enrols',
      actionName: 'toEnrol',
      condition: 'true',
      outcome: 'CHALLENGE',
      methods: ['passkey'],
      enrolmentCounts: true,
    })
  const one = await tab(house, 'toEnrol')
  const to = fresh()
  await one.step('identify', { to })
  await one.step('send', { method: 'emailCode' })
  await one.step('verify', { code: await codeFor(house, to) })
  return one
}

export const PASSKEY_OPERATIONS: readonly Operation[] = [
  {
    name: 'begin a sign-in by passkey',
    method: 'createPasskeyChallenge',
    status: 201,
    prepare: async () => ({ method: 'POST', path: '/v1/challenges', body: { method: 'passkey' } }),
  },
  {
    name: 'register a passkey',
    method: 'attempt',
    status: 200,
    prepare: async house => (await registering(house)).request,
  },
  {
    name: 'sign in by passkey',
    method: 'attempt',
    status: 200,
    async prepare(house) {
      const { device } = await enrolled(house)
      const begun = await ask(house, '/v1/challenges', { method: 'passkey' })
      return answer(begun.id, device.authenticate(begun.publicKey))
    },
  },
  {
    name: 'add an authenticator that was proven elsewhere',
    method: 'addAuthenticator',
    status: 201,
    async prepare(house) {
      const device = softwareAuthenticator()
      const userId = await user(house)
      device.register({
        challenge: 'A'.repeat(43),
        rp: { id: 'localhost' },
        user: { id: Buffer.from(userId).toString('base64url') },
      })
      const [passkey] = device.passkeys
      return {
        method: 'POST',
        path: `/v1/users/${userId}/authenticators`,
        body: {
          type: 'passkey',
          credentialId: passkey?.id,
          publicKey: passkey?.publicKey.toString('base64url'),
          isBackupEligible: false,
        },
      }
    },
  },
  {
    name: 'rename an authenticator',
    method: 'renameAuthenticator',
    status: 200,
    again: [200],
    prepare: async house => ({
      method: 'PATCH',
      path: (await enrolled(house)).path,
      body: { name: `Key ${++made}` },
    }),
  },
  {
    name: 'remove an authenticator',
    method: 'removeAuthenticator',
    status: 204,
    again: [404],
    prepare: async house => ({ method: 'DELETE', path: (await enrolled(house)).path }),
  },
  {
    name: 'begin a passkey in an action',
    method: 'beginPasskeyInAction',
    status: 200,
    again: [200],
    prepare: async house => (await tab(house)).request('passkey'),
  },
  {
    name: 'prove by passkey in an action',
    method: 'attemptInAction',
    status: 200,
    again: [409],
    isOnce: true,
    async prepare(house) {
      const { device } = await enrolled(house)
      const { request, step } = await tab(house)
      const { publicKey } = await step('passkey')
      return request('verify', { credential: device.authenticate(publicKey) })
    },
  },
  {
    name: 'take the offer of a passkey',
    method: 'enrolInAction',
    status: 200,
    again: [409],
    isOnce: true,
    async prepare(house) {
      const { request, step } = await offered(house)
      const { publicKey } = await step('enroll')
      return request('enroll/finish', { credential: softwareAuthenticator().register(publicKey) })
    },
  },
  {
    name: 'begin a passkey that a rule takes',
    method: 'beginPasskeyInAction',
    status: 200,
    again: [200],
    prepare: async house => (await enrolling(house)).request('enroll'),
  },
  {
    name: 'enrol a passkey that a rule takes',
    method: 'enrolInAction',
    status: 200,
    again: [409],
    isOnce: true,
    async prepare(house) {
      const { request, step } = await enrolling(house)
      const { publicKey } = await step('enroll')
      return request('enroll/finish', { credential: softwareAuthenticator().register(publicKey) })
    },
  },
]
