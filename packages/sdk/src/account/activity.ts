import { html, nothing, type TemplateResult } from 'lit'
import type { Activity } from '../client/wire.ts'
import { button, card, listOf } from './parts.ts'
import { type AccountScene, deviceWords, exactly, rich, when } from './scene.ts'
import { ACCOUNT_KEYS, type AccountKey } from './word-keys.ts'

const SHORT = 8

export function activityCard(scene: AccountScene): TemplateResult {
  const { items, failure } = scene.view.activity
  // The list of types may grow: a line without words is passed over.
  const told = items?.filter(({ type }) => keyOf(type) !== null) ?? null
  const isCut = !scene.isActivityLong && (told?.length ?? 0) > SHORT
  return card(scene, 'activity', {
    lead: 'account.activity.lead',
    body: listOf(
      scene,
      'activity',
      { items: isCut ? (told?.slice(0, SHORT) ?? null) : told, failure },
      {
        row: line => lineOf(scene, line),
        empty: 'account.activity.empty',
      },
    ),
    foot: isCut
      ? html`<div class="foot">${button(scene, 'account.more', () => scene.acts.showAll(), { style: 'plain' })}</div>`
      : nothing,
  })
}

function keyOf(type: string): AccountKey | null {
  return ACCOUNT_KEYS.find(key => key === `account.activity.${type}`) ?? null
}

function lineOf(scene: AccountScene, { type, createdAt, device, ipAddress, data }: Activity): TemplateResult {
  const key = keyOf(type)
  return html`<li class="line"><p class="name">${key && rich(scene, key, { address: data.address ?? '' })}</p>
<p class="facts"><time datetime=${createdAt} title=${exactly(scene, createdAt)}>${when(scene, createdAt)}</time>
${device ? html`<span>${deviceWords(scene, device)}</span>` : nothing}${ipAddress ? html`<span><bdi dir="ltr">${ipAddress}</bdi></span>` : nothing}</p></li>`
}
