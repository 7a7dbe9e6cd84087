import { html, nothing, type TemplateResult } from 'lit'
import { activityCard } from './activity.ts'
import { addressesCard } from './addresses.ts'
import { PICTURES } from './icons.ts'
import { button, dots, type Part } from './parts.ts'
import { passkeysCard } from './passkeys.ts'
import { type AccountScene, rich, say } from './scene.ts'
import { sessionsCard } from './sessions.ts'
import type { AccountKey } from './word-keys.ts'

/** The whole of it, in the shadow. The sign-in stands in the page's own tree and comes through the slot. */
export function pageOf(scene: AccountScene): TemplateResult {
  const { screen } = scene.view
  if (screen === 'signIn') return html`<slot></slot>`
  if (screen === 'account') return accountOf(scene)
  if (screen === 'starting')
    return html`<div class="card small"><h1 tabindex="-1">${dots()} ${say(scene, 'account.starting')}</h1></div>`
  return screen === 'signedOut' ? signedOut(scene) : failed(scene)
}

function accountOf(scene: AccountScene): TemplateResult {
  const { view, flow } = scene
  const email = view.user?.email ?? view.user?.name ?? ''
  return html`${brandRow(scene)}<header class="head" part="header"><div><h1 tabindex="-1">${say(scene, 'account.title')}</h1>
<p class="lead">${email ? rich(scene, 'account.who', { address: email }) : nothing}</p></div>
<div class="acts">${back(scene)}${button(scene, 'account.signOut', () => void flow.signOut(), { style: 'plain', name: 'signOut' })}</div></header>
<div class="sections">
${passkeysCard(scene)}${addressesCard(scene)}${sessionsCard(scene)}${activityCard(scene)}
</div>
${proof(scene)}`
}

function brandRow({ brand }: AccountScene): Part {
  if (!brand) return nothing
  const mark = brand.logoUrl
    ? html`<img part="logo" src=${brand.logoUrl} alt="" referrerpolicy="no-referrer">`
    : html`<span class="dot"></span>`
  return html`<p class="brand" part="brand">${mark}<bdi>${brand.name}</bdi></p>`
}

/** The sign-in as a question of its own: the page behind it waits. */
function proof(scene: AccountScene): Part {
  if (!scene.view.proving) return nothing
  const cancel = (event: Event) => {
    event.preventDefault()
    scene.flow.unproven()
  }
  return html`<dialog part="dialog" aria-labelledby="title-proof" @cancel=${cancel}>
<div class="head"><h2 id="title-proof" tabindex="-1">${say(scene, 'account.proof.title')}</h2>
<button type="button" class="close" aria-label=${say(scene, 'account.cancel')} @click=${() => scene.flow.unproven()}>${PICTURES.close}</button></div>
<p class="lead">${say(scene, 'account.proof.lead')}</p>
<slot></slot></dialog>`
}

function signedOut(scene: AccountScene): TemplateResult {
  return message(scene, ['account.signedOut.title', 'account.signedOut.text'], PICTURES.check, [
    scene.canSignIn
      ? button(scene, 'account.signIn', () => void scene.flow.start(), { style: 'main' })
      : nothing,
    back(scene),
  ])
}

function failed(scene: AccountScene): TemplateResult {
  const { failure } = scene.view
  const isLost = failure !== null && ['network_failed', 'timed_out'].includes(failure.code)
  const status = failure?.failure.status ?? null
  const isSetup = status !== null && status >= 400 && status < 500 && failure?.code !== 'rate_limited'
  const key = isLost ? 'network' : isSetup ? 'setup' : 'server'
  const card = message(scene, ['account.title', `account.trouble.${key}`], PICTURES.alert, [
    button(scene, 'account.retry', () => void scene.flow.start(), { style: 'main' }),
  ])
  const reference = failure?.requestId
    ? html`<p class="reference">${say(scene, 'account.trouble.reference', { requestId: failure.requestId })}</p>`
    : nothing
  return html`${card}${reference}`
}

function message(
  scene: AccountScene,
  [title, text]: [AccountKey, AccountKey],
  picture: TemplateResult,
  acts: Part[],
): TemplateResult {
  return html`<div class="card small"><div class="mark">${picture}</div><h1 tabindex="-1">${say(scene, title)}</h1>
<p class="lead" role="status">${say(scene, text)}</p><div class="acts end">${acts}</div></div>`
}

function back(scene: AccountScene): Part {
  const url = scene.returnUrl ? URL.parse(scene.returnUrl, location.href) : null
  if (!url || !/^https?:$/.test(url.protocol)) return nothing
  return html`<a class="plain" part="link" href=${url.href}>${say(scene, 'account.back', { brand: scene.brand?.name ?? url.host })}</a>`
}
