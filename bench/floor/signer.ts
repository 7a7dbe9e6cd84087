import { decodeJwt, decodeProtectedHeader, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'
import { newId } from '../../packages/server/src/core/ids.ts'
import type { Cast, Fill } from './roles.ts'

/** Signs access tokens like the recorded one, with the library of the server and at its cost. */
export async function createSigner(
  recorded: string,
  fillText: (text: string) => Fill<string>,
): Promise<(cast: Cast, now: number) => Promise<string>> {
  const header = decodeProtectedHeader(recorded) as JWTHeaderParameters
  const { iat = 0, exp = 0, jti, sub = '', sid, ...claims } = decodeJwt<{ sid: string }>(recorded)
  const { privateKey } = await generateKeyPair('ES256')
  const subjectOf = fillText(sub)
  const sessionOf = fillText(sid)
  return (cast, now) => {
    const issuedAt = Math.floor(now / 1000)
    return new SignJWT({ ...claims, sid: sessionOf(cast, now), auth_time: issuedAt })
      .setProtectedHeader(header)
      .setSubject(subjectOf(cast, now))
      .setJti(newId('evt', now).slice(4))
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + exp - iat)
      .sign(privateKey)
  }
}
