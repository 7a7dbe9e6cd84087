import type { Language } from '../words/catalogue.ts'
import { asShown, type MailView } from './mail-view.ts'

/** A label and its value, in one line. */
export const rowText = ([label, value]: MailView['asked']['rows'][number], { words }: Language): string =>
  words['mail.asked.row'].replace('{label}', () => label).replace('{value}', () => value)

/** The plain text part (RFC 2046 5.1.4: the simplest form comes first). Complete by itself. */
export function mailText(view: MailView): string {
  const { code, link, asked, support, language } = view
  const blocks = [
    view.heading,
    code &&
      `${code.lead}\n\n    ${code.groups.length === 1 ? code.groups[0] : asShown(code.groups.join(' '), language)}`,
    link && `${link.openLead}\n\n${link.url}`,
    view.expires,
    view.tag.text,
    code?.keep,
    `${asked.title}\n${asked.rows.map(row => rowText(row, language)).join('\n')}`,
    view.ignore,
    support?.text,
    `-- \n${view.brand}`,
  ]
  return `${blocks.filter(Boolean).join('\n\n')}\n`
}
