import { html, LitElement, nothing, type PropertyValues, render } from 'lit'
import { loadPasskeys, loadSignIn } from '../chunks.ts'
import { createClient } from '../client/client.ts'
import type { OstiaryClientError } from '../client/errors.ts'
import type { Brand } from '../client/wire.ts'
import { brandStyle } from '../element/brand-style.ts'
import { directionOf, type Language, loadWords, pickLanguage } from '../element/words.ts'
import { type AccountFlow, createAccountFlow } from './flow.ts'
import { pageOf } from './page.ts'
import type { AccountActs, AccountScene, Open } from './scene.ts'
import { accountStyle, PROOF_STYLE } from './style.ts'
import type { AccountView, Section } from './view.ts'
import type { AccountKey } from './word-keys.ts'

/** What the events of the element carry. All bubble and cross shadow roots. */
export interface AccountEvents {
  /** The account is on the screen. */
  ready: CustomEvent<null>
  error: CustomEvent<{ code: string; message: string; requestId: string | null }>
  /** The person signed out, or the session has ended. */
  'signed-out': CustomEvent<null>
}

const proofSheet = new CSSStyleSheet()
proofSheet.replaceSync(PROOF_STYLE)
const ADDRESS = /^[^\s@]+@[^\s@.]+(\.[^\s@.]+)+$/

/** What can be said when no catalogue could be loaded. */
const EMERGENCY: Record<string, string> = {
  'account.title': 'Your account',
  'account.starting': 'One moment…',
  'account.retry': 'Try again',
  'account.trouble.network': 'We cannot reach the server. Please check your connection and try again.',
  'account.trouble.server': 'Something went wrong on our side. Please try again in a moment.',
}

/**
 * `<ostiary-account key="opk_…">`: a person's own account. Where the app has a session, `getAccessToken` lends its access token;
 * else the person signs in here, by `<ostiary-sign-in>`, which is loaded then, as it is for a fresh proof.
 */
export class OstiaryAccount extends LitElement {
  static override styles = accountStyle
  static override properties = {
    key: {},
    server: {},
    locale: {},
    theme: { reflect: true },
    returnUrl: { attribute: 'return-url' },
    brand: { type: Object },
    texts: { attribute: false },
    getAccessToken: { attribute: false },
  }

  /** The app's publishable key. */
  declare key: string | null
  /** Ostiary's origin; without it, the origin that this script came from. */
  declare server: string | null
  /** BCP 47. Without it, the browser's languages. */
  declare locale: string | null
  /** `light` or `dark`; else what the person's system prefers. */
  declare theme: string | null
  /** Where "Back to …" leads. */
  declare returnUrl: string | null
  /** Name, colors, radius and font, as in the `brand` setting. */
  declare brand: Brand | null
  /** The app's own words, by key; they go before the catalogue. */
  declare texts: Record<string, string> | null
  /** The app's access token for this person, asked for at each call. Set it before the element is in the page. */
  declare getAccessToken: (() => string | Promise<string>) | null

  readonly #brandSheet = new CSSStyleSheet()
  #flow: AccountFlow | null = null
  #view: AccountView | null = null
  #catalogue: { language: Language; words: Record<string, string> } | null = null
  #open: Open | null = null
  #typo: AccountKey | null = null
  #isActivityLong = false
  #isReady = false
  #shown = ''
  #tick: ReturnType<typeof setInterval> | undefined

  constructor() {
    super()
    for (const name of Object.keys(OstiaryAccount.properties)) (this as Record<string, unknown>)[name] = null
  }

  /** Begins, where it has not begun. By itself, in a page, where there is a `key`. */
  async start(): Promise<void> {
    if (this.#flow || !this.key) return
    const server = this.#server()
    const flow = createAccountFlow({
      server,
      client: createClient({ server, key: this.key, publicRefresh: this.getAccessToken === null }),
      lent: this.getAccessToken,
      locale: () => this.#wishes().find(Boolean) ?? undefined,
      passkeys: loadPasskeys,
      now: Date.now,
      onChange: view => this.#take(view),
      onSignedOut: () => this.#tell('signed-out', null),
      onFailure: failure => this.#fail(failure),
    })
    this.#flow = flow
    this.#view = flow.view
    await Promise.all([this.#speak(), flow.start()])
  }

  /** Forgets everything and begins anew. */
  async reset(): Promise<void> {
    this.#stop()
    await this.start()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const root = this.getRootNode() as Document | ShadowRoot
    if (!root.adoptedStyleSheets.includes(proofSheet))
      root.adoptedStyleSheets = [proofSheet, ...root.adoptedStyleSheets]
    // A page's own content (a loading text) gives way.
    this.replaceChildren()
    this.#tick = setInterval(() => this.#view?.adding && this.requestUpdate(), 1000)
    addEventListener('pagehide', this.#onLeave)
    addEventListener('pageshow', this.#onReturn)
    void this.start()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#tick)
    removeEventListener('pagehide', this.#onLeave)
    removeEventListener('pageshow', this.#onReturn)
    this.#stop()
  }

  protected override createRenderRoot() {
    const root = super.createRenderRoot() as ShadowRoot
    root.adoptedStyleSheets = [...root.adoptedStyleSheets, this.#brandSheet]
    return root
  }

  protected override willUpdate(changed: PropertyValues): void {
    if (changed.has('brand')) this.#brandSheet.replaceSync(brandStyle(this.brand))
    if (changed.has('locale') && this.#catalogue) void this.#speak()
    if (['key', 'server', 'getAccessToken'].some(name => changed.get(name) != null)) void this.reset()
  }

  protected override render() {
    return pageOf(this.#scene())
  }

  protected override updated(): void {
    const { locale } = this.#scene()
    this.lang = locale
    this.dir = directionOf(locale)
    render(this.#signIn(), this)
    const dialog = this.renderRoot.querySelector('dialog')
    if (dialog && !dialog.open) dialog.showModal()
    const screen = this.#catalogue ? (this.#view?.screen ?? 'starting') : 'starting'
    // The focus goes with the screen; it is not taken from the page at first.
    const isMove = this.#shown !== '' && this.#shown !== 'starting' && screen !== this.#shown
    if (isMove && screen !== 'signIn') this.renderRoot.querySelector<HTMLElement>('h1')?.focus()
    this.#shown = screen
    if (screen === 'account' && !this.#isReady) {
      this.#isReady = true
      this.#tell('ready', null)
    }
  }

  /** In the page's own tree, where password managers see it. */
  #signIn() {
    const view = this.#view
    if (!view?.proving || (view.screen !== 'signIn' && view.screen !== 'account')) return nothing
    if (!customElements.get('ostiary-sign-in')) {
      void this.#loadSignIn()
      return nothing
    }
    const { action, codeChallenge } = view.proving
    const isProof = action !== null
    // A proof has no key: where its action is gone, no other may be begun in its place.
    return html`<ostiary-sign-in .server=${this.#server()} .key=${isProof ? null : this.key} .action=${action} .codeChallenge=${codeChallenge}
.locale=${this.locale} .theme=${this.theme} .texts=${this.texts} offer=${isProof ? 'off' : nothing} ?autofocus=${isProof}
@success=${this.#onSuccess} @cancel=${this.#onCancel} @ready=${quiet} @step=${quiet} @error=${quiet}></ostiary-sign-in>`
  }

  /** Loaded before it is drawn: what is set on an element that is none yet would not begin. */
  async #loadSignIn(): Promise<void> {
    try {
      await loadSignIn()
      this.requestUpdate()
    } catch {
      this.#flow?.unproven()
    }
  }

  readonly #onSuccess = (event: CustomEvent<{ token: string }>) => {
    event.preventDefault()
    event.stopPropagation()
    void this.#flow?.proven(event.detail.token)
  }

  readonly #onCancel = (event: Event) => {
    event.preventDefault()
    event.stopPropagation()
    if (this.#view?.screen === 'account') this.#flow?.unproven()
  }

  readonly #onLeave = () => this.#flow?.view.screen === 'account' && this.getAccessToken && this.#stop()

  /** The browser kept the page and shows it again: what it knew may be old. */
  readonly #onReturn = (event: PageTransitionEvent) => {
    if (event.persisted) void this.reset()
  }

  #take(view: AccountView): void {
    const before = this.#view
    this.#view = view
    // A code field takes the place of the address that it was sent to.
    if (view.adding !== before?.adding && view.adding && !before?.adding) this.#focusFirst()
    this.requestUpdate()
  }

  #scene(): AccountScene {
    const language = this.#catalogue?.language ?? 'en'
    const view = this.#view && this.#catalogue ? this.#view : IDLE.view
    const wish = this.locale ?? ''
    return {
      view,
      flow: this.#flow ?? IDLE,
      words: { ...(this.#catalogue?.words ?? EMERGENCY), ...this.brand?.texts, ...this.texts },
      locale: wish.toLowerCase().startsWith(`${language.toLowerCase()}-`) ? wish : language,
      brand: this.brand,
      now: Date.now(),
      open: this.#open,
      typo: this.#typo,
      isActivityLong: this.#isActivityLong,
      returnUrl: this.returnUrl,
      canSignIn: this.getAccessToken === null,
      acts: this.#acts,
    }
  }

  readonly #acts: AccountActs = {
    open: (kind, id = '') => {
      this.#open = { kind, id }
      this.#typo = null
      this.#focusFirst()
    },
    close: () => this.#close(),
    submitName: (id, name) => {
      const isRight = name !== '' && [...name].length <= 64
      this.#typo = isRight ? null : 'account.passkeys.nameWrong'
      if (!isRight) return this.#focusFirst()
      this.#acts.press('passkeys', async () => (await this.#flow?.renamePasskey(id, name)) ?? false)
    },
    submitAddress: address => {
      this.#typo = ADDRESS.test(address) ? null : 'account.addresses.invalid'
      if (this.#typo) this.#focusFirst()
      else void this.#flow?.addAddress(address)
    },
    submitCode: code => {
      this.#typo = code.length === this.#view?.adding?.codeLength ? null : 'account.addresses.short'
      if (this.#typo) this.#focusFirst()
      else void this.#verify(code)
    },
    press: (section, work) => void this.#press(section, work),
    showAll: () => {
      this.#isActivityLong = true
      this.requestUpdate()
      this.#focusSection('activity')
    },
  }

  async #press(section: Section, work: () => Promise<boolean>): Promise<void> {
    await work()
    this.#open = null
    this.requestUpdate()
    this.#focusSection(section)
  }

  async #verify(code: string): Promise<void> {
    await this.#flow?.verifyAddress(code)
    // Right or dead: the field has gone. Wrong: the next one takes its place.
    if (this.#view?.adding) return this.#focusFirst(true)
    this.#open = null
    this.#focusSection('addresses')
  }

  /** Back to the button that opened it. */
  #close(): void {
    const opened = this.#open
    this.#open = null
    this.#typo = null
    if (this.#view?.adding) this.#flow?.forgetAddress()
    this.requestUpdate()
    void this.updateComplete.then(() => {
      const buttons = [...this.renderRoot.querySelectorAll<HTMLElement>('[data-opens]')]
      buttons.find(one => one.dataset.opens === `${opened?.kind} ${opened?.id}`)?.focus()
    })
  }

  #focusFirst(isSelected = false): void {
    this.requestUpdate()
    void this.updateComplete.then(() => {
      const first = this.renderRoot.querySelector<HTMLElement>('[data-first]')
      first?.focus()
      if (isSelected && first instanceof HTMLInputElement) first.select()
    })
  }

  /** What had the focus is gone: the heading tells where one is, and what is said stands below it. */
  #focusSection(section: Section): void {
    void this.updateComplete.then(() =>
      this.renderRoot.querySelector<HTMLElement>(`[data-section=${section}] h2`)?.focus(),
    )
  }

  #fail({ code, message, requestId }: OstiaryClientError): void {
    this.#tell('error', { code, message, requestId })
  }

  #tell<Name extends keyof AccountEvents>(name: Name, detail: AccountEvents[Name]['detail']): void {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }))
  }

  #server(): string {
    return (this.server || new URL(import.meta.url).origin).replace(/\/+$/, '')
  }

  #wishes(): (string | null)[] {
    return [this.locale, ...navigator.languages]
  }

  async #speak(): Promise<void> {
    const language = pickLanguage(this.#wishes())
    if (this.#catalogue?.language === language) return
    const words = (await loadWords(this.#server(), language, 'account.')) as Record<string, string> | null
    this.#catalogue = { language, words: words ?? this.#catalogue?.words ?? EMERGENCY }
    this.requestUpdate()
  }

  #stop(): void {
    this.#flow?.stop()
    this.#flow = null
    this.#view = null
    this.#open = null
    this.#typo = null
    this.#isReady = false
    this.requestUpdate()
  }
}

/** The sign-in's own news are not the account's. */
const quiet = (event: Event) => event.stopPropagation()

const never = new Promise<never>(() => {})

/** What is shown before anything has begun. */
const IDLE: AccountFlow = createAccountFlow({
  server: '',
  client: createClient({ server: '', fetch: () => never }),
  lent: null,
  locale: () => undefined,
  passkeys: () => never,
  now: Date.now,
  onChange() {},
  onSignedOut() {},
  onFailure() {},
})
