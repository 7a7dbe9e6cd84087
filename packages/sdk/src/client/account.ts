import type { CallOptions, ClientOptions } from './client.ts'
import { request, type Wire } from './request.ts'
import type {
  AcceptedCredentials,
  Activity,
  AddressChallenge,
  Authenticator,
  BeginInput,
  BegunAction,
  BegunOwnPasskey,
  Identifier,
  OwnSession,
  User,
} from './wire.ts'

export interface AccountClientOptions
  extends Pick<ClientOptions, 'server' | 'timeoutMs' | 'repeatAfterMs' | 'fetch'> {
  /** The access token of the person's session, asked for at each call. */
  accessToken(): string | Promise<string>
}

/**
 * What a person may see and change of their own account (`/client/v1/me/*`). Every call throws `OstiaryClientError`. Those
 * marked *fresh* want a proof of less than ten minutes ago, else `fresh_proof_required`: then `beginProof`. A lost answer is
 * asked for again, once, only where that does no harm: reading.
 */
export interface AccountClient {
  me(options?: CallOptions): Promise<User>
  authenticators(options?: CallOptions): Promise<Authenticator[]>
  /** *Fresh.* `createPasskey` of `@ostiary/sdk/passkeys` takes `publicKey`. */
  beginPasskey(options?: CallOptions): Promise<BegunOwnPasskey>
  finishPasskey(challengeId: string, credential: object, options?: CallOptions): Promise<Authenticator>
  renameAuthenticator(id: string, name: string, options?: CallOptions): Promise<Authenticator>
  /** *Fresh.* The last way in stays: `state_conflict`. `keepOnly` takes the answer. */
  removeAuthenticator(id: string, options?: CallOptions): Promise<AcceptedCredentials>
  sessions(options?: CallOptions): Promise<OwnSession[]>
  endSession(id: string, options?: CallOptions): Promise<{ ended: number }>
  endOtherSessions(options?: CallOptions): Promise<{ ended: number }>
  /** The newest fifty lines. */
  activity(options?: CallOptions): Promise<Activity[]>
  /** *Fresh.* Sends a code there. */
  addAddress(to: string, options?: CallOptions): Promise<AddressChallenge>
  /** *Fresh.* */
  resendToAddress(challengeId: string, options?: CallOptions): Promise<AddressChallenge>
  /** *Fresh.* `already_exists` where the address turns out to be somebody else's. */
  verifyAddress(challengeId: string, code: string, options?: CallOptions): Promise<User>
  /** *Fresh.* */
  makePrimary(address: NamedAddress, options?: CallOptions): Promise<User>
  /** *Fresh.* The last way in stays: `state_conflict`. */
  removeAddress(address: NamedAddress, options?: CallOptions): Promise<User>
  /** An action in which nobody but this person can be proven; `validate` of its result opens a session that is fresh. */
  beginProof(input?: Omit<BeginInput, 'loginHint'>, options?: CallOptions): Promise<BegunAction>
  /** Ends this session. */
  signOut(options?: CallOptions): Promise<{ ended: number }>
}

export type NamedAddress = Pick<Identifier, 'type' | 'value'>

const ME = '/client/v1/me'

export function createAccountClient(options: AccountClientOptions): AccountClient {
  const wire: Wire = {
    server: options.server.replace(/\/+$/, ''),
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    timeoutMs: options.timeoutMs ?? 10_000,
    repeatAfterMs: options.repeatAfterMs ?? 400,
  }
  const get = async <Answer>(path: string, { signal }: CallOptions = {}) => {
    const token = await options.accessToken()
    return request<Answer>(wire, { method: 'GET', path: `${ME}${path}`, token, signal, isRepeatable: true })
  }
  const list = async <Item>(path: string, call?: CallOptions) =>
    (await get<{ data: Item[] }>(path, call)).data
  const post = async <Answer>(path: string, body: object, { signal }: CallOptions = {}) => {
    const token = await options.accessToken()
    return request<Answer>(wire, { method: 'POST', path: `${ME}${path}`, body, token, signal })
  }
  const named = ({ type, value }: NamedAddress) => ({ type, value })

  return {
    me: call => get('', call),
    authenticators: call => list('/authenticators', call),
    beginPasskey: call => post('/passkeys', {}, call),
    finishPasskey: (challengeId, credential, call) =>
      post('/passkeys/finish', { challengeId, credential }, call),
    renameAuthenticator: (id, name, call) => post('/authenticators/rename', { id, name }, call),
    removeAuthenticator: (id, call) => post('/authenticators/remove', { id }, call),
    sessions: call => list('/sessions', call),
    endSession: (id, call) => post('/sessions/end', { id }, call),
    endOtherSessions: call => post('/sessions/end-others', {}, call),
    activity: call => list('/activity', call),
    addAddress: (to, call) => post('/identifiers', { to }, call),
    resendToAddress: (challengeId, call) => post('/identifiers/resend', { challengeId }, call),
    verifyAddress: (challengeId, code, call) => post('/identifiers/verify', { challengeId, code }, call),
    makePrimary: (address, call) => post('/identifiers/primary', named(address), call),
    removeAddress: (address, call) => post('/identifiers/remove', named(address), call),
    beginProof: (input = {}, call) => post('/proof', input, call),
    signOut: call => post('/sign-out', {}, call),
  }
}
