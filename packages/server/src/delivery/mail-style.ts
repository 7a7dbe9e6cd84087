import { type PagePalette, pagePalettes } from '../core/brand/page-palette.ts'
import { type Html, raw } from '../core/markup.ts'
import type { Settings } from '../core/settings/settings.ts'

const FONTS = {
  system: "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif",
  serif: "Georgia,'Times New Roman',serif",
  mono: "ui-monospace,'SF Mono',Menlo,Consolas,'Liberation Mono',monospace",
}

export type MailStyle = ReturnType<typeof mailStyle>

/** The looks of a mail, from the brand's settings: values for `style` attributes and one sheet for dark and narrow. */
export function mailStyle({ colors, font, radius }: Settings['brand']) {
  const { light, dark } = pagePalettes(colors)
  const family = `font-family:${FONTS[font]}`
  const text = `${family};color:${light.text}`
  const muted = `${family};color:${light.muted};font-size:14px;line-height:22px`
  const heading = `margin:0 0 12px;${text};font-size:26px;line-height:34px;font-weight:650`
  const paragraph = `${text};font-size:16px;line-height:25px`
  return {
    light,
    sheet: sheet(dark),
    body: `margin:0;padding:0;width:100%;background-color:${light.page};-webkit-text-size-adjust:100%`,
    surround: `background-color:${light.page}`,
    sheetBox: `width:100%;max-width:600px;background-color:${light.background};border-radius:${Math.min(radius * 2, 24)}px`,
    brand: `margin:0 0 28px;${muted};font-size:15px;font-weight:600`,
    logo: 'display:block;height:32px;width:auto;max-width:220px;margin:0 0 28px;border:0',
    heading: `${heading};letter-spacing:-.01em`,
    // The letters of scripts that run from right to left are joined: spacing would part or overlap them.
    joinedHeading: heading,
    paragraph: `margin:0 0 20px;${paragraph}`,
    code: `padding:26px 12px;background-color:${light.page};border-radius:${radius}px`,
    // The indent makes up for the spacing after the last digit: the code stands in the middle.
    codeText: `font-family:${FONTS.mono};font-size:28px;line-height:36px;font-weight:600;letter-spacing:.14em;margin-inline-start:.14em;color:${light.text};white-space:nowrap;-webkit-user-select:all;user-select:all`,
    buttonBox: `background-color:${light.primary};border-radius:${radius}px`,
    button: `display:inline-block;padding:14px 32px;${family};font-size:16px;line-height:20px;font-weight:600;color:${light.onPrimary};background-color:${light.primary};border-radius:${radius}px;text-decoration:none`,
    note: `margin:0 0 14px;${muted}`,
    lastNote: `margin:0 0 28px;${muted}`,
    end: `margin:0;${muted}`,
    copyLead: `margin:0 0 4px;${muted};font-size:13px;line-height:20px`,
    url: `margin:0 0 28px;${muted};font-size:13px;line-height:20px;word-break:break-all;overflow-wrap:anywhere`,
    quietLink: `color:${light.muted};text-decoration:underline`,
    asked: `padding:22px 0;border-top:1px solid ${light.line};border-bottom:1px solid ${light.line}`,
    askedTitle: `margin:0 0 8px;${text};font-size:14px;line-height:22px;font-weight:600`,
    label: `padding:2px 20px 2px 0;padding-inline:0 20px;${muted};white-space:nowrap`,
    value: `padding:2px 0;${muted};color:${light.text}`,
  }
}

function sheet(dark: PagePalette): Html {
  return raw(`:root{color-scheme:light dark;supported-color-schemes:light dark}
@media (max-width:520px){.around{padding:0!important}.inside{padding:32px 24px 36px!important}.sheet{border-radius:0!important}}
@media (prefers-color-scheme:dark){
.surround{background-color:${dark.page}!important}
.sheet{background-color:${dark.background}!important}
.code{background-color:${dark.page}!important}
.text,.text span{color:${dark.text}!important}
.muted{color:${dark.muted}!important}
.line{border-color:${dark.line}!important}
.button{background-color:${dark.primary}!important;color:${dark.onPrimary}!important}
}`)
}
