import { describe, expect, it } from 'vitest'
import { judgeAuthentication, judgeRegistration } from '../../../src/core/passkeys/ceremony.ts'
import { base64url, softwareAuthenticator } from './authenticator.ts'

const place = { origin: 'https://login.example.org', rpId: 'example.org' }
const challenge = base64url(Buffer.alloc(32, 7))
const expected = {
  challenge,
  origins: [place.origin],
  rpId: place.rpId,
  isUserVerificationRequired: true,
}

describe('a passkey of a software authenticator', () => {
  it('is registered and signs in', async () => {
    const authenticator = softwareAuthenticator('usr_1')
    const made = await judgeRegistration(authenticator.register({ challenge, ...place }), expected)
    expect(made).toEqual({
      kind: 'accepted',
      credentialId: authenticator.credentialId,
      publicKey: authenticator.publicKey,
      signCount: 0,
      aaguid: '00000000-0000-0000-0000-000000000000',
      transports: ['internal', 'hybrid'],
      isBackupEligible: true,
      isBackedUp: true,
      isUserVerified: true,
    })
    const stored = { ...authenticator, signCount: 0, isBackupEligible: true, userHandle: 'usr_1' }
    expect(
      await judgeAuthentication(authenticator.authenticate({ challenge, ...place }), expected, stored),
    ).toEqual({
      kind: 'accepted',
      signCount: 0,
      isBackupEligible: true,
      isBackedUp: true,
      isUserVerified: true,
    })
  })
})
