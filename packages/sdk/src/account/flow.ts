import type { AccountClient, NamedAddress } from '../client/account.ts'
import type { Client } from '../client/client.ts'
import { lost, OstiaryClientError } from '../client/errors.ts'
import { codeChallengeOf, createCodeVerifier } from '../client/pkce.ts'
import type {
  Activity,
  AddressChallenge,
  Authenticator,
  OwnSession,
  User,
  Validation,
} from '../client/wire.ts'
import { createKeeper, OUT } from './keeper.ts'
import type { AccountKey } from './word-keys.ts'

export type Section = 'passkeys' | 'addresses' | 'sessions' | 'activity'

/** A list as it is known now; both null: it is on its way. */
export interface Loaded<Item> {
  items: Item[] | null
  failure: OstiaryClientError | null
}

/** What is said in a section: that something is done, or why it is not. */
export interface Told {
  section: Section
  isFailure: boolean
  key: AccountKey
  values: Record<string, string>
  failure: OstiaryClientError | null
}

/** A sign-in that stands in the page: to get in, or as a fresh proof. */
export interface Proving {
  /** What the sign-in element works on; null: it begins its own. */
  action: string | null
  codeChallenge: string
  codeVerifier: string
}

export interface AccountView {
  screen: 'starting' | 'signIn' | 'account' | 'signedOut' | 'failed'
  /** Why there is nothing to see. */
  failure: OstiaryClientError | null
  user: User | null
  passkeys: Loaded<Authenticator>
  sessions: Loaded<OwnSession>
  activity: Loaded<Activity>
  /** The press that is under way, by its name. */
  busy: string | null
  told: Told | null
  /** The sign-in of the screen `signIn`, or the proof that a press waits for. */
  proving: Proving | null
  /** The address that a code was sent to. */
  adding: (AddressChallenge & { to: string }) | null
}

export interface AccountDeps {
  server: string
  /** With the app's key: refreshes, and trades results for sessions. */
  client: Client
  lent: (() => string | Promise<string>) | null
  locale(): string | undefined
  passkeys(): Promise<typeof import('../passkeys.ts')>
  now(): number
  onChange(view: AccountView): void
  onSignedOut(): void
  onFailure(failure: OstiaryClientError): void
}

/** One person at their account. Each call is one press; one that comes while another is under way is nothing. */
export interface AccountFlow {
  readonly view: AccountView
  start(): Promise<void>
  /** The result of the sign-in or proof that stands in the page. */
  proven(resultToken: string): Promise<void>
  /** The proof was given up, and with it what it was for; or the sign-in cannot be shown. */
  unproven(): void
  reload(section: Section): Promise<void>
  addPasskey(): Promise<boolean>
  renamePasskey(id: string, name: string): Promise<boolean>
  removePasskey(id: string): Promise<boolean>
  addAddress(to: string): Promise<boolean>
  resendCode(): Promise<boolean>
  verifyAddress(code: string): Promise<boolean>
  forgetAddress(): void
  makePrimary(address: NamedAddress): Promise<boolean>
  removeAddress(address: NamedAddress): Promise<boolean>
  endSession(id: string): Promise<boolean>
  endOthers(): Promise<boolean>
  signOut(): Promise<void>
  stop(): void
}

interface Press {
  name: string
  section: Section
  /** What it is about, for the texts. */
  values: Record<string, string>
  work(account: AccountClient): Promise<AccountKey | null>
  /** Words for a refusal that means something here. */
  refusals?: Partial<Record<string, AccountKey>>
  isFresh?: true
}

const UNKNOWN = { items: null, failure: null }
const NOTHING: AccountView = {
  screen: 'starting',
  failure: null,
  user: null,
  passkeys: UNKNOWN,
  sessions: UNKNOWN,
  activity: UNKNOWN,
  busy: null,
  told: null,
  proving: null,
  adding: null,
}
const CODE_IS_OVER = ['challenge_expired', 'challenge_used', 'attempts_exhausted', 'not_found']

export function createAccountFlow(deps: AccountDeps): AccountFlow {
  const { client } = deps
  const keeper = createKeeper(deps)
  let view = NOTHING
  let isOver = false
  /** What goes on by itself after the proof. */
  let waiting: { press: Press; done(isDone: boolean): void } | null = null

  function show(change: Partial<AccountView>) {
    if (isOver) return
    view = { ...view, ...change }
    deps.onChange(view)
  }

  async function start(): Promise<void> {
    show({ ...NOTHING })
    try {
      if (await keeper.resume()) await enter()
      else await askToSignIn()
    } catch (error) {
      stumble(error)
    }
  }

  async function enter(): Promise<void> {
    show({ user: await keeper.own.me(), screen: 'account', proving: null })
    await Promise.all([reload('passkeys'), reload('sessions'), reload('activity')])
  }

  async function askToSignIn(): Promise<void> {
    if (deps.lent) return leave()
    show({ ...NOTHING, screen: 'signIn', proving: await newProving(null) })
  }

  function leave() {
    show({ ...NOTHING, screen: 'signedOut' })
    if (!isOver) deps.onSignedOut()
  }

  function stumble(error: unknown) {
    const failure = failureOf(error)
    show({ screen: 'failed', failure })
    if (!isOver) deps.onFailure(failure)
  }

  async function newProving(action: string | null, codeVerifier = createCodeVerifier()): Promise<Proving> {
    return { action, codeVerifier, codeChallenge: await codeChallengeOf(codeVerifier) }
  }

  async function reload(section: Section): Promise<void> {
    try {
      if (section === 'addresses') return show({ user: await keeper.own.me() })
      if (section === 'passkeys') return show({ passkeys: known(await keeper.own.authenticators()) })
      if (section === 'activity') return show({ activity: known(await keeper.own.activity()) })
      const hidden = keeper.hiddenSessionId()
      show({ sessions: known((await keeper.own.sessions()).filter(one => one.id !== hidden)) })
    } catch (error) {
      const failure = failureOf(error)
      if (OUT.includes(failure.code)) return await askToSignIn()
      if (section !== 'addresses') show({ [section]: { items: view[section].items, failure } })
    }
  }

  const known = <Item>(items: Item[]): Loaded<Item> => ({ items, failure: null })

  async function run(press: Press): Promise<boolean> {
    if (view.busy !== null || isOver) return false
    show({ busy: press.name, told: null })
    try {
      const key = await attempt(press)
      if (key) tell(press, key)
      show({ busy: null })
      // What happened is one line more of the activity.
      void reload('activity')
      return true
    } catch (error) {
      return await refused(press, failureOf(error))
    }
  }

  async function attempt(press: Press): Promise<AccountKey | null> {
    try {
      return await press.work(press.isFresh ? keeper.fresh : keeper.own)
    } catch (error) {
      const isOut = error instanceof OstiaryClientError && error.code === 'session_invalid'
      if (!isOut || !keeper.mayRetry()) throw error
      return await press.work(keeper.own)
    }
  }

  async function refused(press: Press, failure: OstiaryClientError): Promise<boolean> {
    if (failure.code === 'fresh_proof_required') return await prove(press)
    if (OUT.includes(failure.code)) {
      await askToSignIn()
      return false
    }
    const key = press.refusals?.[failure.code]
    tell(press, key ?? TROUBLES[failure.code] ?? 'account.trouble.server', failure)
    show({ busy: null })
    if (failure.code === 'not_found' || failure.code === 'state_conflict') void reload(press.section)
    if (!isOver && !key) deps.onFailure(failure)
    return false
  }

  /** Asks for a fresh proof, and goes on when it is there. */
  async function prove(press: Press): Promise<boolean> {
    try {
      const proving = await newProving(null)
      const { codeChallenge } = proving
      const action = await keeper.own.beginProof({ codeChallenge, locale: deps.locale() })
      const done = new Promise<boolean>(resolve => {
        waiting = { press, done: resolve }
      })
      show({ proving: { ...proving, action: action.token ?? action.id } })
      return await done
    } catch (error) {
      return await refused(press, failureOf(error))
    }
  }

  async function proven(resultToken: string): Promise<void> {
    const { proving } = view
    if (!proving) return
    const held = waiting
    waiting = null
    let validation: Validation
    try {
      validation = await client.validate(resultToken, proving.codeVerifier)
      const isOther = view.user !== null && validation.user?.id !== view.user.id
      if (!isOther) await keeper.take(validation)
      show({ proving: null, busy: null })
      if (isOther && held) tell(held.press, 'account.proof.other')
    } catch (error) {
      show({ proving: null, busy: null })
      if (!held) return stumble(error)
      await refused(held.press, failureOf(error))
      return held.done(false)
    }
    if (!held) return await enter().catch(stumble)
    void reload('sessions')
    held.done(view.told === null && (await run(held.press)))
  }

  function unproven() {
    waiting?.done(false)
    waiting = null
    if (view.screen === 'account') show({ proving: null, busy: null })
    else show({ screen: 'failed', failure: lost('network_failed') })
  }

  function tell({ section, values }: Press, key: AccountKey, failure: OstiaryClientError | null = null) {
    const isFailure = failure !== null || key === 'account.proof.other'
    const seconds = failure?.retryAfterSeconds ?? null
    show({
      told: {
        section,
        isFailure,
        key,
        failure,
        values: {
          ...values,
          ...(failure?.attemptsLeft != null && { count: String(failure.attemptsLeft) }),
          ...(seconds !== null && { seconds: String(seconds) }),
        },
      },
    })
  }

  async function addPasskey(account: AccountClient): Promise<AccountKey> {
    const ceremonies = await deps.passkeys().catch(() => null)
    if (!ceremonies) throw lost('network_failed')
    const { challengeId, publicKey } = await account.beginPasskey()
    const made = await ceremonies.createPasskey(publicKey)
    if (made === 'exists' || made === 'impossible') return `account.passkeys.${made}`
    if (typeof made === 'string') return 'account.passkeys.cancelled'
    await account.finishPasskey(challengeId, made)
    await reload('passkeys')
    return 'account.passkeys.added'
  }

  async function removePasskey(account: AccountClient, id: string): Promise<AccountKey> {
    const { rpId, userId, acceptedCredentialIds } = await account.removeAuthenticator(id)
    // The person's password manager would go on offering it. Where that cannot be told, it is told to nobody.
    void deps
      .passkeys()
      .then(ceremonies => ceremonies.keepOnly(rpId, userId, acceptedCredentialIds))
      .catch(() => {})
    await reload('passkeys')
    return 'account.passkeys.removed'
  }

  async function verifyAddress(account: AccountClient, code: string): Promise<AccountKey> {
    try {
      const user = await account.verifyAddress(view.adding?.challengeId ?? '', code)
      show({ user, adding: null })
      return 'account.addresses.added'
    } catch (error) {
      const isOver =
        error instanceof OstiaryClientError && [...CODE_IS_OVER, 'already_exists'].includes(error.code)
      if (isOver) show({ adding: null })
      throw error
    }
  }

  const ofCode = {
    code_incorrect: 'account.addresses.incorrect',
    invalid_request: 'account.addresses.short',
    already_exists: 'account.addresses.taken',
    ...Object.fromEntries(
      [...CODE_IS_OVER, 'sends_exhausted', 'resend_too_late'].map(code => [code, 'account.addresses.over']),
    ),
  } as const
  const lastWay = { state_conflict: 'account.trouble.lastWay', not_found: 'account.trouble.gone' } as const

  return {
    get view() {
      return view
    },
    start,
    proven,
    unproven,
    reload,
    addPasskey: () =>
      run({
        name: 'addPasskey',
        section: 'passkeys',
        values: {},
        isFresh: true,
        work: addPasskey,
        refusals: { token_invalid: 'account.passkeys.cancelled' },
      }),
    renamePasskey: (id, name) =>
      run({
        name: `renamePasskey ${id}`,
        section: 'passkeys',
        values: { name },
        refusals: { not_found: 'account.trouble.gone', invalid_request: 'account.passkeys.nameWrong' },
        async work(account) {
          await account.renameAuthenticator(id, name)
          await reload('passkeys')
          return 'account.passkeys.renamed'
        },
      }),
    removePasskey: id =>
      run({
        name: `removePasskey ${id}`,
        section: 'passkeys',
        values: {},
        isFresh: true,
        refusals: lastWay,
        work: account => removePasskey(account, id),
      }),
    addAddress: to =>
      run({
        name: 'addAddress',
        section: 'addresses',
        values: { address: to },
        isFresh: true,
        refusals: {
          invalid_request: 'account.addresses.invalid',
          already_exists: 'account.addresses.taken',
          destination_not_allowed: 'account.addresses.refused',
          state_conflict: 'account.addresses.refused',
        },
        async work(account) {
          show({ adding: { ...(await account.addAddress(to)), to } })
          return null
        },
      }),
    resendCode: () =>
      run({
        name: 'resendCode',
        section: 'addresses',
        values: { address: view.adding?.to ?? '' },
        isFresh: true,
        refusals: ofCode,
        async work(account) {
          const { adding } = view
          if (!adding) return null
          show({ adding: { ...adding, ...(await account.resendToAddress(adding.challengeId)) } })
          return 'account.addresses.resent'
        },
      }),
    verifyAddress: code =>
      run({
        name: 'verifyAddress',
        section: 'addresses',
        values: {
          address: view.adding?.to ?? '',
          length: String(view.adding?.codeLength ?? ''),
        },
        isFresh: true,
        refusals: ofCode,
        work: account => verifyAddress(account, code),
      }),
    forgetAddress: () => show({ adding: null, told: null }),
    makePrimary: address =>
      run({
        name: `makePrimary ${address.value}`,
        section: 'addresses',
        values: { address: address.value },
        isFresh: true,
        refusals: { state_conflict: 'account.trouble.gone', not_found: 'account.trouble.gone' },
        async work(account) {
          show({ user: await account.makePrimary(address) })
          return 'account.addresses.changed'
        },
      }),
    removeAddress: address =>
      run({
        name: `removeAddress ${address.value}`,
        section: 'addresses',
        values: { address: address.value },
        isFresh: true,
        refusals: lastWay,
        async work(account) {
          show({ user: await account.removeAddress(address) })
          return 'account.addresses.removed'
        },
      }),
    endSession: id =>
      run({
        name: `endSession ${id}`,
        section: 'sessions',
        values: {},
        async work(account) {
          await account.endSession(id)
          await reload('sessions')
          return 'account.sessions.ended'
        },
      }),
    endOthers: () =>
      run({
        name: 'endOthers',
        section: 'sessions',
        values: {},
        async work(account) {
          await account.endOtherSessions()
          await reload('sessions')
          return 'account.sessions.othersEnded'
        },
      }),
    async signOut() {
      if (view.busy !== null) return
      show({ busy: 'signOut' })
      try {
        await keeper.signOut()
      } catch (error) {
        const failure = failureOf(error)
        if (!OUT.includes(failure.code)) {
          show({ busy: null })
          return stumble(failure)
        }
      }
      leave()
    },
    stop() {
      keeper.leave()
      waiting?.done(false)
      isOver = true
    },
  }
}

const TROUBLES: Partial<Record<string, AccountKey>> = {
  network_failed: 'account.trouble.network',
  timed_out: 'account.trouble.network',
  rate_limited: 'account.trouble.rate',
  not_found: 'account.trouble.gone',
  origin_not_allowed: 'account.trouble.setup',
}

function failureOf(error: unknown): OstiaryClientError {
  return error instanceof OstiaryClientError ? error : lost('answer_unreadable')
}
