import { html, nothing, type TemplateResult } from 'lit'
import { methodsOf } from './flow.ts'
import { ICONS } from './icons.ts'
import {
  fieldError,
  headOf,
  heard,
  isDead,
  isHeld,
  isMaking,
  lifeOf,
  noticeOf,
  resendWait,
  rich,
  type Scene,
  say,
  troubleOf,
} from './scene.ts'
import type { WordKey } from './word-keys.ts'
import { countdown } from './words.ts'

type Part = TemplateResult | typeof nothing

/** The frame of every step, in the shadow: brand, heading, the form's place, and what can be done besides. */
export function frameOf(scene: Scene): TemplateResult {
  const { view } = scene
  const { title, lead } = headOf(scene)
  return html`<div class="card" part="card" aria-busy=${view.busy !== null}>
${brandRow(scene)}
<div class="enter" part="step" data-step=${view.screen}>
${badge(scene)}
<h1 part="title" tabindex="-1">${view.screen === 'starting' ? waitingDots() : nothing} ${rich(scene, title)}</h1>
${view.action?.intent ? html`<p class="lead" part="intent"><b><bdi>${view.action.intent}</bdi></b></p>` : nothing}
${lead ? html`<p class="lead" part="lead">${rich(scene, lead)}</p>` : nothing}
</div>
${trouble(scene)}
${notice(scene)}
${stepBody(scene)}
<slot></slot>
${view.screen === 'identify' && view.canPasskey ? passkeyBelow(scene) : nothing}
${more(scene)}
<p class="heard" role="status">${heard(scene)}</p>
</div>`
}

function brandRow({ view }: Scene): Part {
  const brand = view.action?.brand
  if (!brand) return nothing
  const mark = brand.logoUrl
    ? html`<img part="logo" src=${brand.logoUrl} alt="" referrerpolicy="no-referrer">`
    : html`<span class="dot"></span>`
  return html`<header part="header">${mark}<bdi>${brand.name}</bdi></header>`
}

function badge({ view }: Scene): Part {
  if (view.screen === 'done') return html`<div class="badge good">${ICONS.check}</div>`
  if (view.screen === 'failed') return html`<div class="badge">${ICONS.alert}</div>`
  if (isMaking(view.screen)) return html`<div class="badge">${ICONS.passkey}</div>`
  if (view.screen !== 'ended' && view.screen !== 'review') return nothing
  const isStopped = view.screen === 'ended' && view.ending !== 'expired'
  return html`<div class="badge">${isStopped ? ICONS.stop : ICONS.clock}</div>`
}

function trouble(scene: Scene): Part {
  const found = troubleOf(scene)
  const { requestId } = scene.view.failure ?? { requestId: null }
  const reference =
    found?.isOurs && requestId ? html`<small>${say(scene, 'signIn.trouble.reference')}</small>` : nothing
  // The region is always there: what is written into it later is read out.
  return html`<div role="alert">${found ? html`<div class="trouble" part="trouble">${ICONS.alert}<p>${found.text}${reference}</p></div>` : nothing}</div>`
}

function notice(scene: Scene): Part {
  const key = noticeOf(scene)
  // Done, and nowhere to go: nothing is waited for.
  const isWaiting = scene.view.busy !== null || scene.view.result?.redirectTo
  if (scene.isSlow && isWaiting) return box(html`${say(scene, 'signIn.trouble.slow')}`, waitingDots())
  if (!key) return nothing
  return box(rich(scene, key), key.includes('resend') ? ICONS.sent : ICONS.passkey)
}

function box(text: TemplateResult, picture: TemplateResult): TemplateResult {
  return html`<div class="notice" part="notice">${picture}<p>${text}</p></div>`
}

function stepBody(scene: Scene): Part {
  const { view, flow } = scene
  if (isDead(scene)) return deadBody(scene)
  if (view.screen === 'failed') return mainButton(say(scene, 'signIn.retry'), scene.startAnew)
  if (view.screen === 'method') return methodBody(scene)
  if (view.screen === 'link')
    return html`${waiting(say(scene, 'signIn.link.waiting'))}${view.action?.challenge?.codeLength ? nothing : facts(scene)}`
  if (view.screen === 'approve')
    return html`<output class="number" part="number" dir="ltr">${view.action?.challenge?.number}</output>
${waiting(say(scene, 'signIn.approve.waiting'))}
<p class="lead">${say(scene, 'signIn.approve.caution')}</p>
<div class="more row">${quiet(say(scene, 'signIn.cancel'), () => flow.cancel())}</div>`
  if (isMaking(view.screen))
    return html`${view.canPasskey || view.screen === 'offer' ? mainButton(say(scene, view.busy === 'enroll' ? 'signIn.passkey.busy' : 'signIn.offer.submit'), () => flow.enroll(), scene) : nothing}
${view.screen === 'offer' ? html`<div class="more row">${quiet(say(scene, 'signIn.offer.skip'), () => flow.skip())}</div>` : nothing}`
  if (view.screen === 'done') return doneBody(scene)
  if (view.screen === 'review') return html`${waiting(say(scene, 'signIn.review.waiting'))}${wayBack(scene)}`
  return view.screen === 'ended' ? endedBody(scene) : nothing
}

function methodBody(scene: Scene): TemplateResult {
  const { view, flow } = scene
  const icons = { emailCode: ICONS.digits, emailLink: ICONS.link }
  const words = { emailCode: 'signIn.method.code', emailLink: 'signIn.method.link' } as const
  return html`<div class="options">${methodsOf(view.action).map(method =>
    option(scene, icons[method], [words[method], `${words[method]}Hint`], () => flow.send(method)),
  )}
${view.canPasskey ? option(scene, ICONS.passkey, [passkeyLabel(scene), 'signIn.passkey.hint'], () => flow.passkey()) : nothing}</div>`
}

function option(
  scene: Scene,
  icon: TemplateResult,
  [title, hint]: [WordKey, WordKey],
  press: () => void,
): TemplateResult {
  return html`<button class="option" part="option" type="button" aria-disabled=${isHeld(scene)} @click=${press}>
<span class="icon">${icon}</span><span><b>${say(scene, title)}</b><small>${say(scene, hint)}</small></span>
<span class="turn">${ICONS.onward}</span></button>`
}

/** Below the address: the way without one. */
function passkeyBelow(scene: Scene): TemplateResult {
  return html`<button class="main ghost" part="passkey" type="button" aria-disabled=${isHeld(scene)} @click=${() => scene.flow.passkey()}>${ICONS.passkey}<span>${say(scene, passkeyLabel(scene))}</span></button>`
}

const passkeyLabel = ({ view }: Scene): WordKey =>
  view.busy === 'passkey' ? 'signIn.passkey.busy' : 'signIn.passkey.submit'

function deadBody(scene: Scene): TemplateResult {
  const isLink = scene.view.action?.challenge?.method === 'emailLink'
  return html`<div class="trouble" part="trouble" role="alert">${ICONS.clock}<p>${fieldError(scene)}</p></div>
${mainButton(say(scene, isLink ? 'signIn.resend.link' : 'signIn.resend.code'), () => scene.flow.resend(), scene)}`
}

function doneBody(scene: Scene): Part {
  const { result } = scene.view
  if (!result?.redirectTo) return nothing
  return scene.isSlow
    ? html`<a class="main" part="button" href=${result.redirectTo}>${say(scene, 'signIn.identify.submit')}</a>`
    : waiting(say(scene, 'signIn.starting'))
}

/** Anew where this page can begin; an action that the app's backend began can only be left. */
function endedBody(scene: Scene): TemplateResult {
  return html`${scene.canBegin ? mainButton(say(scene, 'signIn.again'), scene.startAnew) : nothing}${wayBack(scene)}`
}

function wayBack(scene: Scene): Part {
  const leadsTo = webAddress(scene.view.action?.redirectTo)
  return leadsTo
    ? html`<a class="main ghost" part="button" href=${leadsTo}>${say(scene, 'signIn.back')}</a>`
    : nothing
}

/** The tag and the life of a link: what stands below the field where there is a code. */
function facts(scene: Scene): TemplateResult {
  const { challenge } = scene.view.action ?? { challenge: null }
  return html`<div class="facts">${challenge?.tag ? html`<p>${rich(scene, 'signIn.tag')}</p>` : nothing}
<p>${say(scene, 'signIn.code.life', { duration: lifeOf(scene) })}</p></div>`
}

/** Below the line: a new message, help when nothing came, other ways, and the way out. */
function more(scene: Scene): Part {
  const { view, flow } = scene
  const { screen } = view
  const support = webAddress(view.action?.brand.supportUrl)
  const help = support
    ? html`<a class="quiet" href=${support} rel="noreferrer">${say(scene, 'signIn.support')}</a>`
    : nothing
  const cancel = scene.isCancelable ? quiet(say(scene, 'signIn.cancel'), () => flow.cancel()) : nothing
  if (screen === 'identify' || screen === 'method' || screen === 'enroll') {
    const isAside = view.action !== null && view.action.step !== screen && view.action.step !== 'identify'
    const back = isAside ? quiet(say(scene, 'signIn.back'), () => flow.back()) : nothing
    const other = screen === 'method' && !isAside ? otherAddress(scene) : nothing
    const isEmpty = [back, other, cancel, help].every(part => part === nothing)
    return isEmpty ? nothing : html`<div class="more row" part="more">${back}${other}${cancel}${help}</div>`
  }
  if (screen === 'code' || screen === 'link')
    return html`<div class="more" part="more">
${isDead(scene) ? nothing : resend(scene)}${nothingCame(scene)}
<div class="row">${otherAddress(scene)}
${view.canPasskey || methodsOf(view.action).length > 1 ? quiet(say(scene, 'signIn.other.method'), () => flow.otherMethod()) : nothing}
${cancel}${help}</div></div>`
  return screen === 'done' || help === nothing
    ? nothing
    : html`<div class="more row" part="more">${help}</div>`
}

function resend(scene: Scene): TemplateResult {
  const { view, flow } = scene
  if (view.busy === 'resend') return html`<p class="wait">${say(scene, 'signIn.busy.send')}</p>`
  const left = resendWait(scene)
  if (left > 0)
    return html`<p class="wait">${say(scene, 'signIn.resend.wait', { time: countdown(left) })}</p>`
  const key = view.action?.challenge?.method === 'emailLink' ? 'signIn.resend.link' : 'signIn.resend.code'
  return html`<div>${quiet(say(scene, key), () => flow.resend(), 'resend')}</div>`
}

function nothingCame(scene: Scene): TemplateResult {
  return html`<details part="help"><summary>${say(scene, 'signIn.help.title')}${ICONS.onward}</summary>
<ul class="help"><li>${say(scene, 'signIn.help.wait')}</li><li>${say(scene, 'signIn.help.spam')}</li>
${scene.view.action?.isAddressFixed ? nothing : html`<li>${rich(scene, 'signIn.help.address')}</li>`}</ul></details>`
}

function otherAddress(scene: Scene): Part {
  if (scene.view.action?.isAddressFixed) return nothing
  return quiet(say(scene, 'signIn.other.address'), () => scene.flow.otherAddress())
}

function quiet(label: string, press: () => void, part = 'link'): TemplateResult {
  return html`<button class="quiet" part=${part} type="button" @click=${press}>${label}</button>`
}

function mainButton(label: string, press: () => void, scene?: Scene): TemplateResult {
  const isBusy = scene ? isHeld(scene) : false
  return html`<button class="main" part="button" type="button" aria-disabled=${isBusy} @click=${press}>${label}</button>`
}

function waiting(text: string): TemplateResult {
  return html`<p class="waiting" part="waiting">${waitingDots()}<span>${text}</span></p>`
}

function waitingDots(): TemplateResult {
  return html`<span class="pulse" aria-hidden="true"><i></i><i></i><i></i></span>`
}

/** The server checks it at save; a link that runs script is not made of whatever comes instead. */
function webAddress(address: string | null | undefined): string | null {
  const url = address ? URL.parse(address) : null
  return url && /^https?:$/.test(url.protocol) ? url.href : null
}
