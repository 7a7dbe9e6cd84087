import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Answer } from '../setup/server.ts'
import { type TestServer, testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import { dump } from './world.ts'

let server: TestServer
beforeAll(async () => {
  server = await testServer()
})
afterAll(() => server.stop())

const RULE = { name: 'New devices', condition: '!device.known', outcome: 'CHALLENGE' }
let count = 0
const newName = () => `list${++count}`

async function create(more: object = {}): Promise<Answer['body']> {
  const answer = await server.post('/v1/rules', { ...RULE, ...more })
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201 })
  return { ...answer.body, etag: answer.headers.get('etag') }
}
async function createList(entries = ['a'], name = newName()): Promise<Answer['body']> {
  const answer = await server.post('/v1/lists', { name, entries })
  expect(answer, JSON.stringify(answer.body)).toMatchObject({ status: 201 })
  return { ...answer.body, etag: answer.headers.get('etag') }
}
const patch = (path: string, body: unknown, ifMatch?: string) =>
  server.call('PATCH', path, body, { headers: ifMatch === undefined ? {} : { 'If-Match': ifMatch } })
const errorsOf = (answer: Answer) =>
  answer.body.errors.map((one: { path: string; message: string; suggestion?: string }) =>
    [one.path, one.message, one.suggestion].filter(Boolean).join(' | '),
  )

const REFUSED: [what: string, more: object, ...errors: string[]][] = [
  [
    'a name that there is not',
    { condition: 'device.knwon' },
    'condition | at character 7 reads "device.knwon", which there is not | device.known',
  ],
  [
    'a condition of another type',
    { condition: 'user.email' },
    'condition | at character 5 comes out as a string, not as true or false',
  ],
  ['an empty condition', { condition: ' ' }, 'condition | at character 1 is empty'],
  [
    'a condition that is too long',
    { condition: `true${' '.repeat(2000)}` },
    'condition | at character 2001 has more than 2000 characters',
  ],
  [
    'a list that there is not',
    { condition: 'user.email in list("gone")' },
    'condition | looks into the list "gone", which there is not',
  ],
  [
    'methods of a rule that lets pass',
    { outcome: 'ALLOW', methods: ['passkey'] },
    'methods | is for rules with the outcome CHALLENGE or REVIEW',
  ],
  [
    'two methods for a rule that blocks',
    { outcome: 'BLOCK', requires: 2 },
    'requires | is for rules with the outcome CHALLENGE or REVIEW',
  ],
  [
    'enrolment for a rule that blocks',
    { outcome: 'BLOCK', enrolmentCounts: true },
    'enrolmentCounts | is for rules with the outcome CHALLENGE or REVIEW',
  ],
  [
    'two methods out of one',
    { methods: ['passkey'], requires: 2 },
    'methods | names methods that prove one thing only; two that are required have to prove two',
  ],
  [
    'two methods that prove one mailbox',
    { methods: ['emailCode', 'emailLink'], requires: 2 },
    'methods | names methods that prove one thing only; two that are required have to prove two',
  ],
  ['a method twice', { methods: ['passkey', 'passkey'] }, 'methods | names a method twice'],
]

describe('a rule is refused for', () => {
  test.each(REFUSED)('%s, with its path, and nothing is written', async (_what, more, ...errors) => {
    const { id } = await create()
    const before = await dump(server)
    for (const answer of [
      await server.post('/v1/rules', { ...RULE, ...more }),
      await patch(`/v1/rules/${id}`, more),
    ]) {
      expectRefusal(answer, 'invalid_request', ['errors'])
      expect(errorsOf(answer)).toEqual(errors)
    }
    expect(await dump(server)).toEqual(before)
  })

  test.each([
    [{ priority: 100 }, 'priority'],
    [{ priority: -1 }, 'priority'],
    [{ outcome: 'MAYBE' }, 'outcome'],
    [{ methods: ['smsCode'] }, 'methods.0'],
    [{ requires: 3 }, 'requires'],
    [{ mode: 'off' }, 'mode'],
    [{ actionName: 'pay out' }, 'actionName'],
    [{ name: '' }, 'name'],
    [{ id: 'rul_1' }, 'id'],
    [{ version: 1 }, 'version'],
    [{ conditions: 'true' }, 'conditions'],
  ])('%j', async (more, path) => {
    const answer = await server.post('/v1/rules', { ...RULE, ...more })
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors[0].path).toBe(path)
  })
})

describe('a rule', () => {
  test('is changed by who read its last version, and returns to defaults by null', async () => {
    const rule = await create({ priority: 3, actionName: 'payOut', methods: ['passkey'], mode: 'shadow' })
    const path = `/v1/rules/${rule.id}`
    expect((await server.get(path)).headers.get('etag')).toBe(rule.etag)
    const changed = await patch(
      path,
      { priority: null, methods: null, actionName: null, mode: null },
      rule.etag,
    )
    expect(changed).toMatchObject({
      status: 200,
      body: { priority: 50, methods: [], actionName: null, mode: 'live', condition: RULE.condition },
    })
    expectRefusal(await patch(path, { priority: 4 }, rule.etag), 'precondition_failed')
    expect((await patch(path, { priority: 4 }, '*')).status).toBe(200)
    expect((await patch(path, { priority: 5 })).body.priority).toBe(5)
    for (const field of ['name', 'condition', 'outcome'])
      expectRefusal(await patch(path, { [field]: null }), 'invalid_request', ['errors'])
  })

  test('may look into a list, which then cannot go away or get another name', async () => {
    const list = await createList()
    const rule = await create({
      condition: `list("${list.name}").exists(x, x == user.email)`,
      name: 'Looker',
    })
    for (const answer of [
      await server.call('DELETE', `/v1/lists/${list.id}`),
      await patch(`/v1/lists/${list.id}`, { name: newName() }),
    ]) {
      expectRefusal(answer, 'state_conflict')
      expect(answer.body.detail).toBe(`The rule "Looker" (${rule.id}) looks into this list.`)
    }
    expect((await patch(`/v1/lists/${list.id}`, { entries: [], name: list.name })).status).toBe(200)
    expect((await server.call('DELETE', `/v1/rules/${rule.id}`)).status).toBe(204)
    expect((await server.call('DELETE', `/v1/lists/${list.id}`)).status).toBe(204)
  })

  test('looks into lists of its own environment alone', async () => {
    const list = await createList()
    const body = { ...RULE, condition: `user.email in list("${list.name}")` }
    const answer = await server.call('POST', '/v1/rules', body, { key: server.liveKey })
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(errorsOf(answer)).toEqual([`condition | looks into the list "${list.name}", which there is not`])
  })

  test('writes events that name it, and hold nothing of its condition', async () => {
    const rule = await create({ condition: 'user.email == "planted@example.com"', name: 'Told' })
    await patch(`/v1/rules/${rule.id}`, { isActive: false })
    await server.call('DELETE', `/v1/rules/${rule.id}`)
    const { data } = (await server.get('/v1/events?limit=3')).body
    const version = data[0].data.version
    expect(data.map(({ type, data }: Answer['body']) => [type, data])).toEqual([
      ['rule.deleted', { version, ruleId: rule.id, name: 'Told' }],
      ['rule.updated', { version: version - 1, ruleId: rule.id, name: 'Told', changed: ['isActive'] }],
      ['rule.created', { version: version - 2, ruleId: rule.id, name: 'Told' }],
    ])
    expect(JSON.stringify(data)).not.toContain('planted')
    expect(data[0].actor.type).toBe('api_key')
  })
})

describe('versions', () => {
  const versions = async () => (await server.get('/v1/rules/versions')).body.data
  const set = async () =>
    (await server.get('/v1/rules?limit=100')).body.data.map((rule: Answer['body']) => [rule.id, rule.name])

  test('are gone back to, also for a rule that is gone, whose old ETag changes nothing', async () => {
    const rule = await create({ name: 'Kept' })
    const before = await set()
    const [{ version }] = await versions()
    await patch(`/v1/rules/${rule.id}`, { name: 'Changed' })
    await server.call('DELETE', `/v1/rules/${rule.id}`)
    await create({ name: 'Later' })
    const back = await server.post('/v1/rules/rollback', { version })
    expect(back).toMatchObject({ status: 200, body: { change: 'rolledBack', version: version + 4 } })
    expect(await set()).toEqual(before)
    expectRefusal(await patch(`/v1/rules/${rule.id}`, { priority: 1 }, rule.etag), 'precondition_failed')
    expect((await versions())[0]).toEqual(back.body)
    const [event] = (await server.get('/v1/events?type=rule.rolled_back')).body.data
    expect(event.data).toEqual({ version: version + 4, to: version })
  })

  test('with a rule that could not be saved today are not gone back to', async () => {
    const list = await createList()
    const rule = await create({ name: 'Looker', condition: `user.email in list("${list.name}")` })
    const [{ version }] = await versions()
    await server.call('DELETE', `/v1/rules/${rule.id}`)
    await server.call('DELETE', `/v1/lists/${list.id}`)
    const before = await dump(server)
    const answer = await server.post('/v1/rules/rollback', { version })
    expectRefusal(answer, 'state_conflict', ['errors'])
    expect(errorsOf(answer)).toEqual([
      `Looker: condition | looks into the list "${list.name}", which there is not`,
    ])
    expect(await dump(server)).toEqual(before)
  })

  test.each([999_999, 0, -1, 1.5, '1'])('%j that is not there is refused', async version => {
    const answer = await server.post('/v1/rules/rollback', { version })
    expect([400, 404]).toContain(answer.status)
    for (const one of ['0', '-1', '1.5', 'x', '99999999999', '01', '1e1'])
      expectRefusal(await server.get(`/v1/rules/versions/${one}`), 'not_found')
  })
})

describe('a made-up case', () => {
  const tried = (body: object) => server.post('/v1/rules/test', body)
  const rule = { name: 'Large', condition: 'action.attributes.amount > 100', outcome: 'REVIEW' }

  test('is judged by rules that are not saved, and writes nothing', async () => {
    const before = await dump(server)
    const signals = { action: { name: 'payOut', attributes: { amount: 500 } } }
    const { status, body } = await tried({ rule, signals })
    expect(status).toBe(200)
    expect(body).toMatchObject({ outcome: 'REVIEW', rule: { name: 'Large' }, matched: [{ name: 'Large' }] })
    expect(body.seen).toEqual({ 'action.attributes.amount': 500 })
    const small = await tried({ rule, signals: { action: { attributes: { amount: 5 } } } })
    expect(small.body).toMatchObject({ outcome: 'CHALLENGE', rule: null, erring: [] })
    const unknown = await tried({ rule, signals: {} })
    expect(unknown.body).toMatchObject({ outcome: 'REVIEW', rule: null, decidedBy: { name: 'Large' } })
    expect(unknown.body.erring[0].message).toBe('"action.attributes.amount" is not known')
    expect(await dump(server)).toEqual(before)
  })

  test('takes the default of its action, and the instant that it names', async () => {
    await server.call('PATCH', '/v1/settings', { action: { defaultOutcome: { other: 'ALLOW' } } })
    const night = { name: 'Night', condition: 'now.getHours("Europe/Berlin") < 6', outcome: 'BLOCK' }
    const at = (now: string, name = 'payOut') => tried({ rule: night, signals: { action: { name }, now } })
    expect((await at('2026-07-01T02:00:00Z')).body.outcome).toBe('BLOCK')
    expect((await at('2026-07-01T12:00:00Z')).body.outcome).toBe('ALLOW')
    expect((await at('2026-07-01T12:00:00Z', 'signIn')).body.outcome).toBe('CHALLENGE')
  })

  test('is judged by the saved rules, as they are now', async () => {
    const action = { name: 'onlyHere' }
    const saved = await create({ actionName: 'onlyHere', condition: 'ip.isNew', outcome: 'BLOCK' })
    const outcome = async () => (await tried({ signals: { action, ip: { isNew: true } } })).body.rule?.id
    expect(await outcome()).toBe(saved.id)
    await patch(`/v1/rules/${saved.id}`, { isActive: false })
    expect(await outcome()).toBeUndefined()
  })

  test('looks into the saved lists, as they are now', async () => {
    const list = await createList(['ada@example.com'])
    const vip = { name: 'VIP', condition: `user.email in list("${list.name}")`, outcome: 'ALLOW' }
    const outcome = async () =>
      (await tried({ rule: vip, signals: { user: { email: 'ada@example.com' } } })).body.outcome
    expect(await outcome()).toBe('ALLOW')
    await patch(`/v1/lists/${list.id}`, { entries: ['bob@example.com'] })
    expect(await outcome()).toBe('CHALLENGE')
  })

  test.each<[object, string]>([
    [{ rule: { ...rule, condition: 'gone' }, signals: {} }, 'rule.condition'],
    [{ rules: [rule, { ...rule, condition: 'gone' }], signals: {} }, 'rules.1.condition'],
    [{ rule, rules: [rule], signals: {} }, 'rules'],
    [{ rule, signals: { user: { emial: 'a' } } }, 'signals.user.emial'],
    [{ rule, signals: { device: { known: 'yes' } } }, 'signals.device.known'],
    [{ rule, signals: { user: { createdAt: 'yesterday' } } }, 'signals.user.createdAt'],
    [{ rule, signals: { history: { failures: { hour: 1.5 } } } }, 'signals.history.failures.hour'],
    [{ rule, signals: { user: { email: null } } }, 'signals.user.email'],
  ])('%j is refused', async (body, path) => {
    const answer = await tried(body)
    expectRefusal(answer, 'invalid_request', ['errors'])
    expect(answer.body.errors[0].path).toBe(path)
  })
})

describe('bounds', () => {
  test('200 rules, of 256 KB together', async () => {
    const own = { key: server.liveKey }
    const post = (more: object) => server.call('POST', '/v1/rules', { ...RULE, ...more }, own)
    const long = { condition: `true${' '.repeat(1990)}` }
    let made = 0
    let answer = await post(long)
    for (; answer.status === 201; made++) answer = await post(long)
    expectRefusal(answer, 'state_conflict')
    expect(answer.body.detail).toBe('The rules of an environment take at most 256 KB together.')
    expect(made).toBeGreaterThan(100)
    for (; made < 199; made++) await post({ condition: 'true' })
    const last = await post({ condition: 'true' })
    expect([201, 409]).toContain(last.status)
    const over = await post({ condition: 'true' })
    expectRefusal(over, 'state_conflict')
  })

  test('50 lists of 10,000 entries of 255 characters', async () => {
    const large = Array.from({ length: 10_000 }, (_, index) => String(index).padEnd(255, 'x'))
    const name = newName()
    const list = await createList(large, name)
    expect(list.entriesCount).toBe(10_000)
    expect((await server.get(`/v1/lists/${list.id}`)).body.entries).toEqual(large)
    const rule = { name: 'x', condition: `user.email in list("${name}")`, outcome: 'ALLOW' }
    const asked = { rule, signals: { user: { email: large[9999] } } }
    expect((await server.post('/v1/rules/test', asked)).body.outcome).toBe('ALLOW')
    for (const entries of [[...large, 'more'], ['x'.repeat(256)], [''], [1], 'a'])
      expectRefusal(await server.post('/v1/lists', { name: newName(), entries }), 'invalid_request', [
        'errors',
      ])
    for (const bad of ['', '1a', 'a b', 'a"b', 'x'.repeat(65)])
      expectRefusal(await server.post('/v1/lists', { name: bad, entries: [] }), 'invalid_request', ['errors'])
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => server.post('/v1/lists', { name: newName(), entries: [] })),
    )
    expect(answers.some(({ status }) => status === 409)).toBe(true)
    expect((await server.get('/v1/lists?limit=100')).body.data).toHaveLength(50)
  })

  test('a list has a name of its own', async () => {
    const own = { key: server.liveKey }
    const make = (name: string) => server.call('POST', '/v1/lists', { name, entries: ['a'] }, own)
    const first = await make('first')
    await make('second')
    expectRefusal(await make('first'), 'already_exists')
    const renamed = await server.call('PATCH', `/v1/lists/${first.body.id}`, { name: 'second' }, own)
    expectRefusal(renamed, 'already_exists')
  })
})
