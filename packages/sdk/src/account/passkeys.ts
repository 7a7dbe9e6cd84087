import { html, nothing, type TemplateResult } from 'lit'
import type { Authenticator } from '../client/wire.ts'
import { PICTURES } from './icons.ts'
import { button, card, closing, dated, listOf, type Part, question, rowOf, submit } from './parts.ts'
import { type AccountScene, rich, say } from './scene.ts'

export function passkeysCard(scene: AccountScene): TemplateResult {
  const { view, flow, acts } = scene
  return card(scene, 'passkeys', {
    lead: 'account.passkeys.lead',
    body: listOf(scene, 'passkeys', view.passkeys, {
      row: passkey => passkeyRow(scene, passkey),
      empty: 'account.passkeys.empty',
    }),
    foot: globalThis.PublicKeyCredential
      ? html`<div class="foot">${button(scene, 'account.passkeys.add', () => acts.press('passkeys', () => flow.addPasskey()), { style: 'plain', name: 'addPasskey', busy: 'account.passkeys.busy' })}</div>`
      : html`<p class="empty">${say(scene, 'account.passkeys.impossible')}</p>`,
  })
}

function passkeyRow(scene: AccountScene, passkey: Authenticator): TemplateResult {
  const { id, name, provider, isBackedUp, createdAt, lastUsedAt } = passkey
  return rowOf({
    picture: PICTURES.passkey,
    title: name,
    facts: [
      provider !== null && provider !== name ? provider : null,
      say(scene, isBackedUp ? 'account.passkeys.synced' : 'account.passkeys.single'),
      lastUsedAt ? dated(scene, 'account.passkeys.used', lastUsedAt) : say(scene, 'account.passkeys.unused'),
      dated(scene, 'account.passkeys.made', createdAt),
    ],
    acts: html`${button(scene, 'account.passkeys.rename', () => scene.acts.open('rename', id), { of: name, opens: `rename ${id}` })}
${button(scene, 'account.remove', () => scene.acts.open('removePasskey', id), { of: name, opens: `removePasskey ${id}` })}`,
    below: below(scene, passkey),
  })
}

function below(scene: AccountScene, { id, name }: Authenticator): Part {
  const { open, acts, flow } = scene
  if (open?.id !== id) return nothing
  if (open.kind === 'rename') return nameForm(scene, id, name)
  return question(scene, rich(scene, 'account.passkeys.confirm', { name }), {
    key: 'account.remove',
    name: `removePasskey ${id}`,
    press: () => acts.press('passkeys', () => flow.removePasskey(id)),
  })
}

function nameForm(scene: AccountScene, id: string, name: string): TemplateResult {
  const save = (event: SubmitEvent) => {
    event.preventDefault()
    const field = (event.currentTarget as HTMLFormElement).querySelector('input')
    scene.acts.submitName(id, field?.value.trim() ?? '')
  }
  return html`<form class="ask" novalidate @submit=${save} @keydown=${closing(scene)}>
<label for="name">${say(scene, 'account.passkeys.name')}</label>
<input id="name" data-first autocomplete="off" maxlength="64" .defaultValue=${name} aria-invalid=${scene.typo !== null} aria-describedby="name-error">
<p class="error" id="name-error" aria-live="polite">${scene.typo ? say(scene, scene.typo) : nothing}</p>
<div class="acts">${submit(scene, 'account.save', `renamePasskey ${id}`)}${button(scene, 'account.cancel', () => scene.acts.close(), { style: 'plain' })}</div></form>`
}
