import { html, nothing, type TemplateResult } from 'lit'
import type { OwnSession } from '../client/wire.ts'
import { PICTURES } from './icons.ts'
import { button, card, dated, listOf, type Part, question, rowOf } from './parts.ts'
import { type AccountScene, deviceWords, rich, say } from './scene.ts'

export function sessionsCard(scene: AccountScene): TemplateResult {
  const { items, failure } = scene.view.sessions
  // This one first: the rest is to be compared with it.
  const sorted = items && [...items].sort((one, other) => Number(other.isCurrent) - Number(one.isCurrent))
  return card(scene, 'sessions', {
    lead: null,
    body: listOf(
      scene,
      'sessions',
      { items: sorted, failure },
      {
        row: session => sessionRow(scene, session),
        empty: 'account.sessions.unknown',
      },
    ),
    foot: (items?.length ?? 0) > 1 ? others(scene) : nothing,
  })
}

const HAND_HELD = ['iPhone', 'iPad', 'Android']

function sessionRow(scene: AccountScene, session: OwnSession): TemplateResult {
  const { id, isCurrent, device, ipAddress, createdAt, lastUsedAt } = session
  const { open, acts, flow } = scene
  const name = deviceWords(scene, device)
  return rowOf({
    picture: HAND_HELD.includes(device.system ?? '') ? PICTURES.phone : PICTURES.computer,
    title: name,
    badge: isCurrent ? say(scene, 'account.sessions.this') : null,
    facts: [
      ipAddress && html`<bdi dir="ltr">${ipAddress}</bdi>`,
      dated(scene, 'account.sessions.used', lastUsedAt),
      dated(scene, 'account.sessions.since', createdAt),
    ],
    acts: isCurrent
      ? nothing
      : button(scene, 'account.signOut', () => acts.open('endSession', id), {
          of: name,
          opens: `endSession ${id}`,
        }),
    below:
      open?.kind === 'endSession' && open.id === id
        ? question(scene, rich(scene, 'account.sessions.confirm', { name }), {
            key: 'account.signOut',
            name: `endSession ${id}`,
            press: () => acts.press('sessions', () => flow.endSession(id)),
          })
        : nothing,
  })
}

function others(scene: AccountScene): Part {
  const { open, acts, flow } = scene
  if (open?.kind === 'endOthers')
    return question(scene, rich(scene, 'account.sessions.othersConfirm'), {
      key: 'account.sessions.others',
      name: 'endOthers',
      press: () => acts.press('sessions', () => flow.endOthers()),
    })
  return html`<div class="foot">${button(scene, 'account.sessions.others', () => acts.open('endOthers'), { style: 'plain', opens: 'endOthers ' })}</div>`
}
