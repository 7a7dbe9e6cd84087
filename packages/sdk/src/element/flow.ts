import type { ActionClient } from '../client/client.ts'
import { lost, OstiaryClientError } from '../client/errors.ts'
import { isLost } from '../client/request.ts'
import type {
  ActionResult,
  ActionState,
  BeginInput,
  ClientAction,
  SendMethod,
  StepName,
} from '../client/wire.ts'
import type { PasskeyProblem, PasskeySteps } from '../passkeys.ts'

/** What is on the screen: the server's step, but before the first answer, and where the person went back. */
export type Screen = 'starting' | 'failed' | StepName

export type Act =
  | 'begin'
  | 'identify'
  | 'send'
  | 'resend'
  | 'verify'
  | 'passkey'
  | 'enroll'
  | 'finish'
  | 'cancel'

/** Why it ended; decides the words. */
export type Ending = 'cancelled' | 'expired' | 'refused' | 'failed' | 'blocked' | 'review'

export interface View {
  screen: Screen
  action: ClientAction | null
  /** The call that is under way. */
  busy: Act | null
  /** What the last call was refused for; gone with the next one. */
  failure: OstiaryClientError | null
  /** What is no failure, and not seen otherwise: a new mail, or why there was no passkey. */
  notice: 'sent' | 'replaced' | PasskeyProblem | null
  /** Whether there is a way in by passkey: in this browser, on this page, for this action. */
  canPasskey: boolean
  ending: Ending | null
  /** Null in `done`: another tab took the result and goes on. */
  result: ActionResult | null
  /** Instant on this machine's clock until which the server asked to wait. */
  waitUntil: number | null
  /** The server's clock less this machine's, in ms: add it to now before comparing with an instant of an answer. */
  skewMs: number
}

export interface FlowDeps {
  client: ActionClient
  now(): number
  /** What a new action is begun with; null where there is only an action to go on with. */
  begin: BeginInput | null
  /** Go on with the action that the token or the cookie speaks of. */
  resumes: boolean
  /** Null where the browser has no passkeys. */
  passkeys: (() => Promise<typeof import('../passkeys.ts')>) | null
  /** A passkey may be offered after a code. */
  offers: boolean
  onChange(view: View): void
  onStep(name: StepName): void
  onSuccess(result: ActionResult): void
  onFailure(failure: OstiaryClientError): void
  onCancel(redirectTo: string | null): void
}

/** The person's way through one sign-in. Each call is one press; one that comes while another is under way is nothing. */
export interface Flow {
  readonly view: View
  start(): Promise<void>
  identify(to: string): Promise<void>
  send(method: SendMethod): Promise<void>
  /** Another message of the same kind: of the same challenge while that has one left, else of a new challenge. */
  resend(): Promise<void>
  verify(code: string): Promise<void>
  /** By a passkey, which the browser asks for in a window of its own. Any other press ends that. */
  passkey(): Promise<void>
  /** Takes the offer of a passkey. */
  enroll(): Promise<void>
  /** Goes on without one. */
  skip(): Promise<void>
  cancel(): Promise<void>
  /** Shows the address field again; nothing is told to the server yet. */
  otherAddress(): void
  otherMethod(): void
  /** From there back to the step where the server is. */
  back(): void
  /** Looks whether something happened meanwhile: after sleep, a lost connection, or at the end of a life. */
  refresh(): Promise<void>
  /** Ends all waiting. No callback comes after it. */
  stop(): void
}

const SENT_BY_US: readonly string[] = ['emailCode', 'emailLink'] satisfies SendMethod[]

/** The action's methods that this element can do. */
export function methodsOf(action: ClientAction | null): SendMethod[] {
  return (action?.methods ?? []).filter(method => SENT_BY_US.includes(method)) as SendMethod[]
}

const REFUSALS_THAT_END = ['sign_up_closed', 'user_blocked', 'hook_denied']
const ACTION_IS_GONE = ['unauthorized', 'token_invalid', 'not_found']

const isOfPasskey = (act: Act) => act === 'passkey' || act === 'enroll'

const ENDINGS: Partial<Record<ActionState, Ending>> = {
  BLOCK: 'blocked',
  REVIEW_FAILED: 'blocked',
  REVIEW_REQUIRED: 'review',
}

const CODE_IS_DEAD = ['challenge_expired', 'attempts_exhausted', 'challenge_used']
const RESEND_IS_OVER = ['sends_exhausted', 'resend_too_late', ...CODE_IS_DEAD]

/** Whether the last wrong code was one too many. */
export function isUsedUp({ failure, action }: View): boolean {
  return failure?.attemptsLeft === 0 || action?.challenge?.attemptsLeft === 0
}

/** Whether the code or link that was sent last can still succeed, as far as this page knows. */
export function isCodeAlive(view: View, now: number): boolean {
  const challenge = view.action?.challenge
  if (!challenge || (view.failure && CODE_IS_DEAD.includes(view.failure.code))) return false
  if (isUsedUp(view)) return false
  return now + view.skewMs < Date.parse(challenge.expiresAt)
}

/** What is shown before anything has begun. */
export const BEFORE: View = {
  screen: 'starting',
  action: null,
  busy: null,
  failure: null,
  notice: null,
  canPasskey: false,
  ending: null,
  result: null,
  waitUntil: null,
  skewMs: 0,
}

export function createFlow(deps: FlowDeps): Flow {
  const { client } = deps
  const life = new AbortController()
  const call = { signal: life.signal }
  let watching: AbortController | null = null
  /** The code that was judged last. */
  let judgedCode = ''
  /** The latest press. One that waits at the browser's window gives way to the next, and has no say after it. */
  let press = 0
  let isAtWindow = false
  let steps: PasskeySteps | null = null
  let isImpossible = deps.passkeys === null
  let view = BEFORE

  function show(change: Partial<View>) {
    if (life.signal.aborted) return
    const before = view.screen
    view = { ...view, ...change }
    view.canPasskey = !isImpossible && (view.action?.methods.includes('passkey') ?? false)
    deps.onChange(view)
    const { screen } = view
    if (screen !== before && screen !== 'starting' && screen !== 'failed') deps.onStep(screen)
    if (/^(link|approve|review)$/.test(screen)) void watch()
    else stopWatching()
    if (screen === 'identify' && view.busy === null) void listen()
    else steps?.rest()
  }

  /** Passkeys in the address field, where the browser has that. What stands in the way of it is nobody's trouble. */
  async function listen(): Promise<void> {
    if (!view.canPasskey) return
    const found = await loadSteps()
      .then(loaded =>
        view.screen === 'identify' && view.busy === null && !life.signal.aborted
          ? loaded.listen(used => void run('passkey', () => prove(used)))
          : null,
      )
      .catch(() => null)
    if (!found) return
    isImpossible = true
    show({})
  }

  async function loadSteps(): Promise<PasskeySteps> {
    const chunk = await deps.passkeys?.().catch(() => null)
    if (!chunk) throw lost('network_failed')
    steps ??= chunk.passkeySteps(client, life.signal)
    return steps
  }

  /** What the browser gave at its window; null where it gave nothing, which is told and is no failure. */
  async function atWindow<Given extends object>(
    work: (loaded: PasskeySteps) => Promise<Given | PasskeyProblem>,
  ): Promise<Given | null> {
    const loaded = await loadSteps()
    isAtWindow = true
    const own = press
    const given = await work(loaded).finally(() => {
      if (own === press) isAtWindow = false
    })
    if (own !== press) return null
    if (typeof given !== 'string') return given
    isImpossible ||= given === 'impossible'
    show({ notice: given })
    return null
  }

  async function prove(used: Parameters<PasskeySteps['prove']>[0]): Promise<void> {
    const loaded = await loadSteps()
    // In an action of one person the passkey of another is refused, too: that one is not gone.
    const proven = await loaded.prove(used, !view.action?.isAddressFixed)
    succeed(proven, proven.result)
  }

  /** Takes what the server says as the truth. */
  function take(action: ClientAction, change: Partial<View> = {}) {
    const isOver = action.step === 'ended'
    const isLate = deps.now() + view.skewMs >= Date.parse(action.expiresAt)
    const hasFailed = action.state === 'CHALLENGE_FAILED' && !isLate
    const ending = ENDINGS[action.state] ?? (hasFailed ? 'failed' : 'expired')
    show({ action, screen: action.step, ending: isOver ? (view.ending ?? ending) : null, ...change })
  }

  function succeed(action: ClientAction, result: ActionResult) {
    show({ action, screen: 'done', result })
    if (!life.signal.aborted) deps.onSuccess(result)
  }

  async function run(act: Act, work: () => Promise<void>): Promise<void> {
    if ((view.busy !== null && !isAtWindow) || life.signal.aborted) return
    const own = ++press
    if (isAtWindow) steps?.stop()
    isAtWindow = false
    const gone = view.failure?.code === 'rate_limited' ? {} : { waitUntil: null }
    show({ busy: act, failure: null, notice: null, ...gone })
    try {
      await work()
    } catch (error) {
      if (own === press)
        await fail(act, error instanceof OstiaryClientError ? error : lost('answer_unreadable'))
    } finally {
      if (own === press) show({ busy: null })
    }
  }

  async function fail(act: Act, failure: OstiaryClientError): Promise<void> {
    if (life.signal.aborted || failure.code === 'aborted') return
    if (await recovered(act, failure)) return
    if (REFUSALS_THAT_END.includes(failure.code)) show({ screen: 'ended', ending: 'refused', failure })
    else if (view.action === null) show({ screen: 'failed', failure })
    else if (isOfPasskey(act) && CODE_IS_DEAD.includes(failure.code)) show({ notice: 'cancelled' })
    else if (ACTION_IS_GONE.includes(failure.code) && !(isOfPasskey(act) && failure.code === 'token_invalid'))
      show({ screen: 'ended', ending: 'expired', failure })
    else {
      const wait = failure.code === 'rate_limited' ? failure.retryAfterSeconds : null
      show({ failure, ...(wait !== null && { waitUntil: deps.now() + wait * 1000 }) })
    }
    if (!life.signal.aborted) deps.onFailure(failure)
  }

  /**
   * An answer that was lost may have had its effect, and an order that was refused means that this page is behind: the
   * server is asked where the action stands. True when that settles it.
   */
  async function recovered(act: Act, failure: OstiaryClientError): Promise<boolean> {
    const before = view.action
    if (before === null || (!isLost(failure) && failure.code !== 'state_conflict')) return false
    const action = await client.current(call).catch(() => null)
    if (action === null) return false
    if (action.step === 'done') {
      await finish(action)
      return true
    }
    const hasMoved = action.step !== before.step || action.challenge?.sentAt !== before.challenge?.sentAt
    const isHeld = act === 'cancel' ? action.step === 'ended' : hasMoved
    if (isHeld || failure.code === 'state_conflict') take(action)
    else show({ action })
    return isHeld
  }

  /** The proof was given elsewhere; where another tab was faster, it goes on there: false where that is for the caller to say. */
  async function finish(action: ClientAction, beginsAnew = false): Promise<boolean> {
    stopWatching()
    try {
      const proven = await client.finish(call)
      succeed(proven, proven.result)
    } catch (error) {
      const isTaken = error instanceof OstiaryClientError && error.code === 'state_conflict'
      if (!isTaken) throw error
      if (beginsAnew) return false
      show({ action, screen: 'done', result: null })
    }
    return true
  }

  async function watch(): Promise<void> {
    if (watching) return
    const own = new AbortController()
    watching = own
    try {
      for await (const news of client.watch(own.signal)) {
        if (own.signal.aborted) return
        if (news.step !== view.action?.step) await refresh()
      }
    } catch (error) {
      if (!own.signal.aborted && error instanceof OstiaryClientError) await fail('finish', error)
    } finally {
      if (watching === own) watching = null
    }
  }

  function stopWatching() {
    watching?.abort()
    watching = null
  }

  async function refresh(): Promise<void> {
    if (view.busy !== null || view.action === null || life.signal.aborted) return
    if (view.screen === 'done' || view.screen === 'ended') return
    const action = await client.current(call).catch(error => {
      const isGone = error instanceof OstiaryClientError && ACTION_IS_GONE.includes(error.code)
      return isGone ? ('gone' as const) : null
    })
    // Something else may have been pressed meanwhile: then its answer is the newer one.
    if (action === null || view.busy !== null || life.signal.aborted) return
    if (action === 'gone') return show({ screen: 'ended', ending: 'expired' })
    if (action.step === 'done') return run('finish', async () => void (await finish(action)))
    const isAside = view.screen !== view.action?.step
    take(action, isAside && action.step !== 'ended' ? { screen: view.screen } : {})
  }

  async function begin(): Promise<void> {
    if (deps.resumes) {
      const action = await client.current(call).catch(error => {
        const isGone = error instanceof OstiaryClientError && ACTION_IS_GONE.includes(error.code)
        if (isGone && deps.begin) return null
        throw error
      })
      if (action?.step === 'done') {
        if (await finish(action, deps.begin !== null)) return
      } else if (action !== null && !(action.step === 'ended' && deps.begin)) return take(action)
    }
    const action = await client.begin(deps.begin ?? {}, call)
    take(action, { skewMs: Date.parse(action.createdAt) - deps.now() })
  }

  async function sendBy(method: SendMethod): Promise<void> {
    const action = await client.send(method, call)
    take(action, sentNow(action))
  }

  const sentNow = (action: ClientAction): Partial<View> =>
    action.challenge ? { skewMs: Date.parse(action.challenge.sentAt) - deps.now() } : {}

  async function resend(): Promise<void> {
    const challenge = view.action?.challenge
    const isAlive = challenge && isCodeAlive(view, deps.now())
    try {
      if (!isAlive || challenge.sendsLeft === 0) return await sendAnew()
      const action = await client.resend(call)
      const notice = action.earlierCodes === 'replaced' ? 'replaced' : 'sent'
      take(action, { notice, ...sentNow(action) })
    } catch (error) {
      // The server judges by its own clock and counts.
      const isOver = error instanceof OstiaryClientError && RESEND_IS_OVER.includes(error.code)
      if (!isOver) throw error
      await sendAnew()
    }
  }

  async function sendAnew(): Promise<void> {
    await sendBy(view.action?.challenge?.method === 'emailLink' ? 'emailLink' : 'emailCode')
    show({ notice: 'sent' })
  }

  async function identify(to: string): Promise<void> {
    let action: ClientAction
    try {
      action = await client.identify(to, call)
    } catch (error) {
      // The page lay open longer than the action lives: nothing was sent yet, so nobody has to know.
      const isGone =
        error instanceof OstiaryClientError && ['unauthorized', 'state_conflict'].includes(error.code)
      if (!isGone || !deps.begin || view.action?.challenge) throw error
      await begin()
      action = await client.identify(to, call)
    }
    const [only, ...others] = methodsOf(action)
    if (action.step !== 'method' || only === undefined || others.length > 0) return take(action)
    show({ action })
    return sendBy(only)
  }

  return {
    get view() {
      return view
    },
    start: () => run('begin', begin),
    identify: to => run('identify', () => identify(to)),
    send: method => run('send', () => sendBy(method)),
    resend: () => run('resend', resend),
    async verify(code) {
      // Enter after the last digit, which has sent the code already: it is as wrong as a moment ago, and costs an attempt.
      if (view.failure?.code === 'code_incorrect' && code === judgedCode) return
      judgedCode = code
      await run('verify', async () => {
        const canOffer =
          deps.offers &&
          view.canPasskey &&
          (await loadSteps().then(
            loaded => loaded.canMake(),
            () => false,
          ))
        const action = await client.verify(code, { ...call, canOffer })
        if (action.result) succeed(action, action.result)
        else take(action)
      })
    },
    passkey: () =>
      run('passkey', async () => {
        const used = await atWindow(loaded => loaded.ask())
        if (used) await prove(used)
      }),
    enroll: () =>
      run('enroll', async () => {
        const made = await atWindow(loaded => loaded.make())
        if (!made) return
        const enrolled = await client.finishEnroll(made, call)
        succeed(enrolled, enrolled.result)
      }),
    skip: () => run('finish', async () => void (await finish(view.action as ClientAction))),
    cancel: () =>
      run('cancel', async () => {
        const { redirectTo } = await client.cancel(call)
        show({ screen: 'ended', ending: 'cancelled' })
        if (!life.signal.aborted) deps.onCancel(redirectTo)
      }),
    otherAddress: () => show({ screen: 'identify', failure: null, notice: null }),
    otherMethod: () => show({ screen: 'method', failure: null, notice: null }),
    back: () => show({ screen: view.action?.step ?? view.screen, failure: null, notice: null }),
    refresh,
    stop() {
      stopWatching()
      steps?.stop()
      life.abort()
    },
  }
}
