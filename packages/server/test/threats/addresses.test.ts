import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expectRefusal } from '../http/answers.ts'
import { dump, fresh, later, mailbox, send, wrongCode } from '../http/world.ts'
import { type TestServer, testServer } from '../setup/server.ts'

const box = mailbox()
let server: TestServer
beforeAll(async () => {
  server = await testServer({ transport: box })
})
afterAll(() => server.stop())

const refused: [title: string, to: string][] = [
  ['[1] two recipients by comma', 'v@good.test,e@evil.test'],
  ['[1] two recipients by semicolon', 'v@good.test;e@evil.test'],
  ['[1] two recipients by white space', 'v@good.test e@evil.test'],
  ['[1] a group of recipients', 'all:v@good.test,e@evil.test;'],
  ['[2] an address inside a quoted local part', '"e@evil.test"@good.test'],
  ['[2] an address and a word inside a quoted local part', '"e@evil.test y"@good.test'],
  ['[4] a comment between address and domain', 'u@good.test(x)evil.test'],
  ['[4] nested comments', 'u((a)b(c))@good.test'],
  ['[4] a comment after the domain', 'u@good.test(evil.test)'],
  ['[10] CR and LF with a header behind', 'v@good.test\r\nBcc: e@evil.test'],
  ['[10] a lone LF in the local part', 'v\n@good.test'],
  ['[10] a NUL', 'v\u0000@good.test'],
  ['[10] a tab', 'v\t@good.test'],
  ['[10] a right-to-left override', 'v@good\u202e.test'],
  ['[10] a zero-width joiner', 'v@go\u200dod.test'],
  ['[10] a byte order mark', '\ufeffv@good.test'],
  ['[11] a local part of 65 octets', `${'a'.repeat(65)}@good.test`],
  ['[11] a domain of 256 octets', `a@${'a23456789.'.repeat(25)}domain`],
  ['[13] a display name before the address', '"Bob" <v@good.test>'],
  ['[13] a mailto URL', 'mailto:v@good.test'],
  ['[13] an IP literal', 'v@[127.0.0.1]'],
  ['[13] an IPv6 literal', 'v@[IPv6:::1]'],
  ['[13] an IPv4 address', 'v@127.0.0.1'],
  ['[13] a single label', 'v@mail'],
  ['[13] the domain localhost', 'v@localhost'],
]

describe('an address that is not exactly one', () => {
  test.each(refused)('%s', async (_, to) => {
    const before = await dump(server)
    expectRefusal(await server.post('/v1/challenges', { to }), 'invalid_request')
    expectRefusal(await server.post('/v1/users', { email: to }), 'invalid_request')
    expect(await dump(server)).toEqual(before)
  })
  const huge: [title: string, to: string][] = [
    ['[11] 60 KB of one address', `${'a'.repeat(60_000)}@good.test`],
    ['[11] 10,000 nested groups', `${'a:'.repeat(10_000)}v@good.test;`],
    ['[11] 10,000 quotes', `${'"'.repeat(10_000)}@good.test`],
    ['[11] 10,000 nested comments', `${'('.repeat(10_000)}v@good.test${')'.repeat(10_000)}`],
    ['[11] 5,000 labels', `v@${'a.'.repeat(5000)}test`],
  ]
  test.each(huge)('%s', async (_, to) => {
    const at = performance.now()
    expectRefusal(await server.post('/v1/challenges', { to }), 'invalid_request')
    expect(performance.now() - at).toBeLessThan(250)
  })
  test('[11] a megabyte of an address', async () => {
    expectRefusal(await server.post('/v1/challenges', { to: 'a'.repeat(1 << 20) }), 'body_too_large')
  })
})

/** The only user who has proven the address that stands in `to`. */
async function userOf(to: string): Promise<string> {
  const { body } = await server.signIn(to, { userMode: 'create' })
  expect(body.user, JSON.stringify(body)).not.toBeNull()
  return body.user.id
}

describe('spellings of an address', () => {
  test('[5] U-label and A-label of one domain are one user; mail goes to the A-label', async () => {
    const name = fresh('idn').split('@')[0]
    expect(await userOf(`${name}@bücher.test`)).toBe(await userOf(`${name}@xn--bcher-kva.test`))
    const to = `${name}@BÜCHER.test`
    await send(server, { to }, server.liveKey)
    await server.ostiary.drain()
    expect(box.mails.at(-1)?.to).toBe(`${name}@xn--bcher-kva.test`)
  })
  test('[5] a look-alike domain of mixed scripts is another user', async () => {
    const name = fresh('idn').split('@')[0]
    const cyrillic = `${name}@ex\u0430mple.test`
    expect(await userOf(`${name}@example.test`)).not.toBe(await userOf(cyrillic))
  })
  test('[7] capitals make neither another user nor another limit; a trailing dot is refused', async () => {
    await later(server, 3_600_000)
    const to = fresh('Case')
    expect(await userOf(to)).toBe(await userOf(to.toUpperCase()))
    expectRefusal(await server.post('/v1/challenges', { to: to.toLowerCase() }), 'rate_limited')
    expectRefusal(await server.post('/v1/challenges', { to: `${to}.` }), 'invalid_request')
  })
  test('[8] dots and plus tags are other addresses: no provider is guessed at', async () => {
    const ids = new Set<string>()
    const name = fresh('tag').split('@')[0]
    for (const to of [`${name}@v.test`, `${name}+x@v.test`, `${name?.replace('t', 't.')}@v.test`])
      ids.add(await userOf(to))
    expect(ids.size).toBe(3)
  })
  test('[14] guesses by address, by other spellings and by userId are one sum', async () => {
    const to = fresh('sum')
    const userId = await userOf(to)
    await later(server, 25 * 3_600_000)
    const lengths: number[] = []
    for (const ask of [{ to }, { to: to.toUpperCase() }, { userId }, { to }]) {
      await later(server, 61_000)
      const { id, codeLength } = await send(server, ask)
      lengths.push(codeLength)
      const { code } = await server.message({ challengeId: id })
      await server.post(`/v1/challenges/${id}/verify`, { code: wrongCode(code) })
    }
    // Two challenges of five attempts fill the hour, whichever way they were asked for; the next codes are long.
    expect(lengths).toEqual([6, 6, 10, 10])
  })
  test('[16] a phone number in any spelling is one E.164 number', async () => {
    const { body } = await server.post('/v1/users', { phone: '+1 (415) 555-2671' })
    expect(body.phone).toBe('+14155552671')
  })
  const phones: [title: string, phone: string][] = [
    ['[16] a phone number with 001 before it', '0014155552671'],
    ['[16] a phone number in full-width digits', '+１４１５５５５２６７１'],
    ['[16] a phone number with an extension', '+14155552671;ext=7'],
    ['[16] a phone number of 16 digits', '+1415555267112345'],
  ]
  test.each(phones)('%s', async (_, phone) => {
    expectRefusal(await server.post('/v1/users', { phone }), 'invalid_request')
  })
})

test('[74] an address that another user has proven: the backend is told, nobody is merged', async () => {
  const to = fresh('taken')
  const owner = await userOf(to)
  const { id } = (await server.post('/v1/users', { email: fresh() })).body
  const add = (isVerified: boolean) =>
    server.post(`/v1/users/${id}/identifiers`, { type: 'email', value: to, isVerified })
  expectRefusal(await add(true), 'already_exists')
  const added = await add(false)
  expect(added.body.identifiers.find((one: { value: string }) => one.value === to).verifiedAt).toBeNull()
  await later(server, 61_000)
  expect(await userOf(to)).toBe(owner)
})

const sneaky: [title: string, body: Record<string, unknown>][] = [
  ['[83] emailVerified in a patch of a user', { emailVerified: true }],
  ['[83] identifiers in a patch of a user', { identifiers: [{ type: 'email', value: 'v@x.test' }] }],
  ['[83] status in a patch of a user', { status: 'active' }],
]
test.each(sneaky)('%s', async (_, body) => {
  const { id } = (await server.post('/v1/users', { email: fresh() })).body
  expectRefusal(await server.call('PATCH', `/v1/users/${id}`, body), 'invalid_request')
  expect((await server.get(`/v1/users/${id}`)).body.emailVerified).toBe(false)
})
test('[83] a key for sign-ins alone cannot prove an address', async () => {
  const { id } = (await server.post('/v1/users', { email: fresh() })).body
  const { secret } = await server.newKey(['auth'])
  const body = { type: 'email', value: fresh(), isVerified: true }
  expectRefusal(
    await server.call('POST', `/v1/users/${id}/identifiers`, body, { key: secret }),
    'scope_insufficient',
  )
})
