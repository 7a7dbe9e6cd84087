export {
  canAutofill,
  createPasskey,
  forgetUnknown,
  keepOnly,
  type MadePasskey,
  type PasskeyProblem,
  stopPasskeys,
  type UsedPasskey,
  usePasskey,
} from './passkeys/ceremony.ts'
export { type PasskeySteps, passkeySteps } from './passkeys/steps.ts'
