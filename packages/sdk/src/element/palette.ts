import type { Brand, BrandColors } from '../client/wire.ts'

/** Every color of one mode. All pairs of text have a contrast of at least 4.5 (WCAG 2.2, 1.4.3). */
export interface Palette {
  primary: string
  onPrimary: string
  edge: string
  background: string
  text: string
  muted: string
  line: string
  field: string
  soft: string
  danger: string
}

const READABLE = 4.5
const DEFAULTS = {
  light: { primary: '#0b6b5d', onPrimary: '#ffffff', background: '#ffffff', text: '#1b1c1a' },
  dark: { primary: '#7ad7c3', onPrimary: '#06231d', background: '#1d1e1c', text: '#f0f0ec' },
}

/** The palette of one mode. A pair of the operator's that is hard to read gives way to the default pair. */
export function palette(mode: 'light' | 'dark', brand: BrandColors): Palette {
  const base = DEFAULTS[mode]
  const [primary, onPrimary] = readablePair(brand.primary, brand.onPrimary, [base.primary, base.onPrimary])
  const [background, text] = readablePair(brand.background, brand.text, [base.background, base.text])
  const soft = mix(background, text, 0.05)
  return {
    primary,
    onPrimary,
    // A button that melts into the card gets an outline (WCAG 2.2, 1.4.11).
    edge: contrast(primary, background) < 3 ? text : primary,
    background,
    text,
    muted: readable(
      [0.34, 0.24, 0.12].map(share => mix(text, background, share)),
      soft,
      text,
    ),
    line: mix(background, text, 0.14),
    // The outline of a field has to be seen: 3 to 1.
    field: readable(
      [0.46, 0.52, 0.6].map(share => mix(background, text, share)),
      background,
      text,
      3,
    ),
    soft,
    danger: readable(['#9f2430', '#ffb3b3'], background, text),
  }
}

/** The style sheet that brings an operator's brand; what the page sets itself (`--ostiary-…`) goes before it. */
export function brandStyle(brand: Brand | null): string {
  const light = variables(palette('light', brand?.colors.light ?? {}))
  const dark = variables(palette('dark', brand?.colors.dark ?? {}))
  const radius = Math.min(32, Math.max(0, Math.round(Number(brand?.radius ?? 8)) || 0))
  const font = FONTS[brand?.font ?? 'system'] ?? FONTS.system
  return `:host{color-scheme:light;--o-radius:var(--ostiary-radius,${radius}px);--o-font:var(--ostiary-font,${font});${light}}
:host([theme=dark]){color-scheme:dark;${dark}}
@media(prefers-color-scheme:dark){:host(:not([theme=light])){color-scheme:dark;${dark}}}`
}

const FONTS = {
  system: 'system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif',
  serif: 'ui-serif,Georgia,Cambria,"Times New Roman",serif',
  mono: 'ui-monospace,SFMono-Regular,Menlo,Consolas,monospace',
}

function variables(colors: Palette): string {
  return Object.entries(colors)
    .map(([name, color]) => [name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`), color])
    .map(([name, color]) => `--o-${name}:var(--ostiary-${name},${color})`)
    .join(';')
}

/** Contrast ratio of two colors, 1 to 21 (WCAG 2.2 relative luminance). */
export function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

function readable(candidates: string[], below: string, otherwise: string, ratio = READABLE): string {
  return candidates.find(color => contrast(color, below) >= ratio) ?? otherwise
}

function readablePair(below: unknown, above: unknown, fallback: [string, string]): [string, string] {
  if (!isColor(below))
    return isColor(above) && contrast(fallback[0], above) >= READABLE ? [fallback[0], above] : fallback
  const upper = isColor(above) ? above : contrast(below, '#ffffff') >= READABLE ? '#ffffff' : '#000000'
  return contrast(below, upper) >= READABLE ? [below, upper] : fallback
}

// Colors are written into a style sheet: nothing but six digits gets there, whatever the server says.
function isColor(value: unknown): value is string {
  return typeof value === 'string' && /^#[0-9a-f]{6}$/i.test(value)
}

function channels(color: string): [number, number, number] {
  return [1, 3, 5].map(at => Number.parseInt(color.slice(at, at + 2), 16)) as [number, number, number]
}

function luminance(color: string): number {
  const [red, green, blue] = channels(color).map(value => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function mix(base: string, other: string, share: number): string {
  const target = channels(other)
  const mixed = channels(base).map((value, at) => Math.round(value + ((target[at] ?? 0) - value) * share))
  return `#${mixed.map(value => value.toString(16).padStart(2, '0')).join('')}`
}
