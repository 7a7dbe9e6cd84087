import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { mailedIntent } from '../../src/core/actions/mail.ts'
import { DEFINITION_TEXTS } from '../../src/core/settings/texts.ts'
import english from '../../src/words/en.json' with { type: 'json' }
import { type TestServer, testServer } from '../setup/server.ts'
import { openLink, tabOf } from './browser.ts'
import { fresh, later } from './world.ts'

/** What the mails of an action say: its intent, and the template or texts of its definition. */

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterEach(() => server.call('PATCH', '/v1/settings', { action: null, texts: null }))
afterAll(async () => {
  expect(await server.violations()).toEqual([])
  await server.stop()
})

const INTENT = 'Pay out 250 € to DE12 3456'

const define = (definition: object, name = 'payOut') =>
  server.call('PATCH', '/v1/settings', { action: { definitions: { [name]: definition } } })
const template = async (name: string, text: string, subject = 'Own subject') =>
  await server.post('/v1/templates', { name, locales: { en: { subject, text } } })
const somebody = async () => {
  const to = fresh()
  const { user } = (await server.signIn(to)).body
  await later(server, 61_000)
  return { to, id: user.id as string }
}
/** The mail of an action, by code or by link. */
async function mailed(asked: object, to: string, method = 'emailCode') {
  const { body } = await server.post('/v1/actions', { name: 'payOut', intent: INTENT, ...asked })
  const tab = tabOf(server, body.id, body.token)
  await tab.post('identify', { to })
  const sent = await tab.post('send', { method })
  expect(sent.status, JSON.stringify(sent.body)).toBe(200)
  return { tab, id: body.id as string, mail: await server.message({ to }) }
}

describe('the intent', () => {
  test('stands in the mail to a person whom the backend named, in both parts and never outside of them', async () => {
    const { to, id } = await somebody()
    const { mail } = await mailed({ userId: id }, to)
    expect(mail.text).toContain(`What for: ${INTENT}`)
    expect(mail.html).toContain(INTENT)
    expect(mail.subject).toBe('Confirm that it is you at My app')
    // Before it the preview of mail lists tells nothing of it, either.
    expect(/<div style="display:none[\s\S]*?<\/div>/.exec(mail.html)?.[0]).not.toContain('Pay out')
  })

  test('is escaped in it', async () => {
    const { to, id } = await somebody()
    const { mail } = await mailed({ userId: id, intent: '<b>Pay</b> "all" & more' }, to)
    expect(mail.html).toContain('&lt;b&gt;Pay&lt;/b&gt; &quot;all&quot; &amp; more')
    expect(mail.text).toContain('What for: <b>Pay</b> "all" & more')
  })

  test('stands in no mail to an address that a visitor typed, or that nobody has proven', async () => {
    const { to } = await somebody()
    expect((await mailed({}, to)).mail.text).not.toContain('Pay out')
    await later(server, 61_000)
    expect((await mailed({ user: { email: to } }, to)).mail.text).not.toContain('Pay out')
    const email = fresh()
    const unproven = (await server.post('/v1/users', { email })).body
    expect((await mailed({ userId: unproven.id }, email)).mail.text).not.toContain('Pay out')
  })

  test('stands in none of an action that names nobody, whatever is known of the address', () => {
    const action = { name: 'payOut', isNamed: true, userId: 'usr_1', intent: INTENT }
    expect(mailedIntent(action, true)).toBe(INTENT)
    expect(mailedIntent({ ...action, isNamed: false }, true)).toBe('')
    expect(mailedIntent({ ...action, userId: null }, true)).toBe('')
  })

  test('stands in no mail of a sign-in', async () => {
    const { to, id } = await somebody()
    expect((await mailed({ name: 'signIn', userId: id }, to)).mail.text).not.toContain('Pay out')
  })

  test.each([
    'Pay at evil.example',
    'Call WWW.evil',
    'https://evil',
    'Write to me@evil',
    'Pay at evil．example',
    'Pay at xn--80ak6aa92e.com now',
    'Öffne bücher.example',
  ])('that a mail program would make a link of stands in none: %s', intent => {
    const action = { name: 'payOut', isNamed: true, userId: 'usr_1', intent }
    expect(mailedIntent(action, true)).toBe('')
    expect(mailedIntent({ ...action, intent: 'Pay 1.250,00 € to e.V. No. 5, z.B.' }, true)).not.toBe('')
  })

  test('stands on the page of the link, where it says what the press confirms', async () => {
    const { mail } = await mailed({ intent: '<i>Pay</i>' }, fresh(), 'emailLink')
    expect((await openLink(server, mail.link)).text).toContain('<bdi>&lt;i&gt;Pay&lt;/i&gt;</bdi>')
  })
})

describe('a definition', () => {
  test('names a template for each way of sending, which can show the intent', async () => {
    await template('payOutCode', 'Code {{code}} for: {{intent}}')
    await template('payOutLink', 'Press {{link}}')
    const templates = { emailCode: 'payOutCode', emailLink: 'payOutLink' }
    expect((await define({ templates })).status).toBe(200)
    const { to, id } = await somebody()
    const one = await mailed({ userId: id }, to)
    expect(one.mail).toMatchObject({ subject: 'Own subject', text: `Code ${one.mail.code} for: ${INTENT}` })
    // A visitor typed this address.
    const other = await mailed({}, fresh())
    expect(other.mail.text).toBe(`Code ${other.mail.code} for: `)
    const third = await mailed({}, fresh(), 'emailLink')
    expect(third.mail.text).toBe(`Press ${third.mail.link}`)
    expect((await mailed({ name: 'other' }, fresh())).mail.subject).not.toBe('Own subject')
  })

  test('whose template shows the intent in its subject has the built-in one', async () => {
    await template('loud', '{{code}}', 'Confirm: {{intent}}')
    await define({ templates: { emailCode: 'loud' } })
    const { to, id } = await somebody()
    expect((await mailed({ userId: id }, to)).mail.subject).toBe('Confirm that it is you at My app')
  })

  test('whose template was deleted since sends the built-in mail', async () => {
    const { body } = await template('gone', '{{code}}')
    await define({ templates: { emailCode: 'gone' } })
    expect((await server.call('DELETE', `/v1/templates/${body.id}`)).status).toBeLessThan(300)
    expect((await mailed({}, fresh())).mail.subject).toBe('Confirm that it is you at My app')
  })

  test.each([
    ['nothing', 'is no template here'],
    ['asLink', 'shows no {{code}} in locales.en.text'],
    ['wants', 'uses {{orderId}}: an action gives {{intent}} only'],
  ])('with the template "%s" is refused: %s', async (emailCode, message) => {
    await template('asLink', '{{link}}')
    await template('wants', '{{code}} {{orderId}}')
    const refused = await define({ templates: { emailCode } })
    expect(refused.status).toBe(400)
    expect(refused.body.errors[0].path).toBe('action.definitions.payOut.templates.emailCode')
    expect(JSON.stringify(refused.body.errors.map((one: { message: string }) => one.message))).toContain(
      message,
    )
  })

  test('has texts of its own, before those of the environment, and of no challenge outside of an action', async () => {
    await server.call('PATCH', '/v1/settings', { texts: { en: { 'mail.heading.other': 'Hello' } } })
    const texts = {
      en: { 'mail.subject.other': 'Your pay-out from {brand}', 'mail.heading.other': 'Pay out: {intent}' },
      de: { 'mail.subject.other': 'Ihre Auszahlung' },
    }
    expect((await define({ texts })).status).toBe(200)
    const { to, id } = await somebody()
    const { mail } = await mailed({ userId: id }, to)
    expect(mail.subject).toBe('Your pay-out from My app')
    expect(mail.text).toContain(`Pay out: ${INTENT}\n`)
    const german = (await mailed({ locale: 'de-AT' }, fresh())).mail
    expect(german.subject).toBe('Ihre Auszahlung')
    const plain = fresh()
    await server.post('/v1/challenges', { to: plain, purpose: 'payOut' })
    expect((await server.message({ to: plain })).subject).toBe('Confirm that it is you at My app')
  })

  test.each([
    ['en', 'mail.subject.others', 'x', 'is no text that a definition can have'],
    ['en', 'signIn.title', 'x', 'is no text that a definition can have'],
    ['en', 'mail.subject.other', 'Code {code}', 'names {code}, which no lock screen may show'],
    ['en', 'mail.preheader.plain', '{intent}', 'names {intent}, which no lock screen may show'],
    ['en', 'mail.heading.other', 'Pay {amount}', 'names {amount}; what there is: {brand}'],
    ['not a language', 'mail.heading.other', 'x', 'is no language'],
  ])('with the text %s %s "%s" is refused: %s', async (locale, key, text, message) => {
    const refused = await define({ texts: { [locale]: { [key]: text } } })
    expect(refused.status).toBe(400)
    expect(refused.body.errors[0].path).toContain(`action.definitions.payOut.texts.${locale}`)
    expect(refused.body.errors[0].message).toContain(message)
  })

  test('can have the texts that a mail says', () => {
    for (const key of DEFINITION_TEXTS) expect(Object.keys(english)).toContain(key)
  })

  test('of signIn can have them as well', async () => {
    expect((await define({ texts: { en: { 'mail.subject.code': '{code}!' } } }, 'signIn')).status).toBe(200)
    const to = fresh()
    const { mail } = await mailed({ name: 'signIn' }, to)
    expect(mail.subject).toBe(`${mail.code}!`)
  })
})
