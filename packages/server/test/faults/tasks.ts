import { newId } from '../../src/core/ids.ts'
import type { ForgeableKind, SealedRow, Settled, Store } from '../../src/core/ports.ts'
import type { ApiKey, Origin } from '../../src/core/rows.ts'
import { newSigningKey } from '../../src/core/sessions/access-token.ts'
import { newEvent } from '../../src/store/sql/events.ts'
import { type House, written } from './house.ts'
import { endpoint, WEBHOOK_TASKS } from './webhooks.ts'

/** One write that no request asks for: of the worker, the upkeep, the start of a server or a command. */
export interface Task {
  name: string
  /** The method of the store that does it. */
  method: keyof Store
  /** In many writes, each of them whole: a run that was refused may have done some. */
  isInSteps?: boolean
  /** Makes what the task needs. */
  prepare(house: House): Promise<Prepared>
}

export interface Prepared {
  /** May be run again after it failed; throws where it does not keep what it promises. */
  run(): Promise<unknown>
  /** What it has come to so far, as far as it may be told apart: the same for every run that was prepared. */
  effect(): unknown
}

async function home(house: House) {
  const view = await house.ostiary.deps.directory.bySlug('test')
  if (!view) throw new Error('no environment test')
  const origin: Origin = {
    environmentId: view.environment.id,
    appId: null,
    actor: { type: 'system', id: null },
    requestId: null,
  }
  return { ...view, origin }
}

let made = 0
async function send(house: House, headers?: Record<string, string>): Promise<string> {
  const to = `w${++made}@faults.example`
  const { status, body } = await house.call('POST', '/v1/challenges', { to }, headers)
  if (status !== 201) throw new Error(`a send answered ${status}`)
  return body.id
}

async function signIn(house: House): Promise<void> {
  const id = await send(house)
  const { body } = await house.call('GET', `/v1/messages?challengeId=${id}`)
  const { status } = await house.call('POST', `/v1/challenges/${id}/verify`, { code: body.data[0].code })
  if (status !== 200) throw new Error(`a code answered ${status}`)
}

const LEASE_MS = 30_000
// A key that is younger than a minute keeps another from being added.
const BETWEEN_KEYS_MS = 61_000
const claim = (house: House) =>
  house.ostiary.store.claimMessages({
    now: house.clock.now(),
    limit: 10,
    leaseMs: LEASE_MS,
    busyDomains: [],
  })

/** Claims the one message that is due, and says how it went. */
async function tried(house: House, keepSealedUntil: number | null): Promise<Settled> {
  const [claimed] = await claim(house)
  if (!claimed) throw new Error('nothing to claim')
  const { id, environmentId } = claimed.message
  const now = house.clock.now()
  return { kind: 'sent', reply: '250', keepSealedUntil, now, id, environmentId, attempt: claimed.attempt }
}

/** One step of ending a kind: `left` counts what a leaked secret could still use. */
function end(kind: ForgeableKind, left: string, prepare: (house: House) => Promise<unknown>): Task {
  return {
    name: `end the ${kind} of a leaked secret`,
    method: 'endForgeable',
    async prepare(house) {
      const { origin } = await home(house)
      await prepare(house)
      const before = house.counts()
      const input = { kind, origin, after: '', limit: 1000 }
      return {
        run: () => house.ostiary.store.endForgeable({ ...input, now: house.clock.now() }),
        effect: () => [house.look(`SELECT count(*) FROM ${left}`), written(before, house.counts())],
      }
    },
  }
}

/** Every way without a request in which something is written. */
export const TASKS: readonly Task[] = [
  {
    name: 'claim messages',
    method: 'claimMessages',
    async prepare(house) {
      house.clock.advance(LEASE_MS + 1000)
      await house.deliver()
      await send(house)
      return {
        async run() {
          // A claim whose answer was lost holds its message for the time of a lease, and no longer.
          house.clock.advance(LEASE_MS + 1000)
          const claimed = await claim(house)
          if (claimed.length !== 1) throw new Error(`${claimed.length} messages were claimed`)
        },
        effect: () =>
          house.look(`SELECT count(*) FROM messages WHERE status = 'queued' AND leased_until > 0`),
      }
    },
  },
  {
    name: 'settle messages',
    method: 'settleMessages',
    async prepare(house) {
      await send(house)
      const outcome = await tried(house, null)
      const before = house.counts()
      return {
        run: () => house.ostiary.store.settleMessages([outcome]),
        effect: () => [
          house.look(`SELECT status, sealed IS NULL FROM messages WHERE id = '${outcome.id}'`),
          written(before, house.counts()),
        ],
      }
    },
  },
  {
    name: 'purge',
    method: 'purge',
    isInSteps: true,
    async prepare(house) {
      const { environment, settings } = await home(house)
      const { weakGuessesPerAddress: perAddress, weakGuessesPerEnvironment: perEnvironment } = settings.limits
      await send(house)
      await house.deliver()
      house.clock.advance(100 * 86_400_000)
      return {
        async run() {
          const input: Parameters<Store['purge']>[0] = {
            now: house.clock.now(),
            environmentId: environment.id,
            retentionDays: settings.retentionDays,
            exposure: { perAddress, perEnvironment },
            limit: 100,
          }
          while (await house.ostiary.store.purge(input));
        },
        effect: () => house.counts().challenges,
      }
    },
  },
  {
    name: 'add a signing key',
    method: 'addSigningKey',
    async prepare(house) {
      const { environment, origin } = await home(house)
      const { store, deps } = house.ostiary
      house.clock.advance(BETWEEN_KEYS_MS)
      const now = house.clock.now()
      const key = await newSigningKey(deps.keyring, environment.id, now, now + 1000)
      const before = house.counts()
      return {
        run: () => store.addSigningKey(key, origin, now),
        effect: () => written(before, house.counts()),
      }
    },
  },
  {
    name: 'create an environment',
    method: 'createEnvironment',
    async prepare(house) {
      const { environment, defaultApp, origin } = await home(house)
      house.clock.advance(1000)
      const now = house.clock.now()
      const id = newId('env', now)
      const app = {
        ...defaultApp,
        id: newId('app', now),
        environmentId: id,
        publishableKey: `opk_test_${now}`,
      }
      const added = { ...environment, id, slug: `s${now}`, createdAt: now }
      const before = house.counts()
      return {
        run: () => house.ostiary.store.createEnvironment(added, app, { ...origin, environmentId: id }, now),
        effect: () => written(before, house.counts()),
      }
    },
  },
  {
    name: 'tidy signing keys',
    method: 'tidySigningKeys',
    async prepare(house) {
      const { environment, origin } = await home(house)
      const { store } = house.ostiary
      house.clock.advance(BETWEEN_KEYS_MS)
      const now = house.clock.now()
      const [key] = await store.listSigningKeys(environment.id)
      if (!key) throw new Error('no key')
      const old = { ...key, id: newId('key', now), createdAt: now, activatesAt: now }
      if (!(await store.addSigningKey(old, origin, now))) throw new Error('no key to remove')
      const sealed = `${key.sealedPrivateJwk}.${++made}`
      return {
        run: () =>
          store.tidySigningKeys({
            now,
            remove: [old.id],
            reseal: [{ id: key.id, sealedPrivateJwk: sealed }],
          }),
        effect: () => [
          house.look(`SELECT count(*) FROM signing_keys WHERE id = '${old.id}'`),
          house.look(`SELECT count(*) FROM signing_keys WHERE sealed_private_jwk = '${sealed}'`),
        ],
      }
    },
  },
  {
    name: 'add events',
    method: 'addEvents',
    async prepare(house) {
      const { origin } = await home(house)
      const requestId = `req_${++made}`
      return {
        run: () =>
          house.ostiary.store.addEvents(
            // More than go into one statement. What was told before is told again: nobody can know.
            Array.from({ length: 21 }, () =>
              newEvent('settings.updated', { ...origin, requestId }, house.clock.now()),
            ),
          ),
        effect: () => {
          const [[count] = []] = house.look(`SELECT count(*) FROM events WHERE request_id = '${requestId}'`)
          return Number(count) % 21 === 0 ? Number(count) > 0 : `${count} events`
        },
      }
    },
  },
  {
    name: 'seal anew',
    method: 'reseal',
    async prepare(house) {
      const { store } = house.ostiary
      await send(house)
      const all = { exceptKeyId: 'another.', after: '', limit: 1000 }
      const [key, message] = await Promise.all([
        store.listSealed({ ...all, kind: 'signingKey' }),
        store.listSealed({ ...all, kind: 'message' }),
      ])
      const mark = `.again${++made}`
      const rows = [key.at(-1), message.at(-1)]
        .filter((row): row is SealedRow => row !== undefined)
        .map(row => ({ ...row, resealed: row.sealed + mark }))
      return {
        run: () => store.reseal(rows, house.clock.now()),
        effect: () => [
          house.look(`SELECT count(*) FROM signing_keys WHERE sealed_private_jwk LIKE '%${mark}'`),
          house.look(`SELECT count(*) FROM messages WHERE sealed LIKE '%${mark}'`),
        ],
      }
    },
  },
  {
    name: 'replace the signing keys of a leaked secret',
    method: 'replaceSigningKeys',
    async prepare(house) {
      const { environment, origin } = await home(house)
      const { store, deps } = house.ostiary
      house.clock.advance(BETWEEN_KEYS_MS)
      const now = house.clock.now()
      const newKey = () => newSigningKey(deps.keyring, environment.id, now, now)
      if (!(await store.addSigningKey(await newKey(), origin, now))) throw new Error('no key to replace')
      const devKey: ApiKey = {
        id: newId('key', now),
        environmentId: environment.id,
        name: 'dev',
        hint: 'osk_test_…',
        scopes: ['admin'],
        isDevelopment: true,
        createdAt: now,
        revokedAt: null,
      }
      await store.createApiKey(devKey, `hash-${++made}`, origin, now)
      const next = await newKey()
      const told = (type: string, id: string) =>
        house.look(
          `SELECT count(*) > 0 FROM events WHERE type = '${type}' AND json_extract(data, '$.keyId') = '${id}'`,
        )
      return {
        run: () => store.replaceSigningKeys(next, origin, now),
        effect: () => [
          house.look(`SELECT id = '${next.id}' FROM signing_keys WHERE environment_id = '${environment.id}'`),
          house.look(`SELECT revoked_at IS NOT NULL FROM api_keys WHERE id = '${devKey.id}'`),
          told('signing_key.rotated', next.id),
          told('api_key.revoked', devKey.id),
        ],
      }
    },
  },
  {
    name: 'deny a sign-in',
    method: 'denySignIn',
    async prepare(house) {
      const { origin } = await home(house)
      const challengeId = await send(house)
      const now = house.clock.now()
      return {
        run: () =>
          house.ostiary.store.denySignIn({
            challengeId,
            event: newEvent('hook.denied', origin, now, { challengeId }),
            origin,
            now,
          }),
        effect: () => [
          house.look(`SELECT ended_at IS NOT NULL FROM challenges WHERE id = '${challengeId}'`),
          house.look(
            `SELECT count(*) > 0 FROM events WHERE type = 'hook.denied' AND challenge_id = '${challengeId}'`,
          ),
        ],
      }
    },
  },
  end('hookSecrets', 'hook_secrets', async house => {
    const { status } = await house.call('POST', '/v1/hooks/before-sign-in/rotate-secret', {})
    if (status !== 200) throw new Error(`a rotation answered ${status}`)
  }),
  end('sessions', 'sessions WHERE revoked_at IS NULL', signIn),
  end('challenges', 'challenges WHERE ended_at IS NULL', send),
  end('messages', 'messages WHERE sealed IS NOT NULL', async house => {
    await send(house)
    const outcome = await tried(house, house.clock.now() + 86_400_000)
    await house.ostiary.store.settleMessages([outcome])
    await send(house)
  }),
  ...WEBHOOK_TASKS,
  end('webhookEndpoints', 'webhook_endpoints WHERE sealed_secret IS NOT NULL', endpoint),
  end('idempotency', 'idempotency', house => send(house, { 'Idempotency-Key': `ended-${++made}` })),
]

/** What the worker, a scraper or a command reads without a request of a customer: it refuses, and says what is so later. */
export const READS: Partial<Record<keyof Store, (store: Store, now: number) => Promise<unknown>>> = {
  vitals: store => store.vitals(),
  nextDueAt: store => store.nextDueAt(),
  readLists: store => store.readLists('env_unknown'),
  readPast: (store, now) =>
    store.readPast({ environmentId: 'env_unknown', userId: 'usr_unknown', presented: 'hash', epoch: 1, now }),
  readUsage: store => store.readUsage({ environmentId: 'env_unknown', from: 0, to: 1, by: 'day' }),
  holdsLease: (store, now) => store.holdsLease('msg_unknown', 1, now),
  listDueWebhooks: store => store.listDueWebhooks(),
  listHookSecrets: (store, now) => store.listHookSecrets('env_unknown', now),
  holdsWebhookLease: (store, now) => store.holdsWebhookLease('dlv_unknown', 1, now),
  listSealed: store => store.listSealed({ kind: 'message', exceptKeyId: 'another.', after: '', limit: 10 }),
}
