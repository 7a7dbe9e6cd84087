import { maskEmail } from '../core/addresses/email.ts'
import { cuts, pickLocale } from '../core/locale.ts'
import { escapeHtml } from '../core/markup.ts'
import type { MessageReader } from '../core/messages/reader.ts'
import type { Template } from '../core/rows.ts'
import type { Settings } from '../core/settings/settings.ts'
import { compiled } from '../core/templates/compile.ts'
import { fillPart } from '../core/templates/slots.ts'
import { type BuiltIn, isBuiltIn } from '../core/templates/variables.ts'
import { wordsFor } from '../words/catalogue.ts'
import { fill, oneLine } from '../words/fill.ts'
import { clockTime } from '../words/time.ts'

/** What the variables of a template stand for. */
export interface TemplateValues {
  code: string | null
  link: string | null
  /** What a subject may not show. */
  hidden: readonly string[]
  tag: string
  to: string
  expiresAt: number
  now: number
  variables: Readonly<Record<string, string>>
}

/** Subjects are cut here: some mail programs show no more, and lines of headers are bounded (RFC 5322 2.1.1). */
const SUBJECT_LENGTH = 300

/**
 * The mail of a template, in the first wished locale that it has, else the environment's default, else English.
 * `subject` is null where it would show what it may not.
 */
export function fillTemplate(
  template: Template,
  settings: Settings,
  wishes: readonly (string | null | undefined)[],
  values: TemplateValues,
): { locale: string; subject: string | null; text: string; html: string | null } {
  const { locales } = compiled(template)
  const { allowed, default: fallback } = settings.locale
  const wished = pickLocale(wishes, allowed, fallback, tag => locales.has(tag))
  // The default locale may have changed since the template was saved: then any of its texts is better than none.
  const found = cuts(wished).find(tag => locales.has(tag))
  const locale = found === undefined ? [...locales.keys()][0]! : wished
  const { subject, text, html } = locales.get(found ?? locale)!
  const valueAt = valuesOf(settings, locale, values)
  const isSubjectOpen = !subject.slots.some(slot => values.hidden.includes(slot.name))
  return {
    locale,
    subject: isSubjectOpen
      ? oneLine(fillPart(subject, slot => valueAt(slot.name))).slice(0, SUBJECT_LENGTH)
      : null,
    text: fillPart(text, slot => (slot.name === 'code' ? apart(values.code ?? '') : valueAt(slot.name))),
    html:
      html &&
      fillPart(html, ({ name, as }) =>
        // Percent-encoding leaves the apostrophe, which may be the quote of the attribute.
        escapeHtml(as === 'url' ? encodeURIComponent(valueAt(name)) : valueAt(name)),
      ),
  }
}

/** Values come as one line: none can begin a header, or a paragraph that seems to be the operator's. */
function valuesOf(settings: Settings, locale: string, values: TemplateValues): (name: string) => string {
  const { code, link, tag, to, expiresAt, now, variables } = values
  const builtIn: Record<BuiltIn, () => string> = {
    code: () => code ?? '',
    link: () => link ?? '',
    tag: () => tag,
    expiresAt: () => clockTime(expiresAt, locale),
    expiresInMinutes: () => String(Math.max(1, Math.round((expiresAt - now) / 60_000))),
    brand: () => settings.brand.name,
    // Masked, because the part before the @ is chosen by whoever typed the address, and could be words.
    to: () => maskEmail(to),
    locale: () => locale,
  }
  return name => oneLine(isBuiltIn(name) ? builtIn[name]() : (variables[name] ?? ''))
}

// As in the built-in mail: ten digits are read off in two goes. In HTML they stay one word, to be copied as one.
function apart(code: string): string {
  return code.length === 10 ? `${code.slice(0, 5)} ${code.slice(5)}` : code
}

const SAMPLE = {
  code: '123456',
  link: 'https://sign-in.example/l/sample',
  tag: 'KTR',
  to: 'person@example.com',
}

/** See `MessageReader.preview`. A variable without a value is shown by its name in brackets. */
export const previewMail: MessageReader['preview'] = (template, { settings }, { locale, variables, now }) => {
  const own = [...compiled(template).names].filter(name => !isBuiltIn(name))
  const mail = fillTemplate(template, settings, [locale], {
    ...SAMPLE,
    hidden: settings.mail.codeInSubject ? [] : ['code'],
    expiresAt: now + 1000 * settings.challenge.expiresInSeconds,
    now,
    variables: { ...Object.fromEntries(own.map(name => [name, `[${name}]`])), ...variables },
  })
  const { words } = wordsFor(
    [mail.locale],
    { ...settings, locale: { ...settings.locale, allowed: null } },
    'mail.',
  )
  const neutral = fill(words['mail.subject.signIn'], { brand: settings.brand.name })
  return { ...mail, subject: mail.subject ?? neutral }
}
