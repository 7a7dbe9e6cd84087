import { svg } from 'lit'
import { ICONS } from '../element/icons.ts'

const icon = (paths: ReturnType<typeof svg>) =>
  svg`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`

/** The pictures of the account; all are decoration. */
export const PICTURES = {
  passkey: ICONS.passkey,
  address: ICONS.sent,
  alert: ICONS.alert,
  check: ICONS.check,
  close: icon(svg`<path d="m6 6 12 12M18 6 6 18"/>`),
  computer: icon(svg`<rect x="3" y="4.5" width="18" height="12" rx="2"/><path d="M8.5 20h7M12 16.5V20"/>`),
  phone: icon(svg`<rect x="7" y="2.5" width="10" height="19" rx="2.5"/><path d="M11 18.5h2"/>`),
}
