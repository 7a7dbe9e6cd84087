import { svg } from 'lit'

const icon = (paths: ReturnType<typeof svg>) =>
  svg`<svg viewBox="0 0 24 24" aria-hidden="true" focusable="false">${paths}</svg>`

/** The few pictures of the element; all are decoration. */
export const ICONS = {
  digits: icon(
    svg`<rect x="3" y="6" width="18" height="12" rx="3"/><path d="M8 12h.01M12 12h.01M16 12h.01" stroke-width="2.5"/>`,
  ),
  link: icon(
    svg`<path d="M10 14a4.5 4.5 0 0 0 6.4 0l3-3A4.5 4.5 0 0 0 13 4.6l-1 1M14 10a4.5 4.5 0 0 0-6.4 0l-3 3A4.5 4.5 0 0 0 11 19.4l1-1"/>`,
  ),
  passkey: icon(svg`<circle cx="8" cy="16" r="4.5"/><path d="m11.5 12.5 8-8M15 9l3 3"/>`),
  onward: icon(svg`<path d="m9 6 6 6-6 6"/>`),
  alert: icon(svg`<circle cx="12" cy="12" r="9"/><path d="M12 7.5v5M12 16h.01"/>`),
  sent: icon(svg`<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="m3.5 7.5 8.5 6 8.5-6"/>`),
  check: icon(svg`<path d="m5 12.5 4.5 4.5L19 7.5"/>`),
  clock: icon(svg`<circle cx="12" cy="12" r="9"/><path d="M12 7v5l3 2"/>`),
  stop: icon(svg`<circle cx="12" cy="12" r="9"/><path d="m6 6 12 12"/>`),
}
