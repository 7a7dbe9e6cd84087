import { setTimeout as pause } from 'node:timers/promises'
import type { Call, Deps } from '../deps.ts'
import { newId } from '../ids.ts'
import type { ForgeableKind } from '../ports.ts'
import { newSigningKey } from '../sessions/access-token.ts'

const STEP_ROWS = 200
const PAUSE_MS = 10

/** How many rows of an environment were ended. */
export type Ended = Record<ForgeableKind, number>

/**
 * Ends what whoever knows an old secret, and has seen the database, could forge or read (PROTOCOL section 6), in one
 * environment: signing keys and development keys at once, in one write; then sessions, devices, challenges, messages, kept
 * answers and webhook endpoints in small steps. Offline checks take tokens of the old signing key until their copy of the JWKS is read anew.
 * Safe to run again: a run that broke off has ended less, and nothing else.
 */
export async function replaceSecret(deps: Deps, { origin, view }: Call): Promise<Ended> {
  const { store, clock, keyring, directory } = deps
  const now = clock.now()
  const key = await newSigningKey(keyring, view.environment.id, now, now)
  await store.replaceSigningKeys(key, origin, now)
  directory.forget()
  const ended: Ended = {
    sessions: await endAll(deps, 'sessions', origin),
    devices: await endAll(deps, 'devices', origin),
    challenges: await endAll(deps, 'challenges', origin),
    messages: await endAll(deps, 'messages', origin),
    idempotency: await endAll(deps, 'idempotency', origin),
    webhookEndpoints: await endAll(deps, 'webhookEndpoints', origin),
    hookSecrets: await endAll(deps, 'hookSecrets', origin),
  }
  const at = clock.now()
  await store.addEvents([
    {
      id: newId('evt', at),
      type: 'secret.rotated',
      ...origin,
      userId: null,
      challengeId: null,
      actionId: null,
      sessionId: null,
      organizationId: null,
      context: null,
      data: { keyId: keyring.currentKeyId, ended },
      createdAt: at,
    },
  ])
  return ended
}

async function endAll(
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
  kind: ForgeableKind,
  origin: Call['origin'],
): Promise<number> {
  let ended = 0
  let after: string | null = ''
  while (after !== null) {
    const step: { ended: number; next: string | null } = await store.endForgeable({
      kind,
      origin,
      now: clock.now(),
      after,
      limit: STEP_ROWS,
    })
    ended += step.ended
    after = step.next
    // Between two steps the requests of a running server have their turn.
    if (after !== null) await pause(PAUSE_MS)
  }
  return ended
}
