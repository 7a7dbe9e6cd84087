export {
  type CallOptions,
  type Client,
  type ClientOptions,
  createClient,
} from './client/client.ts'
export { type Failure, type FailureCode, OstiaryClientError, type PopupCode } from './client/errors.ts'
export { codeChallengeOf, createCodeVerifier } from './client/pkce.ts'
export { type PopupOptions, type PopupResult, signInByPopup } from './client/popup.ts'
export type {
  ActionNews,
  ActionResult,
  ActionState,
  AskedForPasskey,
  Authenticator,
  BeginInput,
  BegunAction,
  Brand,
  BrandColors,
  Challenge,
  ClientAction,
  ClientTokens,
  EnrolledAction,
  EnrollingAction,
  PasskeyCreationOptions,
  PasskeyRequestOptions,
  ProvenAction,
  ResentAction,
  SendMethod,
  StepName,
  User,
  Validation,
  VerifiedAction,
} from './client/wire.ts'
