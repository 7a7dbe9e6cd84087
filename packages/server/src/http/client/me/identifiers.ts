import { z } from 'zod'
import {
  beginAddress,
  makePrimary,
  removeAddress,
  resendAddress,
  verifyAddress,
} from '../../../core/account/addresses.ts'
import type { Challenge } from '../../../core/rows.ts'
import { id } from '../../api/fields.ts'
import { Instant, iso, isoOrNull } from '../../wire.ts'
import { ClientUserBody, clientUserBody } from '../../wire-actions.ts'
import { clientEndpoint } from '../endpoint.ts'

const AddressChallengeBody = z
  .object({
    challengeId: z.string(),
    codeLength: z.int(),
    tag: z.string(),
    expiresAt: Instant,
    resendAt: Instant.nullable(),
  })
  .meta({ id: 'AddressChallenge' })

const Named = z
  .strictObject({ type: z.enum(['email', 'phone']), value: z.string().min(1).max(320) })
  .meta({ id: 'OwnAddress' })

/** The same for every address: nothing here hangs on whose it is. */
const addressChallengeBody = (challenge: Challenge) => ({
  challengeId: challenge.id,
  codeLength: challenge.codeLength ?? 0,
  tag: challenge.tag,
  expiresAt: iso(challenge.expiresAt),
  resendAt: isoOrNull(challenge.sends < challenge.maxSends ? challenge.resendAt : null),
})

export const addMyAddressEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/identifiers',
  summary: 'Begin to add an address: a code goes there',
  auth: 'session',
  needsFreshProof: true,
  load: 'send',
  body: z.strictObject({ to: z.string().min(1).max(320) }).meta({ id: 'AddAddress' }),
  status: 201,
  answer: AddressChallengeBody,
  errors: [
    'session_invalid',
    'fresh_proof_required',
    'already_exists',
    'state_conflict',
    'destination_not_allowed',
    'rate_limited',
  ],
  act: (deps, call) => beginAddress(deps, call, call.body.to),
  render: addressChallengeBody,
})

export const resendMyAddressEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/identifiers/resend',
  summary: 'Send another code to the address that is being added',
  auth: 'session',
  needsFreshProof: true,
  load: 'send',
  body: z.strictObject({ challengeId: id }).meta({ id: 'ResendToAddress' }),
  status: 200,
  answer: AddressChallengeBody.extend({ earlierCodes: z.enum(['valid', 'replaced']) }).meta({
    id: 'ResentAddressChallenge',
  }),
  errors: [
    'session_invalid',
    'fresh_proof_required',
    'not_found',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'sends_exhausted',
    'resend_too_late',
    'destination_not_allowed',
    'rate_limited',
  ],
  act: (deps, call) => resendAddress(deps, call, call.body.challengeId),
  render: ({ challenge, earlierCodes }) => ({ ...addressChallengeBody(challenge), earlierCodes }),
})

export const verifyMyAddressEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/identifiers/verify',
  summary: 'Add the address by its code',
  auth: 'session',
  needsFreshProof: true,
  body: z.strictObject({ challengeId: id, code: z.string().min(1).max(1000) }).meta({ id: 'VerifyAddress' }),
  status: 200,
  answer: ClientUserBody,
  errors: [
    'session_invalid',
    'fresh_proof_required',
    'not_found',
    'code_incorrect',
    'challenge_expired',
    'challenge_used',
    'attempts_exhausted',
    'already_exists',
    'user_blocked',
    'rate_limited',
  ],
  act: (deps, call) => verifyAddress(deps, call, call.body),
  render: clientUserBody,
})

export const makeMyPrimaryEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/identifiers/primary',
  summary: 'Make a proven address the primary one',
  auth: 'session',
  needsFreshProof: true,
  body: Named,
  status: 200,
  answer: ClientUserBody,
  errors: ['session_invalid', 'fresh_proof_required', 'not_found', 'state_conflict'],
  act: (deps, call) => makePrimary(deps, call, call.body),
  render: clientUserBody,
})

export const removeMyAddressEndpoint = clientEndpoint({
  method: 'POST',
  path: '/client/v1/me/identifiers/remove',
  summary: 'Remove an address; the last way in stays',
  auth: 'session',
  needsFreshProof: true,
  body: Named,
  status: 200,
  answer: ClientUserBody,
  errors: ['session_invalid', 'fresh_proof_required', 'not_found', 'state_conflict'],
  act: (deps, call) => removeAddress(deps, call, call.body),
  render: clientUserBody,
})
