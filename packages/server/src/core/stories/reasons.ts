import type { RefusalReason } from '../passkeys/reasons.ts'

/** Why a passkey was not taken: its own judgement, and that of the write. */
type PasskeyReason = RefusalReason | 'unknownCredential' | 'unknownUser' | 'taken' | 'tooMany'

const PASSKEY: Record<PasskeyReason, string> = {
  malformed: 'its answer could not be read',
  type: 'it answered another kind of question',
  challenge: 'it answered another challenge',
  origin: 'it was used on a page that is not allowed',
  crossOrigin: 'it was used in a frame of another site',
  tokenBinding: 'its answer was bound to another connection',
  rpId: 'it belongs to another domain',
  userPresence: 'nobody was present',
  userVerification: 'the person was not verified by the device',
  backupState: 'its backup state contradicts itself',
  attestation: 'its attestation could not be read',
  algorithm: 'it uses an algorithm that is not taken',
  publicKey: 'its public key could not be read',
  credentialId: 'its id could not be read',
  userHandle: 'it belongs to another user',
  signature: 'its signature is wrong',
  counter: 'its counter did not rise: it may have been copied',
  unknownCredential: 'it is not known here: it was removed, or was made somewhere else',
  unknownUser: 'its user is not there any more',
  taken: 'it is enrolled already',
  tooMany: 'the user has as many passkeys as there may be',
}

const REFUSAL: Record<'ownerChanged' | 'userBlocked' | 'signUpClosed' | 'externalIdTaken' | 'rules', string> =
  {
    rules: 'the rules block it',
    ownerChanged: 'the address came to belong to somebody else meanwhile',
    userBlocked: 'the user is blocked',
    signUpClosed: 'sign-up is closed, and nobody has this address',
    externalIdTaken: 'the external id belongs to another user',
  }

/** Words for a reason of an event, to follow "because"; null for one that has none, which is then left out. */
export function reasonWords(reason: unknown): string | null {
  const words: Record<string, string> = { ...PASSKEY, ...REFUSAL }
  return typeof reason === 'string' && Object.hasOwn(words, reason) ? (words[reason] ?? null) : null
}

const LIMITS: Record<string, string> = {
  sendsPerAddress: 'mails to one address',
  sendsPerAddressAndNetwork: 'mails to one address asked for from one network',
  sendsPerAddressUntold: 'mails to one address asked for without the address of the asker',
  sendsPerKnownDevice: 'mails asked for from a known device',
  sendsPerIp: 'mails asked for from one network',
  sendsPerEnvironment: 'mails of the whole environment',
  actionsPerIp: 'sign-ins begun from one network',
  passkeysPerIp: 'passkey challenges from one network',
  wrongPerIp: 'wrong answers from one network',
}

/** What a limit counts, in words. */
export const limitWords = (limit: unknown): string =>
  (typeof limit === 'string' && Object.hasOwn(LIMITS, limit) ? LIMITS[limit] : null) ??
  'what one asker may do'
