import { describe, expect, it } from 'vitest'
import { judgeAuthentication, judgeRegistration } from '../../../src/core/passkeys/ceremony.ts'
import { ORIGIN, RP_ID, TOP_ORIGIN, VECTORS } from './vectors.ts'

/** How the signatures begin that section 16 prints: they say that what was signed is byte for byte the section's. */
const PRINTED: Record<string, string> = {
  'none.ES256':
    '3046022100f50a4e2e4409249c4a853ba361282f09841df4dd4547a13a87780218deffcd380221008480ac0f0b93538174f575bf11a1dd5d78c6e486013f937295ea13653e331e87',
  'packed-self.ES256':
    '304402203310b9431903c401f1be2bdc8d23a4007682dbbddcf846994947b7f465daf84002204e94dd00047b316061b3b99772b7efd95994a83ef584b3b6b825ea3550251b66',
  'none.ES256.crossOrigin': '3046022100eb12fcf23b12764c0f122e22371fab92e283879f',
  'none.ES256.topOrigin': '3045022100b5a70c81780d5fcc9a4f2ae9caae99058f8accaf',
  'none.ES256.long-credential-id': '304502203ecef83fb12a0cae7841055f9f87103a99fd14b424',
  'packed.ES256': '30450220694969d3ee928de6f02ef23a9c644d7d7799164517',
  'packed.RS256': '01063d52d7c39b4d432fc7063c5d93e582bdcb16889cd71f88',
  'packed.EdDSA': 'f5c59c7e46c34f6f8cc197101ddf9934fa2595f68eb1913a63',
  'apple.ES256': '3046022100ee35db795ce28044e1f8231d68b3d79a9882f741',
  'fido-u2f.ES256': '304402206172459958fea907b7292b92f555034bfd884895f2',
}
const ATTESTATION_OBJECT =
  'a363666d74646e6f6e656761747453746d74a068617574684461746158a4bfabc37432958b063360d3ad6461c9c4735ae7f8edd46592a5e0f01452b2e4b559000000008446ccb9ab1db374750b2367ff6f3a1f0020f91f391db4c9b2fde0ea70189cba3fb63f579ba6122b33ad94ff3ec330084be4a5010203262001215820afefa16f97ca9b2d23eb86ccb64098d20db90856062eb249c33a9b672f26df61225820930a56b87a2fca66334b03458abf879717c12cc68ed73290af2e2664796b9220'
const SELF_STATEMENT =
  'a263616c672663736967584630440220067a20754ab925005dbf378097c92120031581c73228d1fb4f5b881bcd7da98302207fc7b147558c7c0eba3af18bd9d121fa3d3a26d17fe3f220272178f473b6006d'

/** Framed without a named page on top, and the algorithms that we do not offer. */
const REFUSED: Record<string, string> = {
  'none.ES256.crossOrigin': 'crossOrigin',
  'packed.ES384': 'algorithm',
  'packed.ES512': 'algorithm',
  'packed.Ed448': 'algorithm',
}

describe('the test vectors of WebAuthn Level 3', () => {
  it('are those that the section prints', () => {
    const byName = new Map(VECTORS.map(vector => [vector.name, vector]))
    for (const [name, beginning] of Object.entries(PRINTED))
      expect(byName.get(name)?.signature.toString('hex').slice(0, beginning.length), name).toBe(beginning)
    expect(byName.get('none.ES256')?.attestationObject.toString('hex')).toBe(ATTESTATION_OBJECT)
    expect(byName.get('packed-self.ES256')?.attestationObject.toString('hex')).toContain(SELF_STATEMENT)
    expect(VECTORS).toHaveLength(15)
  })

  it.each(VECTORS)('$name', async vector => {
    const expected = {
      origins: [ORIGIN, TOP_ORIGIN],
      rpId: RP_ID,
      isUserVerificationRequired: false,
      isUserNamed: true,
    }
    const made = await judgeRegistration(vector.registration, {
      ...expected,
      challenge: vector.challenges.registration,
    })
    const stored = {
      credentialId: vector.registration.id,
      publicKey: vector.publicKey,
      signCount: 0,
      isBackupEligible: (vector.flags & 0x08) !== 0,
      userHandle: 'usr_1',
    }
    const proven = await judgeAuthentication(
      vector.authentication,
      { ...expected, challenge: vector.challenges.authentication },
      stored,
    )
    const reason = REFUSED[vector.name]
    if (reason) {
      expect([made, proven]).toEqual([
        { kind: 'refused', reason },
        { kind: 'refused', reason },
      ])
      return
    }
    const { credentialId, publicKey, isBackupEligible } = stored
    expect(made).toMatchObject({ kind: 'accepted', credentialId, publicKey, isBackupEligible, signCount: 0 })
    expect(proven).toMatchObject({ kind: 'accepted', isBackupEligible, signCount: 0 })
  })
})
