import type { Method } from './method.ts'

/** A key in the person's device. It is asked for beside the others, whatever step the action is at. */
export const passkey: Method = {
  name: 'passkey',
  isOn: ({ methods }) => methods.passkey,
  isEnrolled: (_user, authenticators) => authenticators.includes('passkey'),
}
