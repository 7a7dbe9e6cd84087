import { type BrandColors, contrast, luminance, mix, type Palette, palettes } from './palette.ts'

/** The colors of a whole page or mail: the sheet on which the words stand, and `page`, which lies around it. */
export interface PagePalette extends Palette {
  page: string
}

/** Both modes of the operator's brand, for what the server draws itself. */
export function pagePalettes(colors: { light: BrandColors; dark: BrandColors }): {
  light: PagePalette
  dark: PagePalette
} {
  const { light, dark } = palettes(colors)
  return { light: around(light), dark: around(dark) }
}

/** The page lies a little below the sheet: darker in the dark, greyer in the light, and never hard to read on. */
function around(palette: Palette): PagePalette {
  const { background, text } = palette
  const page = luminance(background) < 0.18 ? mix(background, '#000000', 0.35) : mix(background, text, 0.04)
  return { ...palette, page: contrast(page, text) >= 4.5 ? page : background }
}
