import { beginByEmail, hasProvenEmail } from './email.ts'
import type { SentMethod } from './method.ts'

/** A link by e-mail. Its answer is the mailed token, pressed on the link page. */
export const emailLink: SentMethod = {
  name: 'emailLink',
  isOn: ({ methods }) => methods.emailLink,
  begin: (deps, call, action, asking) => beginByEmail(deps, call, action, asking, 'link'),
  finish: ({ keyring }, { id, codeChallenge }, answer) => ({
    kind: 'link',
    token: 'press',
    hash: keyring.tokenHash(answer),
    challengeId: id,
    // The verifier is asked for where the result is redeemed.
    codeChallenge,
  }),
  step: 'link',
  isEnrolled: hasProvenEmail,
}
