import { isLocalhostOrigin } from '../apps/origins.ts'
import { statusOf } from '../challenges/status.ts'
import type { Call, Deps } from '../deps.ts'
import { deviceOf } from '../device.ts'
import { newId } from '../ids.ts'
import { newNotice } from '../notices/notice.ts'
import type { Attempt, Circumstances } from '../ports.ts'
import type { Challenge } from '../rows.ts'
import {
  challengeOf,
  type ExpectedAuthentication,
  judgeAuthentication,
  judgeRegistration,
} from './ceremony.ts'
import { readClientData } from './client-data.ts'
import { providerOf } from './providers.ts'
import { relyingParty } from './relying-party.ts'
import type { AuthenticationCredential, RegistrationCredential } from './shapes.ts'

/** What `navigator.credentials` gave, as JSON. */
export type PasskeyCredential = RegistrationCredential | AuthenticationCredential

/**
 * Judges an answer by all that the rows cannot change any more; the write decides by the rest. The challenge that the
 * client data names counts when the write finds its hash in the row.
 *
 * @param ownerOf the address that a backend named for the action; null: whoever's passkey it is.
 */
export async function passkeyProof(
  deps: Deps,
  call: Call,
  challenge: Challenge,
  credential: PasskeyCredential,
  circumstances: Circumstances,
  ownerOf: string | null = null,
): Promise<Attempt['proof']> {
  const told = challengeOf(credential)
  const common = {
    challengeId: challenge.id,
    challengeHash: told === null ? '' : deps.keyring.tokenHash(told),
  }
  const isRegistration = 'attestationObject' in credential.response
  const refused = (reason: string) =>
    isRegistration
      ? ({ kind: 'registration', ...common, judged: { refused: reason }, notice: null } as const)
      : ({ kind: 'assertion', ...common, judged: { refused: reason }, ownerOf } as const)
  if (told === null) return refused('malformed')
  if (challenge.ceremony !== (isRegistration ? 'registration' : 'authentication')) return refused('ceremony')
  // Its write will tell how it ended; whoever repeats an answer costs us no signature.
  if (statusOf(challenge, deps.clock.now(), deps.epoch) !== 'pending') return refused('over')
  const expected = expectedOf(deps, call, challenge, credential, told)
  if ('attestationObject' in credential.response) {
    const judged = await judgeNew(
      deps,
      challenge,
      credential as RegistrationCredential,
      expected,
      circumstances,
    )
    const notice = newNotice(deps, call, 'passkeyAdded', circumstances, deps.clock.now())
    return { kind: 'registration', ...common, judged, notice }
  }
  const judged = await judgeKnown(deps, challenge, credential as AuthenticationCredential, expected)
  return { kind: 'assertion', ...common, judged, ownerOf }
}

/** Who may have asked, by the settings of this moment: Ostiary's own page, those of the app, the related origins. */
function expectedOf(
  { publicUrl }: Deps,
  { view }: Call,
  challenge: Challenge,
  credential: PasskeyCredential,
  told: string,
): ExpectedAuthentication {
  const app = view.apps.find(one => one.id === challenge.appId)
  const { rpId, origins } = relyingParty(view.settings, publicUrl, app?.origins ?? [])
  const origin = readClientData(credential.response.clientDataJSON)?.origin ?? ''
  // As everywhere in `test`: a developer's machine is on no list.
  const isOfDeveloper = view.environment.mode === 'test' && isLocalhostOrigin(origin)
  return {
    challenge: told,
    origins: isOfDeveloper ? [...origins, origin] : origins,
    rpId,
    isUserVerificationRequired: challenge.userVerification === 'required',
    // Of an action the browser was told no passkeys, whoever it is for: then the answer has to say whose it is.
    isUserNamed: challenge.userId !== null && challenge.actionId === null,
  }
}

async function judgeNew(
  deps: Deps,
  { environmentId }: Challenge,
  credential: RegistrationCredential,
  expected: ExpectedAuthentication,
  { userAgent }: Circumstances,
): Promise<Extract<Attempt['proof'], { kind: 'registration' }>['judged']> {
  const judged = await judgeRegistration(credential, expected)
  if (judged.kind === 'refused') return { refused: judged.reason }
  const { kind, isUserVerified, ...made } = judged
  const now = deps.clock.now()
  return {
    id: newId('aut', now),
    environmentId,
    type: 'passkey',
    name: nameOf(made.aaguid, userAgent),
    ...made,
    aaguid: knownAaguid(made.aaguid),
    rpId: expected.rpId,
    hasUserVerification: isUserVerified,
    createdAt: now,
    lastUsedAt: null,
  }
}

async function judgeKnown(
  { store }: Deps,
  { environmentId }: Challenge,
  credential: AuthenticationCredential,
  expected: ExpectedAuthentication,
): Promise<Extract<Attempt['proof'], { kind: 'assertion' }>['judged']> {
  const stored = await store.findAuthenticator(environmentId, credential.id)
  if (!stored) return { refused: 'unknownCredential' }
  const { credentialId, publicKey, isBackupEligible, userId } = stored
  const judged = await judgeAuthentication(credential, expected, {
    credentialId,
    publicKey,
    isBackupEligible,
    userHandle: userId,
    // The counter is judged in the write, by what it is then: two copies may answer at once.
    signCount: 0,
  })
  if (judged.kind === 'refused') return { refused: judged.reason }
  return {
    authenticatorId: stored.id,
    userId,
    signCount: judged.signCount,
    isBackedUp: judged.isBackedUp,
    amr: amrOf(judged),
  }
}

/**
 * What the signature shows (RFC 8176): a key that its provider may copy (`swk`) or that stays in its device (`hwk`), that
 * somebody was there (`user`), and, where the device made sure who, that these are two factors.
 */
const amrOf = (judged: { isBackupEligible: boolean; isUserVerified: boolean }): string[] => [
  judged.isBackupEligible ? 'swk' : 'hwk',
  'user',
  ...(judged.isUserVerified ? ['mfa'] : []),
]

const NO_AAGUID = '00000000-0000-0000-0000-000000000000'

/** Zeros say that the authenticator does not tell its model. */
const knownAaguid = (aaguid: string) => (aaguid === NO_AAGUID ? null : aaguid)

/** What the person will know it by, until they give it a name of their own. */
function nameOf(aaguid: string, userAgent: string | null): string {
  const provider = providerOf(aaguid)
  if (provider !== null) return provider
  const { browser, system } = deviceOf(userAgent)
  const words = [browser, system].filter(one => one !== null)
  return words.length > 0 ? words.join(', ') : 'Passkey'
}
