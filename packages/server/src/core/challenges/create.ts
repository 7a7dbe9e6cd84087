import { maskEmail, parseEmail } from '../addresses/email.ts'
import { isRedirectUrlAllowed, redirectUrlFault, withQuery } from '../addresses/redirect-url.ts'
import { type Call, circumstancesOf, type Deps, limitedError, refuse, type ToldContext } from '../deps.ts'
import { presentedHash } from '../devices/devices.ts'
import { fieldError, OstiaryError } from '../errors.ts'
import { type Keep, writeOnce } from '../idempotency.ts'
import { newId } from '../ids.ts'
import { exposureOf, knownSend, sendLimits } from '../limits/limits.ts'
import { sealContent } from '../messages/content.ts'
import type { CodeForm, Created, NewChallenge } from '../ports.ts'
import type { App, Challenge, Credential } from '../rows.ts'
import type { Settings } from '../settings/settings.ts'
import { countryOf } from '../signals/networks.ts'
import { templateNamed } from '../templates/fit.ts'
import { newToken } from '../tokens.ts'
import { newCode, newTag, STRONG_LENGTH } from './code.ts'

/** `POST /v1/challenges`, with the types that its validator has checked (CONTRACT section 2). */
export interface CreateChallenge {
  to?: string | undefined
  userId?: string | undefined
  channel?: 'email' | undefined
  purpose?: string | undefined
  credential?: Credential | undefined
  redirectUrl?: string | undefined
  linkVia?: 'ostiary' | 'app' | undefined
  codeChallenge?: string | undefined
  state?: string | undefined
  expiresInSeconds?: number | undefined
  locale?: string | undefined
  template?: string | undefined
  templateVariables?: Record<string, string> | undefined
  userMode?: 'create' | 'existing' | 'none' | undefined
  externalId?: string | undefined
  session?: boolean | undefined
  context?: ToldContext | undefined
  appId?: string | undefined
  metadata?: Record<string, unknown> | undefined
  /** Not on the wire: see `NewChallenge`. */
  claimantId?: string | undefined
}

/** A challenge inside an action; its link leads back to the action, so it needs no redirectUrl. */
export interface ActionChallenge extends CreateChallenge {
  credential: Credential
  actionId: string
  /** Of the device token that counts in the action; null where none does. */
  presentedHash: string | null
  /** What the mail may tell of the action, where its address is proven or not. */
  variables(isAddressProven: boolean): Record<string, string>
}

/**
 * Starts a challenge and queues its message: guards, then one write, then the answer. Mail, decoys and strength are
 * decided in the write; the answer is the same for known, unknown and blocked addresses.
 *
 * Refusals: `invalid_request`, `redirect_url_not_allowed`, `template_invalid`, `destination_not_allowed`,
 * `rate_limited` with the limit's name, `not_found` for an unknown userId or appId.
 */
export async function createChallenge(
  deps: Deps,
  call: Call,
  input: CreateChallenge,
  keep?: Keep<Challenge>,
): Promise<Challenge> {
  const asked = await newChallenge(deps, call, input)
  return await writeOnce<Created, Challenge>(
    keep,
    once => deps.store.createChallenge(asked, once),
    createdChallenge,
  )
}

/** The challenge that was created, or the refusal. */
export function createdChallenge(outcome: Created): Challenge {
  if (outcome.kind === 'limited') throw limitedError(outcome)
  if (outcome.kind === 'userUnknown')
    return refuse('not_found', 'There is no such user, or it has no e-mail address.')
  return outcome.challenge
}

/** All guards before the write, and what the write needs. Refusals: those of `createChallenge` but the limits. */
export async function newChallenge(
  deps: Deps,
  call: Call,
  input: CreateChallenge | ActionChallenge,
): Promise<NewChallenge> {
  const { view, origin } = call
  const { settings, environment } = view
  const now = deps.clock.now()
  const app = appOf(call, input.appId)
  const { identity, requestedTo, isProven } = await addressOf(deps, call, input)
  guardDestination(settings, identity)
  const actionId = 'actionId' in input ? input.actionId : null
  const credential = actionId === null ? credentialOf(settings, input) : (input.credential ?? 'code')
  guardRedirect(call, app, input)
  const templateVariables = 'variables' in input ? input.variables(isProven) : (input.templateVariables ?? {})
  // In an action nobody could mend it: what fits no more is mailed without it.
  if (input.template !== undefined && actionId === null)
    templateNamed(view, input.template, { credential, templateVariables })
  const circumstances = circumstancesOf(input.context)
  const presented =
    'presentedHash' in input ? input.presentedHash : presentedHash(deps.keyring, input.context?.deviceToken)
  const purpose = input.purpose ?? 'signIn'
  const linkVia = input.linkVia ?? settings.challenge.linkVia
  const expiresAt = now + 1000 * (input.expiresInSeconds ?? settings.challenge.expiresInSeconds)

  const id = newId('chl', now)
  const messageId = newId('msg', now)
  const secrets = newSecrets(deps, call, {
    challengeId: id,
    messageId,
    purpose,
    credential,
    linkVia,
    redirectUrl: input.redirectUrl ?? null,
    state: input.state ?? null,
    codeLength: settings.challenge.codeLength,
  })
  return {
    origin: { ...origin, appId: app.id },
    now,
    epoch: deps.epoch,
    row: {
      id,
      environmentId: environment.id,
      appId: app.id,
      epoch: deps.epoch,
      purpose,
      channel: 'email',
      credential,
      method: null,
      ceremony: null,
      userVerification: null,
      address: identity,
      requestedTo,
      userMode: input.userMode ?? (settings.signUp === 'closed' ? 'existing' : 'create'),
      externalId: input.externalId ?? null,
      opensSession: input.userMode !== 'none' && (input.session ?? purpose === 'signIn'),
      tag: newTag(deps.random),
      redirectUrl: input.redirectUrl ?? null,
      linkVia,
      codeChallenge: input.codeChallenge ?? null,
      state: input.state ?? null,
      locale: input.locale ?? null,
      template: input.template ?? null,
      templateVariables,
      metadata: input.metadata ?? {},
      maxAttempts: settings.challenge.maxAttempts,
      maxSends: settings.challenge.maxSends,
      sends: 1,
      resendAt: now + 1000 * (settings.challenge.resendWaitSeconds[0] ?? 30),
      ipAddress: circumstances.ipAddress,
      userAgent: circumstances.userAgent,
      createdAt: now,
      expiresAt,
      provenBy: null,
      actionId,
    },
    country: countryOf(deps.networks, circumstances.ipAddress),
    userId: input.userId ?? null,
    claimantId: input.claimantId ?? null,
    isSignUpOpen: settings.signUp === 'open',
    hasCode: credential !== 'link',
    ...secrets,
    messageId,
    limits: sendLimits(settings, identity, circumstances),
    known: presented ? { tokenHash: presented, ...knownSend(settings, circumstances) } : null,
    exposure: exposureOf(settings),
  }
}

interface SecretsInput {
  challengeId: string
  messageId: string
  purpose: string
  credential: Credential
  linkVia: 'ostiary' | 'app'
  redirectUrl: string | null
  state: string | null
  codeLength: number
}

/** The code and the link of one send, sealed for its message. The code is made when the write knows how strong. */
export function newSecrets(
  deps: Deps,
  call: Call,
  input: SecretsInput,
): { newCode(isStrong: boolean): CodeForm; linkHash: string | null } {
  const { keyring, random, publicUrl } = deps
  const token = input.credential === 'code' ? null : newToken('olk', random.bytes(32))
  const link = token === null ? null : linkOf(publicUrl, token, input)
  return {
    newCode(isStrong) {
      const length = isStrong ? STRONG_LENGTH : input.codeLength
      const code = input.credential === 'link' ? null : newCode(random, length)
      return {
        length,
        hash: code === null ? '' : keyring.codeHash(code, input.challengeId, input.purpose),
        sealed: sealContent(keyring, call.view.environment.id, input.messageId, { code, link }),
      }
    },
    linkHash: token === null ? null : keyring.tokenHash(token),
  }
}

function linkOf(publicUrl: string, token: string, { linkVia, redirectUrl, state }: SecretsInput): string {
  if (linkVia === 'ostiary' || redirectUrl === null) return `${publicUrl}/l/${token}`
  return withQuery(redirectUrl, { token, state })
}

export function appOf({ view }: Call, appId: string | undefined): App {
  if (appId === undefined) return view.defaultApp
  return view.apps.find(app => app.id === appId) ?? refuse('not_found', 'There is no such app.')
}

async function addressOf(
  deps: Deps,
  { view }: Call,
  { to, userId }: CreateChallenge,
): Promise<{ identity: string; requestedTo: string; isProven: boolean }> {
  if ((to === undefined) === (userId === undefined))
    throw fieldError('to', 'invalid_value', 'exactly one of to and userId is needed')
  if (to !== undefined) {
    const email = parseEmail(to)
    if (!email) throw fieldError('to', 'invalid_format', 'is not one e-mail address that Ostiary can send to')
    return { identity: email.identity, requestedTo: to, isProven: false }
  }
  const user = await deps.store.findUser(view.environment.id, userId ?? '')
  // A proven address before others: an unproven one, perhaps mistyped, leads to no account.
  const emails = user?.identifiers.filter(one => one.type === 'email') ?? []
  const email = emails.find(one => one.verifiedAt !== null) ?? emails[0]
  if (!email) return refuse('not_found', 'There is no such user, or it has no e-mail address.')
  return {
    identity: email.value,
    requestedTo: maskEmail(email.value),
    isProven: email.verifiedAt !== null,
  }
}

/** Refuses an address whose domain the settings do not allow. */
export function guardDestination({ emailDomains: { allow, block } }: Settings, address: string) {
  const domain = address.slice(address.lastIndexOf('@') + 1)
  const isIn = (list: readonly string[]) =>
    list.some(entry => domain === entry || domain.endsWith(`.${entry}`))
  if (isIn(block) || (allow.length > 0 && !isIn(allow)))
    return refuse('destination_not_allowed', 'The settings do not allow this e-mail domain.')
}

function credentialOf(settings: Settings, { credential, redirectUrl }: CreateChallenge): Credential {
  const { emailCode, emailLink } = settings.methods
  const wanted = credential ?? settings.challenge.credential
  const result = credential === undefined && redirectUrl === undefined ? 'code' : wanted
  if (result !== 'code' && redirectUrl === undefined)
    throw new OstiaryError('invalid_request', {
      detail: 'A link needs a page to lead to: credential asks for a link, and redirectUrl is missing.',
      errors: [
        { path: 'credential', code: 'invalid_value', message: 'asks for a link, which needs redirectUrl' },
        { path: 'redirectUrl', code: 'required', message: 'is needed for a link' },
      ],
    })
  if ((result !== 'link' && !emailCode) || (result !== 'code' && !emailLink))
    throw fieldError('credential', 'invalid_value', 'asks for a method that the settings have switched off')
  return result
}

/** Refuses a redirect URL that the app's list does not allow at this moment. */
export function guardRedirect(
  { view }: Pick<Call, 'view'>,
  app: App,
  { redirectUrl, codeChallenge }: Pick<CreateChallenge, 'redirectUrl' | 'codeChallenge'>,
) {
  if (redirectUrl === undefined) return
  const { mode } = view.environment
  const hasCodeChallenge = codeChallenge !== undefined
  if (isRedirectUrlAllowed(redirectUrl, app.redirectUrls, mode, hasCodeChallenge)) return
  const fault = redirectUrlFault(redirectUrl, mode, hasCodeChallenge)
  throw new OstiaryError('redirect_url_not_allowed', {
    detail: fault ? `redirectUrl ${fault}.` : 'redirectUrl is not on the list of the app.',
  })
}
