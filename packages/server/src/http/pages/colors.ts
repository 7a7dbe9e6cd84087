/** The four colors that an operator may set for one mode, as `#rrggbb`. */
export interface BrandColors {
  primary?: string | undefined
  onPrimary?: string | undefined
  background?: string | undefined
  text?: string | undefined
}

/** Every color that a page uses in one mode. All text pairs have a contrast of at least 4.5 (WCAG 2.2, 1.4.3). */
export interface Palette {
  primary: string
  onPrimary: string
  primaryEdge: string
  background: string
  page: string
  text: string
  muted: string
  line: string
  /** The outline of a field: it has to be seen (WCAG 2.2, 1.4.11). */
  field: string
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
  // The page lies a little below the card: darker in the dark, greyer in the light.
  const page = luminance(background) < 0.18 ? mix(background, '#000000', 0.35) : mix(background, text, 0.04)
  return {
    primary,
    onPrimary,
    // A button that melts into the card gets an outline (WCAG 2.2, 1.4.11).
    primaryEdge: contrast(primary, background) < 3 ? text : primary,
    background,
    page: contrast(page, text) >= READABLE ? page : background,
    text,
    muted:
      [0.32, 0.22, 0.12]
        .map(share => mix(text, background, share))
        .find(color => contrast(color, page) >= READABLE) ?? text,
    line: mix(background, text, 0.14),
    field:
      [0.46, 0.52, 0.6]
        .map(share => mix(background, text, share))
        .find(color => contrast(color, background) >= 3) ?? text,
    danger: ['#9f2430', '#ffb3b3'].find(color => contrast(color, background) >= READABLE) ?? text,
  }
}

/** Contrast ratio of two colors, 1 to 21 (WCAG 2.2 relative luminance). */
export function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (high + 0.05) / (low + 0.05)
}

function readablePair(below: unknown, above: unknown, fallback: [string, string]): [string, string] {
  if (!isColor(below))
    return isColor(above) && contrast(fallback[0], above) >= READABLE ? [fallback[0], above] : fallback
  const upper = isColor(above) ? above : contrast(below, '#ffffff') >= READABLE ? '#ffffff' : '#000000'
  return contrast(below, upper) >= READABLE ? [below, upper] : fallback
}

// Colors are written into a style sheet: nothing but six digits gets there, whatever the settings hold.
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
