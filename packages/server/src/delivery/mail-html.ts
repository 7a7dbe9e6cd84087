import { type Html, html, raw, render } from '../core/markup.ts'
import type { Settings } from '../core/settings/settings.ts'
import { type MailStyle, mailStyle } from './mail-style.ts'
import type { MailView } from './mail-view.ts'

/**
 * The HTML part: one column of at most 600 px in tables, because Outlook knows no other layout; all light styles
 * inline, because Gmail drops `<style>` when a mail is forwarded; the dark ones in a media query. The only image is the
 * operator's logo. Nothing is counted or tracked.
 */
export function mailHtml(view: MailView, preheader: string, brand: Settings['brand']): string {
  const style = mailStyle(brand)
  return mailFrame(
    view,
    preheader,
    brand,
    html`${view.code && codeBlock(view.code, style)}
${view.link && linkBlock(view.link, view.code !== null, style)}
<p class="muted" style="${style.note}">${view.expires}</p>
<p class="muted" style="${style.lastNote}">${tagLine(view.tag, style)}</p>
${askedBlock(view.asked, style)}
${view.code && html`<p class="muted" style="${style.note}">${view.code.keep}</p>`}
<p class="muted" style="${view.support ? style.note : style.end}">${view.ignore}</p>
${view.support && html`<p class="muted" style="${style.end}">${supportLine(view.support, style)}</p>`}`,
  )
}

/** What every mail of ours stands in: the sheet with the operator's name or logo and the heading. */
export function mailFrame(
  view: Pick<MailView, 'language' | 'brand' | 'heading'>,
  preheader: string,
  brand: Settings['brand'],
  body: Html,
): string {
  const style = mailStyle(brand)
  const { locale, direction } = view.language
  return render(html`<!doctype html>
<html lang="${locale}" dir="${direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<meta name="format-detection" content="telephone=no,date=no,address=no,email=no,url=no">
<title>${view.heading}</title>
<style>${style.sheet}</style>
</head>
<body class="surround" style="${style.body}">
<div style="display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all">${preheader}${FILLER}</div>
<table role="presentation" class="surround" width="100%" cellpadding="0" cellspacing="0" border="0" bgcolor="${style.light.page}" style="${style.surround}">
<tr><td class="around" align="center" style="padding:40px 16px">
<table role="presentation" class="sheet" width="600" cellpadding="0" cellspacing="0" border="0" bgcolor="${style.light.background}" style="${style.sheetBox}">
<tr><td class="inside" lang="${locale}" dir="${direction}" style="padding:40px 48px 44px;text-align:start">
${brandLine(view, brand, style)}
<h1 class="text" style="${direction === 'rtl' ? style.joinedHeading : style.heading}">${view.heading}</h1>
${body}
</td></tr>
</table>
</td></tr>
</table>
</body>
</html>
`)
}

// Fills the preview line of mail lists, so that the body is not shown after the preheader.
const FILLER = raw('&#8199;&#65279;&#847; '.repeat(60))

function brandLine(view: Pick<MailView, 'brand'>, brand: Settings['brand'], style: MailStyle): Html {
  if (!brand.logoUrl) return html`<p class="muted" style="${style.brand}">${view.brand}</p>`
  return html`<img src="${brand.logoUrl}" alt="${view.brand}" height="32" style="${style.logo}">`
}

/** The groups touch in the markup: the gap is padding, so that what is copied is the code and nothing else. */
function codeBlock(code: NonNullable<MailView['code']>, style: MailStyle): Html {
  const groups = code.groups.map((group, index) =>
    index === 0 ? html`${group}` : html`<span style="padding-inline-start:.5em">${group}</span>`,
  )
  return html`<p class="text" style="${style.paragraph}">${code.lead}</p>
<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 28px">
<tr><td class="code text" align="center" dir="ltr" bgcolor="${style.light.page}" style="${style.code}"><span style="${style.codeText}">${groups}</span></td></tr>
</table>`
}

function linkBlock(link: NonNullable<MailView['link']>, isSecond: boolean, style: MailStyle): Html {
  return html`<p class="${isSecond ? 'muted' : 'text'}" style="${isSecond ? style.note : style.paragraph}">${link.lead}</p>
${buttonBlock(link, style)}`
}

/** A button, and its address in full for whoever cannot press it. */
export function buttonBlock(
  link: Pick<NonNullable<MailView['link']>, 'url' | 'button' | 'copy'>,
  style: MailStyle,
): Html {
  return html`<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 20px">
<tr><td class="button" align="center" bgcolor="${style.light.primary}" style="${style.buttonBox}"><a class="button" href="${link.url}" style="${style.button}">${link.button}</a></td></tr>
</table>
<p class="muted" style="${style.copyLead}">${link.copy}</p>
<p class="muted" dir="ltr" style="${style.url}"><a class="muted" href="${link.url}" style="${style.quietLink}">${link.url}</a></p>`
}

export function askedBlock(asked: MailView['asked'], style: MailStyle): Html {
  const rows = asked.rows.map(
    ([
      label,
      value,
    ]) => html`<tr><td class="muted" valign="top" style="${style.label}">${label}</td><td class="text" valign="top" style="${style.value}">${value}</td></tr>
`,
  )
  return html`<table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="margin:0 0 28px">
<tr><td class="line" style="${style.asked}">
<p class="text" style="${style.askedTitle}">${asked.title}</p>
<table role="presentation" cellpadding="0" cellspacing="0" border="0">
${rows}</table>
</td></tr>
</table>`
}

function tagLine({ text, letters }: MailView['tag'], style: MailStyle): Html {
  return within(
    text,
    letters,
    html`<strong class="text" style="color:${style.light.text};letter-spacing:.08em">${letters}</strong>`,
  )
}

export function supportLine({ text, url }: NonNullable<MailView['support']>, style: MailStyle): Html {
  return within(text, url, html`<a class="muted" href="${url}" style="${style.quietLink}">${url}</a>`)
}

/** The text with one part of it, where it is there, replaced by markup. */
function within(text: string, part: string, markup: Html): Html {
  const at = text.indexOf(part)
  return at < 0 ? html`${text}` : html`${text.slice(0, at)}${markup}${text.slice(at + part.length)}`
}
