import { asShown, type MailView } from './mail-view.ts'

/** The plain text part (RFC 2046 5.1.4: the simplest form comes first). Complete by itself. */
export function mailText(view: MailView): string {
  const { code, link, asked, support, language } = view
  const rowOf = ([label, value]: (typeof asked.rows)[number]) =>
    language.words['mail.asked.row'].replace('{label}', () => label).replace('{value}', () => value)
  const blocks = [
    view.heading,
    code &&
      `${code.lead}\n\n    ${code.groups.length === 1 ? code.groups[0] : asShown(code.groups.join(' '), language)}`,
    link && `${link.openLead}\n\n${link.url}`,
    view.expires,
    view.tag.text,
    code?.keep,
    `${asked.title}\n${asked.rows.map(rowOf).join('\n')}`,
    view.ignore,
    support?.text,
    `-- \n${view.brand}`,
  ]
  return `${blocks.filter(Boolean).join('\n\n')}\n`
}
