import type { Settings } from '../core/settings/settings.ts'

/** The colours of one scheme, all as #rrggbb. */
export interface Palette {
  primary: string
  onPrimary: string
  /** Of the sheet on which the words stand, and of what lies around it. */
  background: string
  surround: string
  text: string
  muted: string
  line: string
}

type Colors = Settings['brand']['colors']['light']

/** The brand's colours. What is not set follows from what is, so that one set colour never makes text unreadable. */
export function palettes(colors: Settings['brand']['colors']): { light: Palette; dark: Palette } {
  return {
    light: palette(colors.light, { background: '#ffffff', primary: '#0b6b5d' }),
    // The brand's colour stays in the dark, unless the dark has its own: it is what a button is known by.
    dark: palette(
      { ...brandOf(colors.light), ...brandOf(colors.dark), ...surfaceOf(colors.dark) },
      { background: '#1b1c1f', primary: '#7ad7c3' },
    ),
  }
}

function palette(colors: Colors, base: { background: string; primary: string }): Palette {
  const background = colors.background ?? base.background
  const text = colors.text ?? (isDark(background) ? '#f1f1ef' : '#1d1f23')
  const primary = colors.primary ?? base.primary
  return {
    primary,
    onPrimary: colors.onPrimary ?? (isDark(primary) ? '#ffffff' : '#14171c'),
    background,
    surround: isDark(background) ? mix(background, '#000000', 0.4) : mix(background, text, 0.05),
    text,
    muted: mix(text, background, 0.36),
    line: mix(background, text, 0.13),
  }
}

function brandOf({ primary, onPrimary }: Colors): Colors {
  if (primary === undefined) return onPrimary === undefined ? {} : { onPrimary }
  return { primary, onPrimary }
}

function surfaceOf({ background, text }: Colors): Colors {
  return { background, text }
}

function mix(from: string, to: string, share: number): string {
  const target = channels(to)
  const mixed = channels(from).map((channel, index) =>
    Math.round(channel + (target[index]! - channel) * share),
  )
  return `#${mixed.map(channel => channel.toString(16).padStart(2, '0')).join('')}`
}

/** Whether white stands out more than black (relative luminance, WCAG 2.2). */
function isDark(color: string): boolean {
  const [red = 0, green = 0, blue = 0] = channels(color).map(channel => {
    const share = channel / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.179
}

function channels(color: string): number[] {
  return [1, 3, 5].map(start => Number.parseInt(color.slice(start, start + 2), 16))
}
