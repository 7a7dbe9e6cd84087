import { html, nothing, type TemplateResult } from 'lit'
import { codeIn, digitsOf } from './code.ts'
import { fieldError, isDead, isHeld, lifeOf, rich, type Scene, say } from './scene.ts'

/** What the person has typed, before it goes to the server. */
export interface FormActs {
  submitAddress(address: string): void
  submitCode(code: string): void
}

/** The form of the step, for the page's own tree; nothing where there is nothing to type. */
export function formOf(scene: Scene, acts: FormActs): TemplateResult | typeof nothing {
  const { screen, action } = scene.view
  if (screen === 'identify') return addressForm(scene, acts)
  const hasCode = screen === 'code' || (screen === 'link' && action?.challenge?.codeLength)
  return hasCode && !isDead(scene) ? codeForm(scene, acts) : nothing
}

function addressForm(scene: Scene, acts: FormActs): TemplateResult {
  const { id, view, loginHint } = scene
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    acts.submitAddress(fieldOf(event).value.trim())
  }
  const known = view.action?.address ?? view.action?.loginHint ?? loginHint ?? ''
  return html`<form class="ostiary-form" method="post" novalidate @submit=${submit}>
<label class="ostiary-label" for="${id}-address">${say(scene, 'signIn.identify.label')}</label>
<input class="ostiary-input" id="${id}-address" name="email" type="email" inputmode="email" dir="ltr" .defaultValue=${known}
autocomplete="username webauthn" autocapitalize="off" autocorrect="off" spellcheck="false" enterkeyhint="next" maxlength="254" required
aria-invalid=${fieldError(scene) ? 'true' : 'false'} aria-describedby="${id}-error">
${errorLine(scene)}
${submitButton(scene, say(scene, 'signIn.identify.submit'))}
</form>`
}

/** ONE field: boxes for each digit break autofill, password managers and screen readers. */
function codeForm(scene: Scene, acts: FormActs): TemplateResult {
  const { id, view } = scene
  const length = view.action?.challenge?.codeLength ?? 6
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    acts.submitCode(digitsOf(fieldOf(event).value))
  }
  return html`<form class="ostiary-form" method="post" novalidate @submit=${submit}>
<label class="ostiary-label" for="${id}-code">${say(scene, 'signIn.code.label')}</label>
<input class="ostiary-input ostiary-code" id="${id}-code" name="code" type="text" inputmode="numeric" dir="ltr" data-length=${length}
autocomplete="one-time-code" autocapitalize="off" autocorrect="off" spellcheck="false" enterkeyhint="done" required
aria-invalid=${fieldError(scene) ? 'true' : 'false'} aria-describedby="${id}-error ${id}-hint"
@input=${(event: InputEvent) => tidy(event, length)} @paste=${(event: ClipboardEvent) => paste(event, length)}>
${errorLine(scene)}
<div class="ostiary-hint" id="${id}-hint">
${view.action?.challenge?.tag ? html`<span>${rich(scene, 'signIn.tag')}</span>` : nothing}
<span>${say(scene, 'signIn.code.life', { duration: lifeOf(scene) })}</span>
</div>
${submitButton(scene, say(scene, 'signIn.code.submit'))}
</form>`
}

/** Always there, so that what is written into it later is read out. */
function errorLine(scene: Scene): TemplateResult {
  return html`<p class="ostiary-error" id="${scene.id}-error" aria-live="polite">${fieldError(scene) ?? nothing}</p>`
}

// aria-disabled, not disabled: the focus stays where it is, and the flow takes one press at a time anyway.
function submitButton(scene: Scene, label: string): TemplateResult {
  const { busy, screen } = scene.view
  const isBusy = isHeld(scene) && busy !== 'resend'
  const working = say(scene, screen === 'identify' ? 'signIn.busy.send' : 'signIn.busy.verify')
  return html`<button class="ostiary-button" type="submit" aria-disabled=${isBusy ? 'true' : 'false'}>${isBusy ? working : label}</button>`
}

function fieldOf(event: Event): HTMLInputElement {
  return (event.currentTarget as HTMLFormElement).querySelector('input') as HTMLInputElement
}

/** Keeps digits only; the last one submits. The button stays for those who correct one in the middle. */
function tidy(event: InputEvent, length: number): void {
  const field = event.currentTarget as HTMLInputElement
  const digits = codeIn(field.value, length)
  if (digits !== field.value) field.value = digits
  const isTyped = !event.inputType?.startsWith('delete')
  if (isTyped && digits.length === length) field.form?.requestSubmit()
}

// A sentence that was copied with the code in it would be cut to one line of digits by the field itself.
function paste(event: ClipboardEvent, length: number): void {
  const digits = codeIn(event.clipboardData?.getData('text') ?? '', length)
  if (digits.length !== length) return
  event.preventDefault()
  const field = event.currentTarget as HTMLInputElement
  field.value = digits
  field.form?.requestSubmit()
}
