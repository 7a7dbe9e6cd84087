import type { Client } from '../client/client.ts'
import { lost, OstiaryClientError } from '../client/errors.ts'
import { codeChallengeOf, createCodeVerifier } from '../client/pkce.ts'
import type { Validation } from '../client/wire.ts'
import { createKeeper, OUT } from './keeper.ts'
import { createPresses, type Press, type Presses } from './presses.ts'
import { type AccountView, type Loaded, NOTHING, type Proving, type Section } from './view.ts'
import type { AccountKey } from './word-keys.ts'

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
export interface AccountFlow extends Presses {
  readonly view: AccountView
  start(): Promise<void>
  /** The result of the sign-in or proof that stands in the page. */
  proven(resultToken: string): Promise<void>
  /** The proof was given up, and with it what it was for; or the sign-in cannot be shown. */
  unproven(): void
  reload(section: Section): Promise<void>
  signOut(): Promise<void>
  stop(): void
}

export function createAccountFlow(deps: AccountDeps): AccountFlow {
  const { client } = deps
  const keeper = createKeeper(deps)
  let view = NOTHING
  let isOver = false
  const presses = createPresses({ ...deps, run, show, reload, view: () => view })
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

  return {
    get view() {
      return view
    },
    start,
    proven,
    unproven,
    reload,
    ...presses,
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
