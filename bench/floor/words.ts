import { formatRefreshToken, parseRefreshToken } from '../../packages/server/src/core/tokens.ts'
import type { Replay } from './replay.ts'
import type { Cast, Fill } from './roles.ts'
import { createSigner } from './signer.ts'
import type { Tape } from './tape.ts'

/** The recorded answers, told to others: of the same size, each with an access token of its own. */
export interface Words {
  sent(cast: Cast): string
  verified(cast: Cast): Promise<string>
  refreshed(cast: Cast): Promise<string>
  checked(cast: Cast): string
}

export async function createWords({ answers }: Tape, { fillText }: Replay): Promise<Words> {
  const { tokens, session } = JSON.parse(answers.verified)
  const sign = await createSigner(tokens.accessToken, fillText)
  const sessionOf = fillText(session.id)
  const sent = fillText(answers.sent)
  const checked = fillText(answers.checked)

  /** The tokens stand in places of their own: the refresh token has the id of its session inside. */
  function withTokens(answer: string): (cast: Cast) => Promise<string> {
    const recorded = JSON.parse(answer).tokens
    const { secret, tag } = parseRefreshToken(recorded.refreshToken) ?? {}
    if (!secret || !tag) throw new Error('the recorded answer has no refresh token')
    const parts: (Fill<string> | 'access' | 'refresh')[] = answer
      .split(new RegExp(`(${recorded.accessToken}|${recorded.refreshToken})`))
      .map(part =>
        part === recorded.accessToken
          ? 'access'
          : part === recorded.refreshToken
            ? 'refresh'
            : fillText(part),
      )
    return async cast => {
      const access = await sign(cast, Date.now())
      const refresh = formatRefreshToken({ sessionId: sessionOf(cast, 0), secret, tag })
      return parts
        .map(part => (part === 'access' ? access : part === 'refresh' ? refresh : part(cast, 0)))
        .join('')
    }
  }

  return {
    sent: cast => sent(cast, 0),
    checked: cast => checked(cast, 0),
    verified: withTokens(answers.verified),
    refreshed: withTokens(answers.refreshed),
  }
}
