import type { Brand } from '../client/wire.ts'
import { type Palette, palettes } from './palette.ts'

/** The style sheet that brings an operator's brand; what the page sets itself (`--ostiary-…`) goes before it. */
export function brandStyle(brand: Brand | null): string {
  const colors = palettes(brand?.colors ?? { light: {}, dark: {} })
  const [light, dark] = [variables(colors.light), variables(colors.dark)]
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
