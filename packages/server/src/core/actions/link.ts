import { latinDigits } from '../challenges/code.ts'
import { type Call, type Deps, refuse } from '../deps.ts'
import { presentedHash } from '../devices/devices.ts'
import { emailLink } from '../methods/email-link.ts'
import type { Approval, Circumstances } from '../ports.ts'
import type { Action, Challenge } from '../rows.ts'
import { newToken } from '../tokens.ts'
import {
  type ActionResult,
  attemptOf,
  deviceOf,
  isGiven,
  progressOf,
  proven,
  RESULT_LIVES_MS,
  resultOf,
} from './work.ts'

/** Wrong numbers of approvals, for one address: then a link opened elsewhere counts for nothing until the next day. */
const WRONG_NUMBERS = { ms: 24 * 60 * 60_000, max: 3 }
const APPROVAL_LIVES_MS = 2 * 60_000

/** A link of an action that somebody has opened, and the browser in which it is. */
export interface OpenedLink extends Call {
  action: Action
  challenge: Challenge
  linkToken: string
  circumstances: Circumstances
  /** The device token of the browser that opens the link: null for none yet. */
  shown: string | null
  isRemembered: boolean
}

/**
 * What a press of a link means (CONTRACT section 7, `challenge.linkBrowser`): `continue` for the browser that works on the
 * action, and for any with `anywhere`; else `approve`, or `back` to the browser that asked. A verifier binds the result to
 * the first browser, so there nobody goes on from anywhere.
 */
export function pressMeans(
  { view, action }: OpenedLink,
  isSameBrowser: boolean,
): 'continue' | 'approve' | 'back' {
  const { linkBrowser } = view.settings.challenge
  if (isSameBrowser) return 'continue'
  if (linkBrowser === 'anywhere' && action.codeChallenge === null && action.redirectUrl !== null)
    return 'continue'
  return linkBrowser === 'same' ? 'back' : 'approve'
}

/**
 * Proves by the press itself. Where there is somewhere to go, the result is in this answer; else the first tab finishes.
 * What counts is the device of the browser that presses, for that is the one that goes on; `deviceToken` where it gets a new
 * one. Refusals: those of `verifyLink`, and `state_conflict`.
 */
export async function pressInAction(
  deps: Deps,
  link: OpenedLink,
  isSameBrowser: boolean,
): Promise<{ result: ActionResult | null; deviceToken: string | null }> {
  const { action, shown } = link
  // Elsewhere the app's backend takes the result, and keeps the token.
  const { device, deviceToken } = deviceOf(deps, { ...link, shown: isSameBrowser ? shown : undefined })
  const token = action.redirectUrl === null ? null : newToken('oht', deps.random.bytes(32))
  const outcome = await deps.store.attemptInAction({
    ...at(deps, link),
    attempt: pressOf(deps, link),
    result: token === null ? null : { hash: deps.keyring.tokenHash(token), livesMs: RESULT_LIVES_MS },
    device,
    // What was told at the beginning is another browser's.
    ...(!isSameBrowser && { presented: presentedHash(deps.keyring, shown) ?? null }),
    progress: progressOf(deps, link),
  })
  const { action: done, isDeviceNew } = proven(outcome)
  const result = token === null || !isGiven(done) ? null : resultOf(done, token)
  return { result, deviceToken: isDeviceNew ? deviceToken : null }
}

/**
 * Draws the two-digit number that the first tab shows and this browser has to type; false where approval is off after
 * three wrong ones a day. Refusal: `state_conflict`.
 */
export async function askApproval(deps: Deps, link: OpenedLink, browser: string): Promise<boolean> {
  const number = String(10 + deps.random.below(90))
  const asked = await deps.store.askApproval({
    ...at(deps, link),
    approval: approvalOf(deps, link, browser, number),
    livesMs: APPROVAL_LIVES_MS,
  })
  if (asked.kind === 'stateConflict') return refuse('state_conflict')
  return asked.kind === 'asked'
}

/** Proves for the first tab by the number that it shows. What became of it; a wrong one ends this approval, not the challenge. */
export async function approve(
  deps: Deps,
  link: OpenedLink,
  browser: string,
  number: string,
): Promise<'approved' | 'wrong' | 'over' | 'off'> {
  const outcome = await deps.store.attemptInAction({
    ...at(deps, link),
    attempt: pressOf(deps, link),
    result: null,
    device: null,
    progress: progressOf(deps, link),
    approval: approvalOf(deps, link, browser, latinDigits(number).trim()),
  })
  if (outcome.kind === 'approvalWrong') return 'wrong'
  if (outcome.kind === 'approvalOver') return 'over'
  if (outcome.kind === 'limited') return 'off'
  proven(outcome)
  return 'approved'
}

const pressOf = (deps: Deps, link: OpenedLink) => ({
  ...attemptOf(
    deps,
    link,
    link.action,
    emailLink.finish(deps, link.challenge, link.linkToken),
    link.circumstances,
  ),
  // A mailed token cannot be guessed: nobody is counted, or kept out, for it.
  wrongLimits: [],
})

function approvalOf(deps: Deps, { challenge }: OpenedLink, browser: string, number: string): Approval {
  return {
    challengeId: challenge.id,
    number,
    browserHash: deps.keyring.tokenHash(browser),
    wrongLimit: { name: 'wrongApprovals', key: challenge.address, windows: [WRONG_NUMBERS] },
  }
}

const at = (deps: Deps, { action, origin }: OpenedLink) => ({
  origin: { ...origin, appId: action.appId },
  now: deps.clock.now(),
  epoch: deps.epoch,
  actionId: action.id,
  workingHash: null,
})
