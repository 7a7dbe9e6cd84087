import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { brandStyle } from '../src/element/brand-style.ts'
import { contrast, palette, palettes } from '../src/element/palette.ts'

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

  it('keeps the brand in the dark, unless the dark has its own', () => {
    const light = { primary: '#4338ca', onPrimary: '#ffffff', background: '#fffaf2' }
    expect(palettes({ light, dark: {} }).dark).toMatchObject({ primary: '#4338ca', onPrimary: '#ffffff' })
    expect(palettes({ light, dark: {} }).dark.background).toBe(palette('dark', {}).background)
    const own = palettes({ light, dark: { primary: '#a5b4fc' } }).dark
    expect(own).toMatchObject({ primary: '#a5b4fc', onPrimary: '#000000' })
  })

  it('is the same text as the server has for its pages and mails', () => {
    const read = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
    expect(read('../src/element/palette.ts')).toBe(read('../../server/src/core/brand/palette.ts'))
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
