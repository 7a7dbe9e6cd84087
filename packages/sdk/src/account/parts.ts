import { html, nothing, type TemplateResult } from 'lit'
import { PICTURES } from './icons.ts'
import { type AccountScene, exactly, say, toldIn, when } from './scene.ts'
import type { Section } from './view.ts'
import type { AccountKey } from './word-keys.ts'

export type Part = TemplateResult | typeof nothing

/** One section: its heading, what is said of the last press, and what is in it. */
export function card(
  scene: AccountScene,
  section: Section,
  { lead, body, foot }: { lead: AccountKey | null; body: Part; foot: Part },
): TemplateResult {
  return html`<section class="card" part="section" data-section=${section} aria-labelledby="title-${section}">
<h2 id="title-${section}" part="title" tabindex="-1">${say(scene, `account.${section}.title`)}</h2>
${lead ? html`<p class="lead">${say(scene, lead)}</p>` : nothing}
<div role="status" aria-atomic="true">${notice(scene, section)}</div>
${body}${foot}
</section>`
}

function notice(scene: AccountScene, section: Section): Part {
  const text = toldIn(scene, section)
  const { told } = scene.view
  if (text === null || told === null) return nothing
  const { failure } = told
  const isOurs = failure !== null && told.key === 'account.trouble.server' && failure.requestId !== null
  return html`<div class="notice ${told.isFailure ? 'bad' : ''}" part="notice">${told.isFailure ? PICTURES.alert : PICTURES.check}
<p>${text}${isOurs ? html`<small>${say(scene, 'account.trouble.reference', { requestId: failure?.requestId ?? '' })}</small>` : nothing}</p></div>`
}

/** A list that may be on its way, or not be had. */
export function listOf<Item>(
  scene: AccountScene,
  section: Section,
  { items, failure }: { items: Item[] | null; failure: unknown },
  { row, empty }: { row(item: Item): TemplateResult; empty: AccountKey },
): TemplateResult {
  if (failure)
    return html`<div class="notice bad" role="alert">${PICTURES.alert}<p>${say(scene, 'account.trouble.load')}</p></div>
${button(scene, 'account.retry', () => void scene.flow.reload(section), { style: 'plain' })}`
  if (items === null)
    return html`<p class="waiting" aria-busy="true">${dots()}<span>${say(scene, 'account.starting')}</span></p>`
  if (items.length === 0) return html`<p class="empty">${say(scene, empty)}</p>`
  return html`<ul class="rows">${items.map(row)}</ul>`
}

interface Row {
  picture: TemplateResult
  title: TemplateResult | string
  badge?: string | null
  /** Each on its own, apart by a dot. */
  facts: (TemplateResult | string | null)[]
  acts?: Part
  /** A question or a field, below. */
  below?: Part
}

export function rowOf({
  picture,
  title,
  badge,
  facts,
  acts = nothing,
  below = nothing,
}: Row): TemplateResult {
  return html`<li class="row" part="row"><span class="icon">${picture}</span>
<div class="what"><p class="name"><bdi>${title}</bdi>${badge ? html` <span class="badge">${badge}</span>` : nothing}</p>
<p class="facts">${facts.filter(fact => fact !== null).map(fact => html`<span>${fact}</span>`)}</p></div>
${acts === nothing ? nothing : html`<div class="acts">${acts}</div>`}${below}</li>`
}

export function dated(scene: AccountScene, key: AccountKey, instant: string): TemplateResult {
  return html`<time datetime=${instant} title=${exactly(scene, instant)}>${say(scene, key, { date: when(scene, instant) })}</time>`
}

/** Asks before something is gone, in its place. */
export function question(
  scene: AccountScene,
  text: TemplateResult,
  { key, press, name }: { key: AccountKey; press: () => void; name: string },
): TemplateResult {
  return html`<div class="ask" part="question" role="group" aria-label=${say(scene, key)} @keydown=${closing(scene)}>
<p id="question">${text}</p>
<div class="acts">${button(scene, key, press, { style: 'danger', name, isFirst: true, describedBy: 'question' })}
${button(scene, 'account.cancel', () => scene.acts.close(), { style: 'plain' })}</div></div>`
}

export const closing =
  ({ acts }: AccountScene) =>
  (event: KeyboardEvent) => {
    if (event.key === 'Escape') acts.close()
  }

interface Look {
  style?: 'main' | 'plain' | 'quiet' | 'danger'
  /** The name of the press: where it is under way the button says so. */
  name?: string
  /** Where the focus goes when it comes. */
  isFirst?: boolean
  /** What it is about, for who does not see the row. */
  of?: string
  /** Where the focus comes back to when what it opened is closed. */
  opens?: string
  describedBy?: string
  busy?: AccountKey
}

// aria-disabled, not disabled: the focus stays where it is, and the flow takes one press at a time anyway.
export function button(
  scene: AccountScene,
  key: AccountKey,
  press: () => void,
  look: Look = {},
): TemplateResult {
  const { style = 'quiet', name, isFirst, of, opens, describedBy } = look
  const isBusy = name !== undefined && scene.view.busy === name
  const label = say(scene, isBusy ? (look.busy ?? 'account.busy') : key)
  return html`<button type="button" class=${style} part="button" aria-disabled=${scene.view.busy !== null} ?data-first=${isFirst ?? false}
data-opens=${opens ?? nothing} aria-label=${of ? `${label}: ${of}` : nothing} aria-describedby=${describedBy ?? nothing}
@click=${() => scene.view.busy === null && press()}>${label}</button>`
}

export function submit(scene: AccountScene, key: AccountKey, name: string): TemplateResult {
  const isBusy = scene.view.busy === name
  return html`<button type="submit" class="main" part="button" aria-disabled=${scene.view.busy !== null}>${say(scene, isBusy ? 'account.busy' : key)}</button>`
}

export function dots(): TemplateResult {
  return html`<span class="pulse" aria-hidden="true"><i></i><i></i><i></i></span>`
}
