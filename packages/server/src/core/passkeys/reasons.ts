/**
 * Why a passkey was refused. For events and logs, never for the person: an answer that told them apart would tell an
 * attacker how far he came.
 */
export const REFUSAL_REASONS = [
  'malformed',
  'type',
  'challenge',
  'origin',
  'crossOrigin',
  'tokenBinding',
  'rpId',
  'userPresence',
  'userVerification',
  'backupState',
  'attestation',
  'algorithm',
  'publicKey',
  'credentialId',
  'userHandle',
  'signature',
  'counter',
] as const

export type RefusalReason = (typeof REFUSAL_REASONS)[number]

export interface Refused {
  kind: 'refused'
  reason: RefusalReason
}

export const refused = (reason: RefusalReason): Refused => ({ kind: 'refused', reason })
