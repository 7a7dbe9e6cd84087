export {
  type AccountClient,
  type AccountClientOptions,
  createAccountClient,
  type NamedAddress,
} from './client/account.ts'
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
  AcceptedCredentials,
  ActionNews,
  ActionResult,
  ActionState,
  Activity,
  AddressChallenge,
  AskedForPasskey,
  Authenticator,
  BeginInput,
  BegunAction,
  BegunOwnPasskey,
  Brand,
  BrandColors,
  Challenge,
  ClientAction,
  ClientTokens,
  Device,
  EnrolledAction,
  EnrollingAction,
  Identifier,
  OwnSession,
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
