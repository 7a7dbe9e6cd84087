import { normaliseCode } from '../challenges/code.ts'
import { fieldError } from '../errors.ts'
import { beginByEmail, hasProvenEmail } from './email.ts'
import type { SentMethod } from './method.ts'

/** A code by e-mail, typed into the browser that works on the action. */
export const emailCode: SentMethod = {
  name: 'emailCode',
  isOn: ({ methods }) => methods.emailCode,
  begin: (deps, call, action, asking) => beginByEmail(deps, call, action, asking, 'code'),
  finish({ keyring }, { id, purpose }, answer) {
    const code = normaliseCode(answer)
    if (code === null) throw fieldError('code', 'invalid_format', 'is not a code')
    return { kind: 'code', challengeId: id, hashes: keyring.codeHashes(code, id, purpose) }
  },
  step: 'code',
  isEnrolled: hasProvenEmail,
}
