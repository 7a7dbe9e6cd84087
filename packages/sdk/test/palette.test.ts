import { describe, expect, it } from 'vitest'
import { brandStyle, contrast, palette } from '../src/element/palette.ts'

const BRANDS = ['#000000', '#ffffff', '#ffee00', '#0b6b5d', '#7f7f7f', '#ff0000', '#1020ff']

describe('the palette', () => {
  it.each(BRANDS)('can be read with %s as any of its colors', color => {
    for (const mode of ['light', 'dark'] as const)
      for (const brand of [
        { primary: color },
        { background: color },
        { text: color },
        { primary: color, onPrimary: color },
      ]) {
        const colors = palette(mode, brand)
        expect(contrast(colors.primary, colors.onPrimary)).toBeGreaterThanOrEqual(4.5)
        for (const text of [colors.text, colors.muted, colors.danger])
          expect(contrast(text, colors.background), `${text} on ${colors.background}`).toBeGreaterThanOrEqual(
            4.5,
          )
        expect(contrast(colors.muted, colors.soft)).toBeGreaterThanOrEqual(4.5)
        expect(contrast(colors.field, colors.background)).toBeGreaterThanOrEqual(3)
        expect(contrast(colors.edge, colors.background)).toBeGreaterThanOrEqual(3)
      }
  })

  it('lets nothing into the style sheet that is not a color, a radius or a font of ours', () => {
    const evil = '#fff;}*{background:url(//x)'
    const style = brandStyle({
      name: 'x',
      logoUrl: null,
      supportUrl: null,
      colors: { light: { primary: evil, text: evil }, dark: { background: evil } },
      radius: '1}*{' as unknown as number,
      font: 'x}' as 'system',
    })
    expect(style).not.toContain('url(')
    expect(style).not.toContain('1}*')
    expect(style).toContain('--ostiary-radius,0px')
  })
})
