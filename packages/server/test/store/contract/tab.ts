import { newId } from '../../../src/core/ids.ts'
import type { Approval, AtAction, Attempt, AttemptedInAction, NewAction } from '../../../src/core/ports.ts'
import type { Action, Challenge } from '../../../src/core/rows.ts'
import { type House, hashOf, MINUTE, NOBODY, STRONG, WEAK } from './house.ts'

/** Short words for what the tests of actions do all the time. */

export const LIVES = 15 * MINUTE
export const RESULT_LIVES = MINUTE
export const workingOf = ({ id }: Pick<Action, 'id'>) => hashOf(id, 'working')
export const openingOf = ({ id }: Pick<Action, 'id'>) => hashOf(id, 'opening')
export const resultOf = ({ id }: Pick<Action, 'id'>) => ({
  hash: hashOf(id, 'result'),
  livesMs: RESULT_LIVES,
})

export function newAction(house: House, row: Partial<Action> = {}, more: Partial<NewAction> = {}): NewAction {
  const now = house.now()
  const id = newId('act', now)
  return {
    origin: house.origin,
    now,
    row: {
      id,
      environmentId: house.environment.id,
      appId: house.app.id,
      epoch: 1,
      name: 'signIn',
      reference: null,
      askedHash: null,
      intent: null,
      attributes: {},
      demands: [],
      proofs: [],
      isJudged: true,
      opensSession: true,
      decision: null,
      outcome: 'CHALLENGE',
      state: 'CHALLENGE_REQUIRED',
      stateChangedAt: now,
      reason: null,
      isTracked: true,
      isNamed: false,
      userId: null,
      address: null,
      requestedTo: null,
      challengeId: null,
      method: null,
      redirectUrl: null,
      clientState: null,
      codeChallenge: null,
      loginHint: null,
      locale: null,
      ipAddress: null,
      userAgent: null,
      presentedDevice: null,
      remembersDevice: true,
      deviceId: null,
      approvalNumber: null,
      approvalExpiresAt: null,
      resultExpiresAt: null,
      validatedAt: null,
      createdAt: now,
      expiresAt: now + LIVES,
      passkeyChallengeId: null,
      offersPasskey: false,
      ...row,
    },
    limits: [],
    openingHash: hashOf(id, 'opening'),
    workingHash: hashOf(id, 'working'),
    ...more,
  }
}

/** Tracks an action that must pass. */
export async function tracked(house: House, row?: Partial<Action>): Promise<Action> {
  const outcome = await house.store.createAction(newAction(house, row))
  if (outcome.kind !== 'tracked') throw new Error(`not tracked: ${outcome.kind}`)
  return outcome.action
}

export const at = (house: House, action: Action, more: Partial<AtAction> = {}): AtAction => ({
  origin: house.origin,
  now: house.now(),
  epoch: 1,
  actionId: action.id,
  workingHash: workingOf(action),
  ...more,
})

export const address = (house: House, action: Action, to: string, more?: Partial<AtAction>) =>
  house.store.addressAction({ ...at(house, action, more), address: to, requestedTo: to })

export const send = (
  house: House,
  action: Action,
  to: string,
  credential: 'code' | 'link' = 'code',
  more?: Partial<AtAction>,
) =>
  house.store.sendInAction({
    ...at(house, action, more),
    challenge: house.newChallenge(to, {
      row: { credential, actionId: action.id, opensSession: false, expiresAt: house.now() + LIVES },
    }),
  })

/** An action at the step `code` or `link`. */
export async function sent(
  house: House,
  to = 'a@x.test',
  credential?: 'code' | 'link',
  row?: Partial<Action>,
) {
  const action = await tracked(house, row)
  if (!(await address(house, action, to))) throw new Error('not addressed')
  const outcome = await send(house, action, to, credential)
  if (outcome.kind !== 'created') throw new Error(`not sent: ${outcome.kind}`)
  return { action, challenge: outcome.challenge }
}

interface How {
  at?: Partial<AtAction>
  attempt?: Partial<Attempt>
  approval?: Approval
  withResult?: boolean
}

function attemptIn(
  house: House,
  action: Action,
  proof: Attempt['proof'],
  how: How,
): Promise<AttemptedInAction> {
  const where = at(house, action, how.at)
  return house.store.attemptInAction({
    ...where,
    attempt: house.attemptOf(proof, { ...where, actionId: action.id, ...how.attempt }),
    result: how.withResult === false ? null : resultOf(action),
    device: null,
    progress: ({ demands, decision, proofs }, proof) => ({
      demands,
      decision,
      isJudged: true,
      proofs: [...proofs, proof],
      state: 'CHALLENGE_SUCCEEDED',
    }),
    ...(how.approval && { approval: how.approval }),
  })
}

export const answer = (house: House, action: Action, challenge: Challenge, code = '', how: How = {}) => {
  const typed = code === '' ? (challenge.isStrong ? STRONG : WEAK) : code
  const proof: Attempt['proof'] = {
    kind: 'code',
    challengeId: challenge.id,
    hashes: [hashOf(challenge.id, typed)],
  }
  return attemptIn(house, action, proof, how)
}

/** The press of the mailed link, which holds no working token. */
export const press = (house: House, action: Action, challenge: Challenge, how: How = {}) =>
  attemptIn(
    house,
    action,
    {
      kind: 'link',
      token: 'press',
      hash: hashOf(challenge.id, 'link'),
      challengeId: challenge.id,
      codeChallenge: challenge.codeChallenge,
    },
    { ...how, at: { workingHash: null, ...how.at } },
  )

export const approvalOf = (challenge: Challenge, number: string, browser = 'phone'): Approval => ({
  challengeId: challenge.id,
  number,
  browserHash: hashOf(browser),
  wrongLimit: { name: 'wrongApprovals', key: challenge.address, windows: [{ ms: 24 * 60 * MINUTE, max: 3 }] },
})

export const ask = (house: House, action: Action, approval: Approval, more: Partial<AtAction> = {}) =>
  house.store.askApproval({
    ...at(house, action, { workingHash: null, ...more }),
    approval,
    livesMs: 2 * MINUTE,
  })

/** Proven by a code, with the result token of `resultOf`. */
export async function proven(house: House, row?: Partial<Action>) {
  const { action, challenge } = await sent(house, undefined, undefined, row)
  const outcome = await answer(house, action, challenge)
  if (outcome.kind !== 'verified') throw new Error(`not proven: ${outcome.kind}`)
  return outcome
}

export const finish = (
  house: House,
  action: Action,
  more?: Partial<AtAction>,
  hash = resultOf(action).hash,
) =>
  house.store
    .finishAction({
      ...at(house, action, more),
      result: { hash, livesMs: RESULT_LIVES },
      device: null,
      circumstances: NOBODY,
    })
    .then(finished => finished?.action ?? null)

export const cancel = (house: House, action: Action, more?: Partial<AtAction>) =>
  house.store.cancelAction(at(house, action, more))

export const validate = (
  house: House,
  action: Action,
  more: Partial<Parameters<House['store']['validateAction']>[0]> = {},
) =>
  house.store.validateAction({
    origin: house.origin,
    now: house.now(),
    epoch: 1,
    resultHash: resultOf(action).hash,
    appId: null,
    name: 'signIn',
    userId: null,
    codeChallenge: null,
    session: { ...house.newSession(), circumstances: NOBODY },
    ...more,
  })

export const openSession = (
  house: House,
  action: Action,
  more: Partial<Parameters<House['store']['openActionSession']>[0]> = {},
) =>
  house.store.openActionSession({
    origin: house.origin,
    now: house.now(),
    epoch: 1,
    actionId: action.id,
    withinMs: 10 * MINUTE,
    session: house.newSession(),
    ...more,
  })

/** All that a write could leave behind, to be compared. */
export async function standing(house: House): Promise<unknown> {
  const { rows } = house
  return {
    counts: await house.counts(),
    actions: await rows('SELECT * FROM actions ORDER BY id'),
    challenges: await rows('SELECT * FROM challenges ORDER BY id'),
  }
}

/** What came of it, by one word: a refusal that was thrown (the write was taken back) is told as the answer is. */
export async function told(outcome: Promise<unknown>): Promise<string> {
  try {
    const answer = await outcome
    return answer === null ? 'over' : ((answer as { kind?: string }).kind ?? 'done')
  } catch (error) {
    if ((error as { code?: string }).code === 'state_conflict') return 'stateConflict'
    throw error
  }
}

export async function toldAll(outcomes: Promise<unknown>[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const word of await Promise.all(outcomes.map(told))) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
