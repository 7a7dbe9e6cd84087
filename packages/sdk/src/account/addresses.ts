import { html, nothing, type TemplateResult } from 'lit'
import type { Identifier } from '../client/wire.ts'
import { digitsOf } from '../element/code.ts'
import { countdown } from '../element/words.ts'
import { PICTURES } from './icons.ts'
import { button, card, closing, listOf, type Part, question, rowOf, submit } from './parts.ts'
import { type AccountScene, rich, say } from './scene.ts'

export function addressesCard(scene: AccountScene): TemplateResult {
  const { view, open } = scene
  const items = view.user?.identifiers ?? null
  return card(scene, 'addresses', {
    lead: 'account.addresses.lead',
    body: listOf(
      scene,
      'addresses',
      { items, failure: null },
      {
        row: address => addressRow(scene, address),
        empty: 'account.passkeys.empty',
      },
    ),
    foot: view.adding ? codeForm(scene) : open?.kind === 'addAddress' ? addressForm(scene) : adding(scene),
  })
}

function adding(scene: AccountScene): TemplateResult {
  return html`<div class="foot">${button(scene, 'account.addresses.add', () => scene.acts.open('addAddress'), { style: 'plain', opens: 'addAddress ' })}</div>`
}

function addressRow(scene: AccountScene, address: Identifier): TemplateResult {
  const { value, isPrimary, verifiedAt } = address
  const { flow, acts, open } = scene
  const mayBePrimary = !isPrimary && verifiedAt !== null
  return rowOf({
    picture: PICTURES.address,
    title: value,
    badge: isPrimary ? say(scene, 'account.addresses.primary') : null,
    facts: [verifiedAt === null ? say(scene, 'account.addresses.unproven') : null],
    acts: html`${mayBePrimary ? button(scene, 'account.addresses.makePrimary', () => acts.press('addresses', () => flow.makePrimary(address)), { of: value, name: `makePrimary ${value}` }) : nothing}
${button(scene, 'account.remove', () => acts.open('removeAddress', value), { of: value, opens: `removeAddress ${value}` })}`,
    below:
      open?.kind === 'removeAddress' && open.id === value
        ? question(scene, rich(scene, 'account.addresses.confirm', { address: value }), {
            key: 'account.remove',
            name: `removeAddress ${value}`,
            press: () => acts.press('addresses', () => flow.removeAddress(address)),
          })
        : nothing,
  })
}

function addressForm(scene: AccountScene): TemplateResult {
  const send = (event: SubmitEvent) => {
    event.preventDefault()
    scene.acts.submitAddress(fieldOf(event).value.trim())
  }
  return html`<form class="ask" novalidate @submit=${send} @keydown=${closing(scene)}>
<label for="address">${say(scene, 'account.addresses.label')}</label>
<input id="address" data-first type="email" inputmode="email" dir="ltr" autocomplete="email" autocapitalize="off" autocorrect="off" spellcheck="false"
maxlength="254" aria-invalid=${scene.typo !== null} aria-describedby="address-error">
${errorLine(scene, 'address-error')}
<div class="acts">${submit(scene, 'account.addresses.send', 'addAddress')}${button(scene, 'account.cancel', () => scene.acts.close(), { style: 'plain' })}</div></form>`
}

function codeForm(scene: AccountScene): Part {
  const { adding } = scene.view
  if (!adding) return nothing
  const { to, tag, codeLength } = adding
  const verify = (event: SubmitEvent) => {
    event.preventDefault()
    scene.acts.submitCode(digitsOf(fieldOf(event).value))
  }
  const tidy = (event: InputEvent) => {
    const field = event.currentTarget as HTMLInputElement
    const digits = digitsOf(field.value).slice(0, codeLength)
    if (digits !== field.value) field.value = digits
    if (digits.length === codeLength && !event.inputType?.startsWith('delete')) field.form?.requestSubmit()
  }
  return html`<form class="ask" novalidate @submit=${verify} @keydown=${closing(scene)}>
<p class="sent">${rich(scene, 'account.addresses.sent', { address: to, tag })}</p>
<label for="code">${say(scene, 'account.addresses.code', { length: String(codeLength) })}</label>
<input class="code" id="code" data-first type="text" inputmode="numeric" dir="ltr" autocomplete="one-time-code" autocapitalize="off" spellcheck="false"
aria-invalid=${scene.typo !== null} aria-describedby="code-error" @input=${tidy}>
${errorLine(scene, 'code-error')}
<div class="acts">${submit(scene, 'account.addresses.verify', 'verifyAddress')}${again(scene)}${button(scene, 'account.cancel', () => scene.acts.close(), { style: 'plain' })}</div></form>`
}

function again(scene: AccountScene): Part {
  const { resendAt } = scene.view.adding ?? { resendAt: null }
  if (resendAt === null) return nothing
  const left = Date.parse(resendAt) - scene.now
  if (left > 0)
    return html`<span class="wait">${say(scene, 'account.addresses.wait', { time: countdown(left) })}</span>`
  return button(scene, 'account.addresses.resend', () => void scene.flow.resendCode(), {
    style: 'plain',
    name: 'resendCode',
  })
}

function errorLine(scene: AccountScene, id: string): TemplateResult {
  const { typo, view } = scene
  const length = String(view.adding?.codeLength ?? '')
  return html`<p class="error" id=${id} aria-live="polite">${typo ? say(scene, typo, { length }) : nothing}</p>`
}

function fieldOf(event: Event): HTMLInputElement {
  return (event.currentTarget as HTMLFormElement).querySelector('input') as HTMLInputElement
}
