import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type TestServer, testServer } from '../setup/server.ts'
import { endpointOf, expectRefusal, isDocumented } from './answers.ts'
import { CODE_TEXTS, dump, fresh, later, mailbox, send } from './world.ts'

let server: TestServer
const box = mailbox()
beforeAll(async () => {
  server = await testServer({ transport: box })
})
afterAll(() => server.stop())

let count = 0
const newName = () => `mail${++count}`
async function create(locales: object = CODE_TEXTS, name = newName()) {
  const answer = await server.post('/v1/templates', { name, locales })
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201 })
  return answer.body
}
const patch = (id: string, body: unknown, headers: Record<string, string> = {}) =>
  server.call('PATCH', `/v1/templates/${id}`, body, { headers })
const pathsOf = (answer: { body: { errors: { path: string }[] } }) => answer.body.errors.map(one => one.path)

describe('a template', () => {
  test('has a name of its own', async () => {
    const { name } = await create()
    expectRefusal(await server.post('/v1/templates', { name, locales: CODE_TEXTS }), 'already_exists')
    const live = await server.call(
      'POST',
      '/v1/templates',
      { name, locales: CODE_TEXTS },
      { key: server.liveKey },
    )
    expect(live.status).toBe(201)
    const other = await create()
    expectRefusal(await patch(other.id, { name }), 'already_exists')
    expect((await patch(other.id, { name: other.name })).status).toBe(200)
  })

  test.each(['Welcome', '1st', 'a b', '', `a${'b'.repeat(64)}`, '../x'])(
    'cannot be called %j',
    async name => {
      const answer = await server.post('/v1/templates', { name, locales: CODE_TEXTS })
      expectRefusal(answer, 'invalid_request', ['errors'])
      expect(pathsOf(answer)).toEqual(['name'])
    },
  )

  test('that is not safe or shows no code is refused with what is wrong where, and nothing is written', async () => {
    const before = await dump(server)
    const answer = await server.post('/v1/templates', {
      name: newName(),
      locales: {
        en: {
          subject: 'Hi\nBcc: x',
          text: 'Hello',
          html: '<p>{{code}}</p>\n<script src="https://x.example"></script>',
        },
      },
    })
    expectRefusal(answer, 'template_invalid', ['errors'])
    const told = answer.body.errors.map((one: { path: string; message: string }) => [one.path, one.message])
    expect(told).toEqual([
      ['locales.en.subject', 'is one line of plain text'],
      ['locales.en.html', 'line 2: the element <script> is not taken'],
      ['locales.en.html', 'line 2: the attribute src is not taken on <script>'],
      ['locales.en.html', 'line 2: the element <script> is not taken'],
      ['locales.en.text', 'shows neither {{code}} nor {{link}}'],
    ])
    expect(await dump(server)).toEqual(before)
  })

  test('can be larger than other bodies, up to 256 KB', async () => {
    const html = `{{code}}${'x'.repeat(60 * 1024 - 8)}`
    const text = `{{code}}${'"'.repeat(20 * 1024 - 8)}`
    const big = await create({ en: { subject: 's', text, html }, de: { subject: 's', text, html } })
    expect((await patch(big.id, { locales: { de: null } })).body.locales).toEqual({
      en: { subject: 's', text, html },
    })
    const whole = { name: newName(), locales: { en: { subject: 's', text: 'x'.repeat(256 * 1024) } } }
    expectRefusal(await server.post('/v1/templates', whole), 'body_too_large')
  })

  test('is one of a hundred at most', async () => {
    const own = await testServer()
    const made = []
    for (let index = 0; index < 101; index++)
      made.push(await own.post('/v1/templates', { name: `mail${index}`, locales: CODE_TEXTS }))
    expect(made.slice(0, 100).every(answer => answer.status === 201)).toBe(true)
    expectRefusal(made[100]!, 'state_conflict')
    await own.stop()
  })

  test('every refusal of these endpoints is in the OpenAPI file', () => {
    for (const code of ['template_invalid', 'already_exists', 'state_conflict', 'body_too_large'] as const)
      expect(isDocumented(endpointOf('POST', '/v1/templates'), code)).toBe(true)
    for (const code of ['template_invalid', 'already_exists', 'precondition_failed', 'not_found'] as const)
      expect(isDocumented(endpointOf('PATCH', '/v1/templates/x'), code)).toBe(true)
  })
})

describe('PATCH', () => {
  const en = { subject: 'One', text: '{{code}}', html: '<p>{{code}}</p>' }
  test('merges locales and their texts; null removes one', async () => {
    const { id } = await create({ en, de: { ...en, subject: 'Eins' } })
    const changed = await patch(id, {
      locales: { en: { subject: 'Two', html: null }, fr: { subject: 'Un', text: '{{code}}' } },
    })
    expect(changed.body.locales).toEqual({
      en: { subject: 'Two', text: '{{code}}', html: null },
      de: { ...en, subject: 'Eins' },
      fr: { subject: 'Un', text: '{{code}}', html: null },
    })
    expect(Object.keys((await patch(id, { locales: { de: null, fr: null } })).body.locales)).toEqual(['en'])
  })
  test('refuses what would leave a template that cannot be sent', async () => {
    const { id } = await create({ en })
    const refused: [unknown, string][] = [
      [{ locales: { en: null } }, 'locales'],
      [{ locales: { de: { subject: 'x' } } }, 'locales.de.text'],
      [{ locales: { en: { text: 'x' } } }, 'locales.en.text'],
      [{ locales: { en: { html: '<form>{{code}}</form>' } } }, 'locales.en.html'],
    ]
    const before = await dump(server)
    for (const [body, path] of refused) {
      const answer = await patch(id, body)
      expectRefusal(answer, 'template_invalid', ['errors'])
      expect(pathsOf(answer)).toContain(path)
    }
    for (const body of [
      { locales: null },
      { name: null },
      { channel: 'sms' },
      { nonsense: 1 },
      { locales: { english: en } },
    ])
      expectRefusal(await patch(id, body), 'invalid_request', ['errors'])
    expect(await dump(server)).toEqual(before)
  })
  test('with If-Match changes the version that was read, and no other', async () => {
    const { id } = await create({ en })
    const etag = (await server.get(`/v1/templates/${id}`)).headers.get('etag') as string
    expect(etag).toMatch(/^"\d+"$/)
    const changed = await patch(id, { locales: { en: { subject: 'Two' } } }, { 'If-Match': etag })
    const next = changed.headers.get('etag') as string
    expect([changed.status, next === etag]).toEqual([200, false])
    for (const old of [etag, '"0"', 'nonsense', `W/${next}`])
      expectRefusal(
        await patch(id, { locales: { en: { subject: 'Three' } } }, { 'If-Match': old }),
        'precondition_failed',
      )
    expect((await server.get(`/v1/templates/${id}`)).body.locales.en.subject).toBe('Two')
    expect((await patch(id, { name: newName() }, { 'If-Match': next })).status).toBe(200)
    expect((await patch(id, { name: newName() }, { 'If-Match': '*' })).status).toBe(200)
  })
  test('ten at once: each is kept or told that it was not', async () => {
    const { id } = await create({ en })
    const tags = Array.from({ length: 10 }, (_, index) => `e${String.fromCharCode(97 + index)}`)
    const answers = await Promise.all(tags.map(tag => patch(id, { locales: { [tag]: en } })))
    for (const answer of answers) if (answer.status !== 200) expectRefusal(answer, 'state_conflict')
    const kept = tags.filter((_, index) => answers[index]?.status === 200)
    expect(kept.length).toBeGreaterThan(0)
    const { locales } = (await server.get(`/v1/templates/${id}`)).body
    expect(Object.keys(locales).sort()).toEqual([...kept, 'en'].sort())
  })
})

test('every change is told by an event that names it and holds no texts', async () => {
  const { id, name } = await create({ en: { subject: 'planted-subject', text: '{{code}}', html: null } })
  await patch(id, { locales: { en: { subject: 'planted-again' } } })
  await server.call('DELETE', `/v1/templates/${id}`)
  const { data } = (await server.get('/v1/events?type=template.updated&limit=3')).body
  expect(data.map((event: { data: object }) => event.data)).toEqual([
    { templateId: id, name, change: 'deleted' },
    { templateId: id, name, change: 'updated', changed: ['locales'] },
    { templateId: id, name, change: 'created' },
  ])
  expect(data[0]).toMatchObject({ actor: { type: 'api_key' }, requestId: expect.stringMatching(/^req_/) })
  expect(JSON.stringify(data)).not.toContain('planted')
})

describe('a preview', () => {
  const locales = {
    en: {
      subject: '{{code}} for {{brand}}',
      text: '{{code}} {{orderId}} {{to}}',
      html: '<a href="https://a.example/{{orderId}}">{{code}}</a>',
    },
    de: { subject: 'Hallo', text: '{{code}} {{expiresInMinutes}} {{locale}}', html: null },
  }
  const preview = async (id: string, body: object) =>
    (await server.post(`/v1/templates/${id}/preview`, body)).body
  test('shows sample or given values, escaped, in the locale asked for', async () => {
    const { id } = await create(locales)
    const before = await dump(server)
    expect(await preview(id, {})).toEqual({
      locale: 'en',
      subject: '123456 for My app',
      text: '123456 [orderId] p***@example.com',
      html: '<a href="https://a.example/%5BorderId%5D">123456</a>',
    })
    expect((await preview(id, { variables: { orderId: '<7>' } })).html).toContain('%3C7%3E')
    expect(await preview(id, { locale: 'de-CH' })).toEqual({
      locale: 'de-CH',
      subject: 'Hallo',
      text: '123456 10 de-CH',
      html: null,
    })
    expect(await dump(server)).toEqual(before)
  })
  test('shows the subject that would be sent', async () => {
    const { id } = await create(locales)
    await server.call('PATCH', '/v1/settings', { mail: { codeInSubject: false } })
    expect((await preview(id, {})).subject).toBe('Sign in to My app')
    await server.call('PATCH', '/v1/settings', { mail: null })
  })
  test('takes no code, link or tag', async () => {
    const { id } = await create()
    for (const name of ['code', 'link', 'tag', 'to'])
      expectRefusal(
        await server.post(`/v1/templates/${id}/preview`, { variables: { [name]: 'x' } }),
        'invalid_request',
      )
    expectRefusal(
      await server.post(`/v1/templates/${id}/preview`, { challengeId: 'chl_x' }),
      'invalid_request',
    )
  })
})

describe('a challenge with a template', () => {
  const locales = {
    en: {
      subject: 'Order {{orderId}}',
      text: 'Your code is {{code}}, {{tag}}',
      html: '<p>{{code}} {{orderId}}</p>',
    },
    de: { subject: 'Bestellung {{orderId}}', text: 'Ihr Code ist {{code}}', html: null },
  }
  const templateVariables = { orderId: '<7>' }

  test('names it, is mailed with it, and again at a resend', async () => {
    const { name } = await create(locales)
    const sent = await send(server, { to: fresh(), template: name, templateVariables })
    expect(sent.template).toBe(name)
    const first = await server.message({ challengeId: sent.id })
    expect(first).toMatchObject({
      subject: 'Order <7>',
      text: `Your code is ${first.code}, ${sent.tag}`,
      html: `<p>${first.code} &lt;7&gt;</p>`,
    })
    await later(server, 31_000)
    const resent = await server.post(`/v1/challenges/${sent.id}/resend`)
    expect(resent.body.template).toBe(name)
    const second = await server.message({ challengeId: sent.id })
    expect(second.id).not.toBe(first.id)
    expect(second.text).toBe(`Your code is ${second.code}, ${sent.tag}`)
    const verified = await server.post(`/v1/challenges/${sent.id}/verify`, { code: second.code })
    expect(verified.body.challenge.template).toBe(name)
  })

  test('speaks the locale of the challenge, then of the user', async () => {
    const { name } = await create(locales)
    const asked = { template: name, templateVariables }
    const subject = async (body: object) =>
      (await server.message({ challengeId: (await send(server, { ...asked, ...body })).id })).subject
    expect(await subject({ to: fresh(), locale: 'de-AT' })).toBe('Bestellung <7>')
    expect(await subject({ to: fresh(), locale: 'fr' })).toBe('Order <7>')
    const { id } = (await server.post('/v1/users', { email: fresh(), emailVerified: true, locale: 'de' }))
      .body
    expect(await subject({ userId: id })).toBe('Bestellung <7>')
  })

  test('goes out of live with it', async () => {
    const create = { name: newName(), locales: CODE_TEXTS }
    const asked = { to: fresh('live'), template: create.name }
    expect((await server.call('POST', '/v1/templates', create, { key: server.liveKey })).status).toBe(201)
    await send(server, asked, server.liveKey)
    await server.ostiary.drain()
    expect(box.mails.find(mail => mail.to === asked.to)).toMatchObject({
      subject: 'Your code',
      text: expect.stringMatching(/^Code: \d{6}$/),
    })
  })

  test('is refused for an unknown name or a missing value, which is told, and nothing is written', async () => {
    const { name } = await create(locales)
    const link = { credential: 'link', redirectUrl: 'http://localhost:3000/cb' }
    const before = await dump(server)
    const refused: [object, string][] = [
      [{ template: 'unknown' }, 'template'],
      [{ template: name }, 'templateVariables.orderId'],
      [{ template: name, templateVariables: { other: 'x' } }, 'templateVariables.orderId'],
      [{ template: name, templateVariables, ...link }, 'template'],
      [{ template: name, templateVariables, ...link }, 'credential'],
    ]
    for (const [body, path] of refused) {
      const answer = await server.post('/v1/challenges', { to: fresh(), ...body })
      expectRefusal(answer, 'template_invalid', ['errors'])
      expect(pathsOf(answer)).toContain(path)
    }
    expect(await dump(server)).toEqual(before)
  })

  test('is refused alike for known and unknown addresses: a locale of the user decides nothing', async () => {
    const { name } = await create({
      ...CODE_TEXTS,
      de: { subject: 'Hallo', text: '{{code}} {{orderId}}', html: null },
    })
    const email = fresh()
    await server.post('/v1/users', { email, emailVerified: true, locale: 'de' })
    for (const to of [email, fresh()])
      expectRefusal(await server.post('/v1/challenges', { to, template: name }), 'template_invalid')
  })

  test('is mailed with the built-in mail once its template is deleted or fits no more', async () => {
    for (const end of [
      (id: string) => server.call('DELETE', `/v1/templates/${id}`),
      (id: string) => patch(id, { locales: { en: { text: '{{code}} {{newName}}' } } }),
      (id: string) => patch(id, { name: newName() }),
    ]) {
      const { id, name } = await create(locales)
      const sent = await send(server, { to: fresh(), template: name, templateVariables })
      expect((await server.message({ challengeId: sent.id })).subject).toBe('Order <7>')
      expect((await end(id)).status).toBeLessThan(300)
      const { subject, code } = await server.message({ challengeId: sent.id })
      expect(subject).toBe(`${code} is your My app code`)
      await later(server, 31_000)
      expect((await server.post(`/v1/challenges/${sent.id}/resend`)).status).toBe(200)
      const again = await server.message({ challengeId: sent.id })
      expect(again.subject).toBe(`${again.code} is your My app code`)
    }
  })

  test('is seen at once by the process that changed it, and within a second by others', async () => {
    const { id, name } = await create()
    const other = await server.ostiary.deps.store.findTemplate(
      (await server.ostiary.deps.directory.bySlug('test'))?.environment.id ?? '',
      id,
    )
    const sent = await send(server, { to: fresh(), template: name })
    const { environmentId } = other!
    const origin = {
      environmentId,
      appId: null,
      actor: { type: 'system' as const, id: null },
      requestId: null,
    }
    const locales = { en: { subject: 'Elsewhere', text: '{{code}}', html: null } }
    // As another process would: this one's directory is told nothing.
    await server.ostiary.deps.store.updateTemplate(
      { ...other!, locales },
      ['locales'],
      origin,
      server.clock.now(),
    )
    await later(server, 1000)
    expect((await server.message({ challengeId: sent.id })).subject).toBe('Elsewhere')
  })
})
