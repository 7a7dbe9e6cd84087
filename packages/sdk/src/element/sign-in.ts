import { LitElement, type PropertyValues, render } from 'lit'
import { loadPasskeys } from '../chunks.ts'
import { createActionClient } from '../client/client.ts'
import type { OstiaryClientError } from '../client/errors.ts'
import type { ActionResult, ClientAction } from '../client/wire.ts'
import { brandStyle } from './brand-style.ts'
import { BEFORE, createFlow, type Flow, type View } from './flow.ts'
import { formOf } from './form.ts'
import { frameOf } from './frame.ts'
import { isDead, type Scene } from './scene.ts'
import { FORM_STYLE, frameStyle } from './style.ts'
import { directionOf, EMERGENCY, type Language, loadWords, pickLanguage, type Words } from './words.ts'

/** What the events of the element carry. All bubble and cross shadow roots. */
export interface SignInEvents {
  /** The first step is on the screen. */
  ready: CustomEvent<null>
  step: CustomEvent<{ name: string }>
  /** A result token for the app's backend (or `validate`), never a session. `preventDefault()` stops the redirect. */
  success: CustomEvent<{ token: string; state: string | null }>
  error: CustomEvent<{ code: string; message: string; requestId: string | null }>
  /** The person gave up. `preventDefault()` stops the redirect. */
  cancel: CustomEvent<null>
}

const SLOW_AFTER_MS = 4000
const formSheet = new CSSStyleSheet()
formSheet.replaceSync(FORM_STYLE)
let count = 0

/**
 * `<ostiary-sign-in key="opk_…">`: the whole sign-in. The form stands in the page's own tree, so that password managers
 * see it; the frame is in the shadow. It begins by itself where it has a `key` or an `action`.
 */
export class OstiarySignIn extends LitElement {
  static override styles = frameStyle
  static override properties = {
    key: {},
    server: {},
    redirectUrl: { attribute: 'redirect-url' },
    state: {},
    action: {},
    codeChallenge: { attribute: 'code-challenge' },
    loginHint: { attribute: 'login-hint' },
    locale: {},
    theme: { reflect: true },
    offer: {},
    texts: { attribute: false },
  }

  /** The app's publishable key. */
  declare key: string | null
  /** Ostiary's origin; without it, the origin that this script came from. */
  declare server: string | null
  declare redirectUrl: string | null
  /** Comes back with `success` and with the redirect. */
  declare state: string | null
  /** An action that began elsewhere: its token (`oat_…`); on Ostiary's own pages its id, or `current` for the latest of this browser. */
  declare action: string | null
  /** S256 challenge of an app without a backend (`codeChallengeOf`). */
  declare codeChallenge: string | null
  declare loginHint: string | null
  /** BCP 47. Without it, the browser's languages. */
  declare locale: string | null
  /** `light` or `dark`; else what the person's system prefers. */
  declare theme: string | null
  /** `off`: no passkey is offered after a code. */
  declare offer: string | null
  /** The app's own words, by key; they go before the catalogue. */
  declare texts: Record<string, string> | null

  readonly #id = `ostiary-${++count}`
  readonly #brandSheet = new CSSStyleSheet()
  #flow: Flow | null = null
  #view: View | null = null
  #catalogue: { language: Language; words: Words | null } | null = null
  #typo: Scene['typo'] = null
  #isSlow = false
  #isReady = false
  #slowTimer: ReturnType<typeof setTimeout> | undefined
  #tick: ReturnType<typeof setInterval> | undefined
  /** What was on the screen when the focus was last looked after. */
  #focused = ''
  #told: unknown = null
  #isHandled = false
  #hasGivenWay = false

  constructor() {
    super()
    for (const name of Object.keys(OstiarySignIn.properties)) (this as Record<string, unknown>)[name] = null
  }

  /** The id of the action that is under way. */
  get actionId(): string | null {
    return this.#view?.action?.id ?? null
  }

  /** Begins, where it has not begun. Resolves when the first step, or what stands in its way, is known. */
  async start(): Promise<void> {
    if (this.#flow) return
    const server = this.#server()
    const flow = this.#newFlow(server)
    this.#flow = flow
    this.#view = flow.view
    this.#isReady = false
    const words = this.#speak(pickLanguage(this.#wishes()))
    await Promise.all([flow.start(), words])
    const { action } = flow.view
    if (this.#flow === flow && action) await this.#speak(pickLanguage([this.locale, action.locale]))
    if (this.#flow !== flow || !action) return
    this.#isReady = true
    this.requestUpdate()
    await this.updateComplete
    if (this.hasAttribute('autofocus')) this.querySelector('input')?.focus()
    this.#tell('ready', null)
  }

  /** Forgets everything and begins anew. */
  async reset(): Promise<void> {
    this.#stop()
    await this.start()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const root = this.getRootNode() as Document | ShadowRoot
    if (!root.adoptedStyleSheets.includes(formSheet))
      root.adoptedStyleSheets = [formSheet, ...root.adoptedStyleSheets]
    this.#tick = setInterval(() => this.#everySecond(), 1000)
    for (const name of ['online', 'offline']) addEventListener(name, this.#onConnection)
    document.addEventListener('visibilitychange', this.#onVisible)
    if (this.key || this.action) void this.start()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#tick)
    for (const name of ['online', 'offline']) removeEventListener(name, this.#onConnection)
    document.removeEventListener('visibilitychange', this.#onVisible)
    this.#stop()
  }

  protected override createRenderRoot() {
    const root = super.createRenderRoot() as ShadowRoot
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, this.#brandSheet]
    this.#brandSheet.replaceSync(brandStyle(null))
    return root
  }

  protected override updated(changed: PropertyValues): void {
    const scene = this.#scene()
    // The form's place is the element itself: a page's own content (a loading text) gives way to it.
    if (!this.#hasGivenWay) this.replaceChildren()
    this.#hasGivenWay = true
    render(formOf(scene, this), this)
    if (['key', 'action', 'server'].some(name => changed.get(name) != null)) void this.reset()
    if (changed.has('locale') && this.#catalogue) void this.#speak(pickLanguage(this.#wishes()))
    this.#moveFocus(scene)
  }

  protected override render() {
    return frameOf(this.#scene())
  }

  /** The form's own: not for the page. */
  submitAddress(address: string): void {
    this.#typo = address === '' ? 'empty' : /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/.test(address) ? null : 'invalid'
    if (this.#typo === null) void this.#flow?.identify(address)
    else this.#refuseTyped()
  }

  /** The form's own: not for the page. */
  submitCode(code: string): void {
    this.#typo = code.length === this.#view?.action?.challenge?.codeLength ? null : 'short'
    if (this.#typo === null) void this.#flow?.verify(code)
    else this.#refuseTyped()
  }

  #refuseTyped(): void {
    this.requestUpdate()
    this.querySelector('input')?.focus()
  }

  #newFlow(server: string): Flow {
    const { action } = this
    return createFlow({
      client: createActionClient({
        server,
        key: this.key,
        token: action?.startsWith('oat_') ? action : null,
        actionId: action?.startsWith('act_') ? action : null,
      }),
      now: Date.now,
      begin: this.key === null ? null : this.#beginning(),
      resumes: this.action !== null,
      passkeys: globalThis.PublicKeyCredential ? loadPasskeys : null,
      offers: this.offer !== 'off',
      onChange: view => this.#take(view),
      onStep: name => this.#tell('step', { name }),
      onSuccess: result => this.#succeed(result),
      onFailure: failure => this.#fail(failure),
      onCancel: redirectTo => {
        if (this.#tell('cancel', null) && redirectTo) location.assign(redirectTo)
      },
    })
  }

  #beginning() {
    return {
      redirectUrl: this.redirectUrl ?? undefined,
      state: this.state ?? undefined,
      codeChallenge: this.codeChallenge ?? undefined,
      loginHint: this.loginHint ?? undefined,
      locale: this.#wishes().find(Boolean) ?? undefined,
    }
  }

  #take(view: View): void {
    const before = this.#view
    this.#view = view
    if (view.busy !== before?.busy || view.screen !== before?.screen) this.#watchSlowness(view)
    if (view.busy !== null || view.screen !== before?.screen) this.#typo = null
    if (view.action?.brand !== before?.action?.brand)
      this.#brandSheet.replaceSync(brandStyle(view.action?.brand ?? null))
    this.requestUpdate()
  }

  #watchSlowness(view: View): void {
    clearTimeout(this.#slowTimer)
    this.#isSlow = false
    // At the browser's window people take their time.
    if (view.busy === 'passkey' || view.busy === 'enroll') return
    if (view.busy === null && view.screen !== 'done') return
    this.#slowTimer = setTimeout(() => {
      this.#isSlow = true
      this.requestUpdate()
    }, SLOW_AFTER_MS)
  }

  #succeed(result: ActionResult): void {
    const { state } = this
    const told = result.redirectTo ? URL.parse(result.redirectTo)?.searchParams.get('state') : null
    const goesOn = this.#tell('success', { token: result.token, state: told ?? state })
    this.#isHandled = !goesOn
    if (goesOn && result.redirectTo) location.assign(result.redirectTo)
  }

  #fail({ code, message, requestId }: OstiaryClientError): void {
    this.#tell('error', { code, message, requestId })
  }

  #tell<Name extends keyof SignInEvents>(name: Name, detail: SignInEvents[Name]['detail']): boolean {
    const cancelable = name === 'success' || name === 'cancel'
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable }))
  }

  #server(): string {
    return (this.server || new URL(import.meta.url).origin).replace(/\/+$/, '')
  }

  #wishes(): (string | null)[] {
    return [this.locale, ...navigator.languages]
  }

  async #speak(language: Language): Promise<void> {
    if (this.#catalogue?.language === language && this.#catalogue.words) return
    const words = await loadWords(this.#server(), language)
    // Better the language that was there than none.
    if (words || !this.#catalogue) this.#catalogue = { language, words }
    this.requestUpdate()
  }

  #scene(): Scene {
    // Before it has begun there is nothing to press.
    const flow = this.#flow as Flow
    // Until there are words there is nothing to read: the waiting dots stand for both waits.
    const known = this.#view && this.#catalogue ? this.#view : BEFORE
    // A page that took the result itself is not left by a link of ours: its token is used.
    const result = known.result && this.#isHandled ? { ...known.result, redirectTo: null } : known.result
    const view = { ...known, result }
    const language = this.#catalogue?.language ?? 'en'
    return {
      view,
      flow,
      words: { ...(this.#catalogue?.words ?? EMERGENCY), ...view.action?.brand.texts, ...this.texts },
      locale: regional(language, view.action),
      now: Date.now(),
      isSlow: this.#isSlow,
      isOffline: !navigator.onLine,
      isCancelable: Boolean(this.redirectUrl || this.action || view.action?.redirectTo),
      canBegin: this.key !== null,
      typo: this.#typo,
      id: this.#id,
      loginHint: this.loginHint,
      startAnew: () => void this.reset(),
    }
  }

  /** The focus goes with the step: to the field, else to the heading. It is not taken from the page at first. */
  #moveFocus(scene: Scene): void {
    const { screen, failure, notice, busy } = scene.view
    this.dir = directionOf(scene.locale)
    this.lang = scene.locale
    const shown = `${screen} ${isDead(scene)}`
    const isFirst = this.#focused === '' || this.#focused.startsWith('starting') || screen === 'starting'
    // While a call is under way the field may not stand there yet; what it brings is news, even if it is the same again.
    if (busy !== null) {
      this.#told = null
      return
    }
    const told = failure ?? notice
    const isNews = told !== this.#told && (notice !== null || failure?.code === 'code_incorrect')
    if ((shown !== this.#focused && !isFirst) || isNews) this.#focusStep()
    this.#focused = shown
    this.#told = told
  }

  #focusStep(): void {
    const field = this.querySelector('input')
    if (field) field.focus()
    else this.renderRoot.querySelector<HTMLElement>('h1')?.focus()
    if (this.#view?.screen === 'code') field?.select()
  }

  #everySecond(): void {
    const screen = this.#view?.screen
    const isCounting = this.#view?.waitUntil != null
    if (screen === 'code' || screen === 'link' || isCounting) this.requestUpdate()
    const { action, skewMs } = this.#view ?? { action: null, skewMs: 0 }
    const isOver = action !== null && Date.now() + skewMs > Date.parse(action.expiresAt) + 1000
    if (isOver && !this.#hasAskedAtEnd) {
      this.#hasAskedAtEnd = true
      void this.#flow?.refresh()
    }
  }

  #hasAskedAtEnd = false

  readonly #onConnection = () => {
    this.requestUpdate()
    if (!navigator.onLine) return
    if (this.#view?.screen === 'failed') void this.reset()
    else void this.#flow?.refresh()
  }

  readonly #onVisible = () => {
    if (document.visibilityState === 'visible' && this.#isReady) void this.#flow?.refresh()
  }

  #stop(): void {
    clearTimeout(this.#slowTimer)
    this.#flow?.stop()
    this.#flow = null
    this.#view = null
    this.#typo = null
    this.#isSlow = false
    this.#hasAskedAtEnd = false
    this.#isHandled = false
    this.requestUpdate()
  }
}

/** "de-AT" for numbers where the texts are German: the region only matters within the language. */
function regional(language: Language, action: ClientAction | null): string {
  const wish = action?.locale ?? ''
  return wish.toLowerCase().startsWith(`${language.toLowerCase()}-`) ? wish : language
}
