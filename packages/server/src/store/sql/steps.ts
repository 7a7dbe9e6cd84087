import { asksWhoProves, type Progress } from '../../core/actions/judge.ts'
import type { Known } from '../../core/actions/signals.ts'
import { maskEmail } from '../../core/addresses/email.ts'
import { OstiaryError } from '../../core/errors.ts'
import type { Attempted, AttemptedInAction, NewDevice, Presented, Store } from '../../core/ports.ts'
import type { Action, ActionProof, Authenticator, User } from '../../core/rows.ts'
import { actionEvent, advanceWhere, contextOf, judgedEvents } from './actions.ts'
import * as columns from './columns.ts'
import { keepDevice } from './devices.ts'
import { insertEvents } from './events.ts'
import { noteOffer } from './offers.ts'
import { isByPasskey } from './passkeys.ts'
import { readPast } from './past.ts'
import type { Row, Transaction } from './transaction.ts'

/** What a proof inside an action, or an enrolment, makes of it: the same write, whatever it was given by. */

type Proving = Omit<Parameters<Store['attemptInAction']>[0], 'approval'> & { approval?: unknown }
type Verified = Extract<Attempted, { kind: 'verified' }>

/**
 * The action's next state after a proof that was verified in this write. Where the action has moved on since `before` was read,
 * all of it is taken back.
 */
export async function goOn(
  tx: Transaction,
  input: Proving,
  before: Row,
  outcome: Verified,
  proof: ActionProof,
): Promise<AttemptedInAction> {
  const { attempt: asked, origin } = input
  const { user } = outcome
  const now = proof.at
  // All proofs of one action are one person's.
  const isOther = before.proofs !== '[]' && user?.id !== before.user_id
  if (!user || isOther) throw new OstiaryError('state_conflict')
  const seen = columns.actions.read(before)
  const known =
    proof.isEnrolment || !asksWhoProves(seen)
      ? null
      : await knownOf(
          tx,
          user,
          outcome,
          'presented' in input ? input.presented : presentedFor(seen, input.device),
          before.epoch,
          now,
        )
  const next = input.progress(seen, proof, known)
  const isDone = next.state === 'CHALLENGE_SUCCEEDED'
  const device =
    isDone && seen.opensSession && input.device
      ? await keepDevice(tx, user, input.device, outcome.challenge.epoch, now)
      : null
  const isOffered = isDone && input.offer ? await noteOffer(tx, user, input.offer, now) : false
  const action = await write(tx, input, before, proof, next, {
    user,
    isOffered,
    deviceId: device?.id ?? null,
  })
  const context = contextOf(asked.circumstances)
  const data = {
    method: proof.method,
    isApproval: input.approval !== undefined,
    ...(proof.isEnrolment && { isEnrolment: true }),
  }
  await insertEvents(tx, [
    actionEvent(isDone ? 'action.challenge_succeeded' : 'action.step_succeeded', action, origin, now, {
      challengeId: proof.challengeId,
      context,
      data,
    }),
    ...judgedEvents(action, origin, now, !seen.isJudged),
    ...(next.state === 'BLOCK'
      ? [actionEvent('action.challenge_failed', action, origin, now, { context, data: { reason: 'rules' } })]
      : []),
  ])
  return { ...outcome, action, isDeviceNew: device?.isNew ?? false }
}

/** The row as it is from now on, unless it has moved on: then all is taken back. */
async function write(
  tx: Transaction,
  input: Proving,
  before: Row,
  proof: ActionProof,
  next: Progress,
  { user, isOffered, deviceId }: { user: User; isOffered: boolean; deviceId: string | null },
): Promise<Action> {
  const isDone = next.state === 'CHALLENGE_SUCCEEDED'
  const given = isOffered || !isDone ? null : input.result
  // What is sent next goes to this person, and to nobody who is typed in.
  const address = addressOf(user)
  // What an action stands on is a proof: an enrolment shows no more than the one before it.
  const last = next.proofs.findLast(one => !one.isEnrolment)
  const action = await advanceWhere(
    tx,
    input,
    // Of two proofs at once the later one is judged anew by what the other has left to prove.
    `proofs = $16 AND ${isByPasskey(input.attempt) ? 'passkey_challenge_id' : 'challenge_id'} = $17`,
    `state = $11, state_changed_at = CASE WHEN state = $11 THEN state_changed_at ELSE CAST($1 AS BIGINT) END, method = $6, user_id = $7,
       result_hash = $8, result_expires_at = $9, offers_passkey = $10, demands = $12, proofs = $13, is_judged = $14, decision = $15,
       challenge_id = $19, device_id = $18, remembers_device = $20,
       ${isDone ? '' : 'passkey_challenge_id = NULL, is_named = 1, address = $21, requested_to = $22,'}
       opening_hash = NULL, approval_number = NULL, approval_hash = NULL, approval_expires_at = NULL`,
    last?.method ?? null,
    user.id,
    given?.hash ?? null,
    given ? proof.at + given.livesMs : null,
    Number(isOffered),
    next.state,
    JSON.stringify(next.demands),
    JSON.stringify(next.proofs),
    Number(next.isJudged),
    JSON.stringify(next.decision),
    before.proofs,
    proof.challengeId,
    deviceId,
    isDone ? (last?.challengeId ?? null) : null,
    Number(input.device?.rememberMs !== 0),
    ...(isDone ? [] : [address, address === null ? null : maskEmail(address)]),
  )
  if (!action) throw new OstiaryError('state_conflict')
  return action
}

/**
 * These proofs of an action, and whether any of them is over: whoever signs the person out everywhere ends all that were not
 * used yet, and with any of them the action.
 */
export async function readProofs(
  tx: Transaction,
  { environmentId }: Action,
  given: readonly ActionProof[],
): Promise<{ isOver: boolean; proofs: Row[] }> {
  if (given.length === 0) return { isOver: false, proofs: [] }
  const rows = await tx.all(
    `SELECT * FROM challenges WHERE id IN (${given.map((_, index) => `$${index + 2}`).join(', ')}) AND environment_id = $1`,
    environmentId,
    ...given.map(one => one.challengeId),
  )
  const enrolments = new Set(given.filter(one => one.isEnrolment).map(one => one.challengeId))
  return {
    isOver: rows.length < given.length || rows.some(row => row.ended_at !== null),
    proofs: rows.filter(row => !enrolments.has(row.id)),
  }
}

/** What the rules may know of a person who has just proven who they are, before that is written down as a sign-in. */
async function knownOf(
  tx: Transaction,
  user: User,
  { isNewUser, challenge }: Pick<Verified, 'isNewUser' | 'challenge'>,
  presented: Presented,
  epoch: number,
  now: number,
): Promise<Known> {
  const { id: userId, environmentId } = user
  const authenticators = await authenticatorTypes(tx, userId)
  const past = await readPast(tx, { environmentId, userId, presented, epoch, now })
  const mayEnrol = isNewUser || challenge.ownerId === userId
  return { user, isNewUser, mayEnrol, authenticators, past }
}

/** The device token of the browser that works on the action: the one in hand, else the one told when it was tracked. */
function presentedFor({ presentedDevice: told }: Action, inHand: NewDevice | null): Presented {
  if (inHand?.presentedHash) return inHand.presentedHash
  if (told !== null) return told === '' ? null : told
  return inHand ? null : undefined
}

async function authenticatorTypes(tx: Transaction, userId: string): Promise<Authenticator['type'][]> {
  const rows = await tx.all('SELECT DISTINCT type FROM authenticators WHERE user_id = $1', userId)
  return rows.map(({ type }) => type)
}

function addressOf({ identifiers }: User): string | null {
  const proven = identifiers.filter(one => one.type === 'email' && one.verifiedAt !== null)
  return (proven.find(one => one.isPrimary) ?? proven[0])?.value ?? null
}
