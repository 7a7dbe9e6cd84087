// The same file stands in packages/server/src/core/brand and packages/sdk/src/element: neither package imports the other, and a
// test of the SDK holds them equal.

/** The four colors that an operator may set for one mode, as `#rrggbb`. */
export interface BrandColors {
  primary?: string | undefined
  onPrimary?: string | undefined
  background?: string | undefined
  text?: string | undefined
}

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

/** Both modes. The brand's color stays in the dark, unless the dark has its own: it is what a button is known by. */
export function palettes(colors: { light: BrandColors; dark: BrandColors }): {
  light: Palette
  dark: Palette
} {
  const { light, dark } = colors
  const { primary, onPrimary } = light
  return {
    light: palette('light', light),
    dark: palette('dark', dark.primary ? dark : { onPrimary, ...dark, primary }),
  }
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

/** Relative luminance, 0 to 1. */
export function luminance(color: string): number {
  const [red, green, blue] = channels(color).map(value => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** So much of the other color. */
export function mix(base: string, other: string, share: number): string {
  const target = channels(other)
  const mixed = channels(base).map((value, at) => Math.round(value + ((target[at] ?? 0) - value) * share))
  return `#${mixed.map(value => value.toString(16).padStart(2, '0')).join('')}`
}
