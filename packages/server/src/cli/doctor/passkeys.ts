import { passkeyObstacle } from '../../core/passkeys/relying-party.ts'
import { type Finding, ok, warn } from './finding.ts'

/** The passkeys of an environment, by the relying party that they were made for. */
export interface StoredPasskeys {
  slug: string
  /** `passkey.rpId` of its settings. */
  rpId: string | null
  made: { rpId: string; count: number }[]
}

const WHY_NOT = {
  ipAddress: 'is an IP address, and passkeys belong to a domain: nobody can make or use one',
  notHttps: 'is not https: no browser makes or uses passkeys there',
}

/**
 * Whether browsers make passkeys at the public URL, and take those that there are. Never a failure: people sign in by
 * mail as before.
 */
export function checkPasskeys(publicUrl: string, environments: readonly StoredPasskeys[]): Finding[] {
  const obstacle = passkeyObstacle(publicUrl)
  if (obstacle)
    return [
      warn(
        'passkeys',
        `${publicUrl} ${WHY_NOT[obstacle]}`,
        'use an https origin with a name, or switch methods.passkey off',
      ),
    ]
  const host = new URL(publicUrl).hostname
  const lost = environments.flatMap(environment => lostIn(environment, environment.rpId ?? host))
  return lost.length > 0 ? lost : [ok('passkeys', 'all that are stored are for the relying party of today')]
}

function lostIn({ slug, made }: StoredPasskeys, rpId: string): Finding[] {
  return made
    .filter(one => one.rpId !== rpId)
    .map(one =>
      warn(
        'passkeys',
        `${one.count} in ${slug} were made for ${one.rpId}; now ${rpId} asks, and they answer no more`,
        `set passkey.rpId of ${slug} to ${one.rpId} (docs/passkeys.md), or let people make new ones after a sign-in by mail`,
      ),
    )
}
