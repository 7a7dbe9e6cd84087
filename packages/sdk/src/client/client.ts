import { loadWatch } from '../chunks.ts'
import { type Call, request, type Wire } from './request.ts'
import type {
  ActionNews,
  AskedForPasskey,
  BeginInput,
  BegunAction,
  ClientAction,
  ClientTokens,
  EnrolledAction,
  EnrollingAction,
  ProvenAction,
  ResentAction,
  SendMethod,
  User,
  Validation,
  VerifiedAction,
} from './wire.ts'

export interface ClientOptions {
  /** Where Ostiary answers: its origin, e.g. `https://auth.example.com`. */
  server: string
  /** The app's publishable key (`opk_…`): needed to begin an action. */
  key?: string | null
  /** The token of an action that began elsewhere (`oat_…`). */
  token?: string | null
  /** On Ostiary's own pages: which of this browser's actions (`act_…`); its cookie is the token. */
  actionId?: string | null
  /** The app has `publicRefresh` on: `validate` leaves a refresh cookie, and `refresh` uses it. */
  publicRefresh?: boolean
  /** For one answer; 10,000 when not told. */
  timeoutMs?: number
  pollEveryMs?: number
  silenceMs?: number
  repeatAfterMs?: number
  fetch?: typeof fetch
}

export interface CallOptions {
  signal?: AbortSignal | undefined
}

/**
 * One browser's client of one action. It holds the action's token in memory and gives it to nobody. Every call throws
 * `OstiaryClientError`. A lost answer is asked for again, once, only where that does no harm: reading and `identify`.
 */
export interface Client {
  /** Begins a sign-in; further calls are about it. */
  begin(input?: BeginInput, options?: CallOptions): Promise<BegunAction>
  /** Trades the one-time opening token of `{publicUrl}/a/{token}` for this browser's cookie. */
  open(openingToken: string, options?: CallOptions): Promise<ClientAction>
  current(options?: CallOptions): Promise<ClientAction>
  /** Tells whose action it is; also "another address", until the action has ended. */
  identify(to: string, options?: CallOptions): Promise<ClientAction>
  send(method: SendMethod, options?: CallOptions): Promise<ClientAction>
  resend(options?: CallOptions): Promise<ResentAction>
  /** `canOffer`: this page can show the step `offer`; without it the result is always there. */
  verify(code: string, options: CallOptions & { canOffer: boolean }): Promise<VerifiedAction>
  verify(code: string, options?: CallOptions): Promise<ProvenAction>
  /** Asks for a passkey beside whatever else is under way: `usePasskey` of `@ostiary/sdk/passkeys` takes `publicKey`. */
  askForPasskey(options?: CallOptions): Promise<AskedForPasskey>
  /** Answers with what the browser gave; once, right or wrong. */
  verifyPasskey(credential: object, options?: CallOptions): Promise<ProvenAction>
  /** Takes the offer of a passkey: `createPasskey` takes `publicKey`. It is skipped by `finish`. */
  enroll(options?: CallOptions): Promise<EnrollingAction>
  finishEnroll(credential: object, options?: CallOptions): Promise<EnrolledAction>
  /** Takes the result of a proof that was given on another page or device. */
  finish(options?: CallOptions): Promise<ProvenAction>
  cancel(options?: CallOptions): Promise<{ redirectTo: string | null }>
  /** State and step, now and at each change, until `signal` aborts. Falls back to asking every 2 s. */
  watch(signal: AbortSignal): AsyncGenerator<ActionNews>
  /** For apps without a backend: trades the result for a session. Needs that the action had a `codeChallenge`. */
  validate(resultToken: string, codeVerifier: string, options?: CallOptions): Promise<Validation>
  /** A new access token by the refresh cookie of an app with `publicRefresh`. */
  refresh(options?: CallOptions): Promise<ClientTokens>
  me(accessToken: string, options?: CallOptions): Promise<User>
}

const ACTIONS = '/client/v1/actions'

/** What a page needs that works on one action; the rest is for apps. */
export type ActionClient = Omit<Client, 'open' | 'validate' | 'refresh' | 'me'>

export function createClient(options: ClientOptions): Client {
  const calls = callsOf(options)
  const { wire, get, post, held } = calls
  const byKey = { token: options.key ?? null, hasCookies: options.publicRefresh ?? false }
  return {
    ...actionsOf(options, calls),
    open: async (openingToken, call = {}) =>
      held(await post<ClientAction>('/open', { token: openingToken }, call, { token: null })),
    validate: (resultToken, codeVerifier, call = {}) =>
      post<Validation>('/validate', { token: resultToken, codeVerifier }, call, byKey),
    refresh: ({ signal } = {}) =>
      request<ClientTokens>(wire, {
        method: 'POST',
        path: '/client/v1/sessions/refresh',
        body: {},
        signal,
        ...byKey,
      }),
    me: (accessToken, call = {}) => get<User>('/client/v1/me', call, accessToken),
  }
}

/** The client of the element: as `createClient`, without what an element has no use for. */
export const createActionClient = (options: ClientOptions): ActionClient =>
  actionsOf(options, callsOf(options))

type Calls = ReturnType<typeof callsOf>

/** The calls of one client, with the token and the action that they are about. */
function callsOf(options: ClientOptions) {
  const wire: Wire = {
    server: options.server.replace(/\/+$/, ''),
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
    timeoutMs: options.timeoutMs ?? 10_000,
    repeatAfterMs: options.repeatAfterMs ?? 400,
  }
  const about = { token: options.token ?? null, actionId: options.actionId ?? null }
  return {
    wire,
    about,
    get: <Answer>(path: string, { signal }: CallOptions, token = about.token) =>
      request<Answer>(wire, { method: 'GET', path, ...about, token, signal, isRepeatable: true }),
    post: <Answer>(path: string, body: object, { signal }: CallOptions, more: Partial<Call> = {}) =>
      request<Answer>(wire, { method: 'POST', path: `${ACTIONS}${path}`, body, ...about, signal, ...more }),
    /** Without a token it is the cookie of this very action that speaks from now on. */
    held<Action extends ClientAction>(action: Action): Action {
      about.actionId = action.id
      return action
    },
  }
}

function actionsOf(options: ClientOptions, { wire, about, get, post, held }: Calls): ActionClient {
  const current = async (call: CallOptions = {}) => held(await get<ClientAction>(`${ACTIONS}/current`, call))
  return {
    async begin(input = {}, call = {}) {
      const action = await post<BegunAction>('', input, call, { token: options.key ?? null })
      about.token = action.token
      return held(action)
    },
    current,
    identify: (to, call = {}) => post<ClientAction>('/identify', { to }, call, { isRepeatable: true }),
    send: (method, call = {}) => post<ClientAction>('/send', { method }, call),
    resend: (call = {}) => post<ResentAction>('/resend', {}, call),
    verify: (code: string, call: CallOptions & { canOffer?: boolean } = {}) =>
      post<ProvenAction>('/verify', call.canOffer ? { code, canOffer: true } : { code }, call),
    askForPasskey: (call = {}) => post<AskedForPasskey>('/passkey', {}, call),
    verifyPasskey: (credential, call = {}) => post<ProvenAction>('/verify', { credential }, call),
    enroll: (call = {}) => post<EnrollingAction>('/enroll', {}, call),
    finishEnroll: (credential, call = {}) => post<EnrolledAction>('/enroll/finish', { credential }, call),
    finish: (call = {}) => post<ProvenAction>('/finish', {}, call),
    cancel: (call = {}) => post<{ redirectTo: string | null }>('/cancel', {}, call),
    async *watch(signal) {
      const { watchAction } = await loadWatch()
      yield* watchAction({
        wire,
        ...about,
        signal,
        pollEveryMs: options.pollEveryMs ?? 2000,
        silenceMs: options.silenceMs ?? 40_000,
        current: () => current({ signal }),
      })
    },
  }
}
