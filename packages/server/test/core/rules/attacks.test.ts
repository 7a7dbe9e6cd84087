import { describe, expect, test } from 'vitest'
import type { Signals } from '../../../src/core/rules/variables.ts'
import { cpuMs, faultsOf, judged } from './judge.ts'

/** What a busy machine may add to a bound in milliseconds of CPU; the bound itself holds on an idle one. */
const SLACK = 8

function within<T>(ms: number, task: () => T): T {
  let result: T | undefined
  const taken = cpuMs(() => {
    result = task()
  })
  expect(taken).toBeLessThan(ms * SLACK)
  return result as T
}

// The first use of each part is compiled by the engine; that is no cost of the condition.
faultsOf('user.email.matches("a") || [1].exists(x, x > 0) || now.getHours("Europe/Berlin") > 1')

const times = (text: string, count: number) => text.repeat(count)
const chain = (step: (index: number) => string, count: number) =>
  Array.from({ length: count }, (_, index) => step(index)).join('')

const REFUSED: [what: string, text: string, why: RegExp][] = [
  ['2,001 characters', `true ${times(' ', 1996)}`, /has more than 2000 characters/],
  ['a megabyte', times('a', 1_000_000), /has more than 2000 characters/],
  ['900 brackets', `${times('(', 900)}true${times(')', 900)}`, /too many open brackets/],
  [
    '900 brackets behind a text of brackets',
    `"${times(')', 400)}" == ${times('(', 700)}"a"${times(')', 700)}`,
    /cannot be read|too early|too many|deeper/,
  ],
  ['900 list brackets', `${times('[', 900)}1${times(']', 900)}`, /too many open brackets/],
  ['60 list brackets', `${times('[', 60)}1${times(']', 60)}.size() == 1`, /deeper than 32|into a list/],
  ['40 steps of addition', `1${times('+1', 40)} == 41`, /deeper than 32/],
  ['900 fields', `action.attributes${times('.a', 900)} == "b"`, /deeper than 32/],
  ['400 choices', `${times('true?true:', 190)}true`, /deeper than 32/],
  ['40 conversions', `${times('int(', 40)}1${times(')', 40)} == 1`, /deeper than 32/],
  [
    '40 steps of map()',
    `[1]${chain(index => `.map(a${index},a${index})`, 40)}.size() == 1`,
    /deeper than 32/,
  ],
  ['three loops in each other', '[1].all(a, [1].all(b, [1].all(c, true)))', /more than 2 loops/],
  [
    'a loop in the range of a loop in a loop',
    '[1].all(a, [1].all(b, [1].filter(c, true).all(d, true)))',
    /more than 2 loops/,
  ],
  ['a number over 64 bits', 'user.ageDays < 9223372036854775808', /too large/],
  ['a double over 64 bits', 'history.speedKmh < 1e400', /too large/],
  ['a pattern that repeats 1,000 times', 'user.email.matches("\\\\pL{1000}")', /repeats more than 128 times/],
  [
    'a pattern that repeats from 0 to 1,000 times',
    'user.email.matches("a{0,1000}")',
    /repeats more than 128 times/,
  ],
  [
    'a pattern of repeats of repeats',
    'user.email.matches("((\\\\pL{30}){30})")',
    /repeats more than 128 times/,
  ],
  ['a pattern of 250 stars', `user.email.matches("${times('(a*)', 90)}")`, /longer than 250|too large/],
  ['a pattern that looks back', 'user.email.matches("(a)\\\\1")', /not of RE2/],
  ['__proto__ as a variable', '__proto__ == 1', /unknown_name/],
  ['constructor as a variable', 'constructor.name == "a"', /unknown_name/],
  ['__proto__ of a group', 'user.__proto__ == "a"', /unknown_name/],
  ['constructor of a group', 'has(user.constructor)', /unknown_name/],
  ['toString of a group', 'user.toString() == "a"', /unknown_name/],
  [
    'a pattern of many repeats',
    `user.email.matches("${times('\\\\pL{60}', 3)}")`,
    /repeats more than 128 times/,
  ],
  ['a method of objects as a function', 'hasOwnProperty("a")', /unknown_name/],
  ['constructor as a function', 'constructor("a") == 1', /unknown_name/],
  ['__proto__ as a method', 'user.email.__proto__() == 1', /unknown_name/],
  ['the own name of an operator as a function', '_<_(1, 2)', /cannot be read|unknown_name/],
  ['a method of operators', '@in("a", ["a"])', /cannot be read/],
  ['the own function of the loops', '@round(true)', /cannot be read/],
  ['a macro that is not there', 'cel.bind(a, true, a)', /unknown_name/],
]

describe('an attack that is refused when it is saved', () => {
  test.each(REFUSED)('%s', (_what, text, why) => {
    const faults = within(30, () => faultsOf(text))
    expect(faults.join('; ')).toMatch(why)
  })
})

const LONG = 'a'.repeat(4000)
const BIG = Array.from({ length: 10_000 }, (_, index) => `entry${index}`)
const ATTRIBUTES: Signals = {
  action: { name: 'x', attributes: { long: LONG, tags: Array.from({ length: 1000 }, () => 'aa') } },
  user: { email: `${'a'.repeat(200)}!`, metadata: JSON.parse('{"__proto__": "own", "constructor": "mine"}') },
}

const RUN: [what: string, text: string, verdict: string | RegExp, ms: number][] = [
  ['2,000 characters', `${chain(() => '"aaaa" == "aaaa" && ', 99)}true`, 'matched', 20],
  ['a thousand entries', `1 in [${chain(index => `${index % 7 ? 3 : 2},`, 900)}4]`, 'missed', 20],
  ['all of a list of 10,000', 'list("big").all(x, x != "zz")', 'matched', 60],
  [
    'a list of 10,000 for each of its entries',
    'list("big").exists(x, list("big").exists(y, x + y == "zz"))',
    /too many rounds/,
    60,
  ],
  [
    'a list of 10,000 for each of its entries, then true',
    'list("big").exists(x, list("big").exists(y, y == "zz")) || true',
    'matched',
    60,
  ],
  ['looking into it for each of its entries', 'list("big").all(x, x in list("big"))', 'matched', 60],
  [
    'a list of 10,000 made into another',
    'list("big").map(x, x + "!").size() == 10000',
    /more than 1000 entries/,
    60,
  ],
  [
    'a thousand times a thousand',
    'action.attributes.tags.all(x, action.attributes.tags.all(y, x == y))',
    /too many rounds/,
    60,
  ],
  [
    'a thousand looked up a thousand times',
    'list("big").exists(x, x in action.attributes.tags)',
    /too many rounds/,
    60,
  ],
  [
    'a text that doubles thirty times',
    `["aaaaaaaa"]${chain(index => `.map(a${index},a${index}+a${index})`, 25)}[0] == "a"`,
    /more than 10000 characters/,
    20,
  ],
  ['a list that doubles', `(${chain(() => '[1,2,3,4,5,6,7,8]+', 25)}[9]).size() == 201`, 'matched', 20],
  ['a pattern known for its blowing up', 'user.email.matches("^(a+)+$")', 'missed', 40],
  ['the same with more ways', 'action.attributes.long.matches("(x+x+)+y")', 'missed', 40],
  [
    'a large pattern on a long text',
    'action.attributes.long.matches("(a|b|c|d|e|f|g){0,60}z")',
    'missed',
    100,
  ],
  [
    'a pattern for each of 10,000',
    'list("big").exists(x, action.attributes.long.matches("(a|b|c|d|e){0,60}z"))',
    /too many rounds/,
    150,
  ],
  [
    'a long text looked through 10,000 times',
    'list("big").exists(x, action.attributes.long.contains(x))',
    'missed',
    150,
  ],
]

describe('an attack while it runs', () => {
  test.each(RUN)('%s', (_what, text, verdict, ms) => {
    judged('true')
    const found = within(ms, () => judged(text, ATTRIBUTES, { big: BIG }))
    if (typeof verdict === 'string') expect(found).toBe(verdict)
    else expect(found).toMatch(verdict)
  })
})

const OWN: [text: string, attributes: string, verdict: string][] = [
  // Keys that objects answer to.
  ['has(action.attributes.__proto__)', '{}', 'missed'],
  ['has(action.attributes.constructor)', '{}', 'missed'],
  ['has(action.attributes.toString)', '{}', 'missed'],
  ['"__proto__" in action.attributes', '{}', 'missed'],
  ['action.attributes.__proto__ == "x"', '{}', '"action.attributes.__proto__" is not known'],
  ['action.attributes["__proto__"] == "x"', '{"__proto__": "x"}', 'matched'],
  ['action.attributes.__proto__ == "x"', '{"__proto__": "x"}', 'matched'],
  ['action.attributes.a.constructor == "x"', '{"a": {}}', 'field not found: constructor'],
  ['action.attributes.length == 0', '{}', '"action.attributes.length" is not known'],
  ['action.attributes["user.email"] == "x"', '{"user.email": "x"}', 'matched'],
  // Null is what is not there.
  ['has(action.attributes.a)', '{"a": null}', 'missed'],
  ['"a" in action.attributes', '{"a": null}', 'missed'],
  ['action.attributes.a == "x"', '{"a": null}', '"action.attributes.a" is not known'],
  ['action.attributes.list.size() == 2', '{"list": [1, null, 2]}', 'matched'],
  // Numbers are doubles, and equal by value.
  ['action.attributes.a == 1', '{"a": 1}', 'matched'],
  ['action.attributes.a == 1.0', '{"a": 1}', 'matched'],
  ['action.attributes.a > 1', '{"a": 1.5}', 'matched'],
  ['action.attributes.a / 2.0 == 0.5', '{"a": 1}', 'matched'],
  ['action.attributes.a / action.attributes.b > 1', '{"a": 1, "b": 0}', 'division by zero'],
  ['int(action.attributes.a) % 2 == 1', '{"a": 3}', 'matched'],
  ['action.attributes.a == 9007199254740993', '{"a": 9007199254740992}', 'missed'],
  ['1 in action.attributes.list', '{"list": [1, 2]}', 'matched'],
  ['action.attributes.a == "1"', '{"a": 1}', 'missed'],
  ['int(action.attributes.a) == 0', '{"a": ""}', 'the text is not a number'],
  ['double(action.attributes.a) == 0.0', '{"a": ""}', 'the text is not a number'],
  ['double(action.attributes.a) > 0.0', '{"a": "abc"}', 'the text is not a number'],
  ['int(action.attributes.a) == 16', '{"a": "0x10"}', 'the text is not a number'],
  ['int(action.attributes.a) > 0', '{"a": "99999999999999999999"}', 'the text is not a number'],
  ['int(action.attributes.a) > 0', '{"a": "9999999999999999999"}', 'the number is too large'],
  ['int(action.attributes.a) > 0', '{"a": 1e30}', 'int overflow during type conversion'],
  // Another type than the condition thinks of is an error, not an answer.
  [
    'action.attributes.a > 1',
    '{"a": "2"}',
    "found no matching overload for '_>_' applied to '(string, int)'",
  ],
  ['action.attributes.a', '{"a": "true"}', 'it comes out as neither true nor false'],
  ['action.attributes.a && true', '{"a": "true"}', 'type mismatch: expected bool, got string'],
  ['action.attributes.a == "x"', '{"a": ["x"]}', 'lists and maps are not compared'],
  ['action.attributes.a == action.attributes.b', '{"a": {}, "b": {}}', 'lists and maps are not compared'],
  [
    'action.attributes.a in action.attributes.list',
    '{"a": [1], "list": [[1]]}',
    'lists and maps are not compared',
  ],
  ['action.attributes.a.b == "x"', '{"a": "text"}', 'field not found: b'],
  ['action.attributes.a[0] == "x"', '{"a": []}', 'index 0 out of bounds [0, -1)'],
  ['action.attributes.a.exists(x, true)', '{"a": "text"}', 'type mismatch: iterable vs string'],
  [
    'inNetwork(action.attributes.a, "10.0.0.0/8")',
    '{"a": "not an address"}',
    'the address is not an IP address',
  ],
  ['inNetwork(action.attributes.a, "10.0.0.0/8")', '{"a": "::ffff:10.0.0.1"}', 'matched'],
  ['inNetwork(action.attributes.a, "2001:db8::/32")', '{"a": "2001:DB8::1"}', 'matched'],
  ['inNetwork(action.attributes.a, "0.0.0.0/0")', '{"a": "2001:db8::1"}', 'missed'],
  ['timestamp(action.attributes.a) < now', '{"a": "yesterday"}', 'x'],
  ['timestamp(action.attributes.a) < now', '{"a": "2026-07-15T23:29:59+02:00"}', 'matched'],
  ['timestamp(action.attributes.a) < now', '{"a": "2026-07-15T23:30:01+02:00"}', 'missed'],
]

describe('fields of the caller’s own', () => {
  test.each(OWN)('%s of %s', (text, attributes, verdict) => {
    const found = judged(text, { action: { attributes: JSON.parse(attributes) } })
    if (verdict === 'x') expect(found).toMatch(/^Failed to parse timestamp/)
    else expect(found).toBe(verdict)
  })
})

const UNKNOWN = '"device.known" is not known'

/** What is not known errs wherever it stands, but where the other side decides alone. */
const MISSING: [text: string, verdict: string][] = [
  ['device.known', UNKNOWN],
  ['!device.known', UNKNOWN],
  ['!!device.known', UNKNOWN],
  ['device.known == false', UNKNOWN],
  ['device.known != true', UNKNOWN],
  ['has(device.known)', 'missed'],
  ['!has(device.known)', 'matched'],
  ['has(device.known) && device.known', 'missed'],
  ['!has(device.known) || !device.known', 'matched'],
  ['device.known || true', 'matched'],
  ['true || device.known', 'matched'],
  ['device.known || false', UNKNOWN],
  ['false || device.known', UNKNOWN],
  ['device.known && false', 'missed'],
  ['false && device.known', 'missed'],
  ['device.known && true', UNKNOWN],
  ['!(device.known && true)', UNKNOWN],
  ['!(device.known || true)', 'missed'],
  ['device.known || ip.isAnonymous', UNKNOWN],
  ['device.known ? true : true', UNKNOWN],
  ['true ? device.known : true', UNKNOWN],
  ['false ? device.known : true', 'matched'],
  ['(true ? device.known : true) || true', 'matched'],
  ['device.known in [true, false]', UNKNOWN],
  ['true in [device.known]', UNKNOWN],
  ['[device.known].size() == 1', UNKNOWN],
  ['[true, false].exists(x, x == device.known)', UNKNOWN],
  ['[true, false].all(x, x == device.known)', UNKNOWN],
  ['[true].all(x, device.known || x)', 'matched'],
  ['[true].filter(x, device.known).size() == 0', UNKNOWN],
  ['[true].map(x, device.known).size() == 1', UNKNOWN],
  ['[true].exists_one(x, device.known)', UNKNOWN],
  ['string(device.known) == "false"', UNKNOWN],
  ['user.email == ""', '"user.email" is not known'],
  ['user.email != "a"', '"user.email" is not known'],
  ['!(user.email == "a")', '"user.email" is not known'],
  ['user.email.size() == 0', '"user.email" is not known'],
  ['user.email in ["a"]', '"user.email" is not known'],
  ['!(user.email in ["a"])', '"user.email" is not known'],
  ['!(user.email in list("vip"))', '"user.email" is not known'],
  ['history.failures.hour < 5', '"history.failures.hour" is not known'],
  ['history.failures.hour == 0', '"history.failures.hour" is not known'],
  ['history.failures.hour + 1 > 0', '"history.failures.hour" is not known'],
  ['-history.failures.hour < 1', '"history.failures.hour" is not known'],
  ['history.speedKmh < 900.0', '"history.speedKmh" is not known'],
  ['user.createdAt < now', '"user.createdAt" is not known'],
  ['now - user.createdAt > duration("1h")', '"user.createdAt" is not known'],
  ['user.createdAt.getHours() > 1', '"user.createdAt" is not known'],
  ['!inNetwork(ip.address, "10.0.0.0/8")', '"ip.address" is not known'],
  ['!("passkey" in user.enrolledMethods)', '"user.enrolledMethods" is not known'],
  ['!user.enrolledMethods.exists(m, m == "passkey")', '"user.enrolledMethods" is not known'],
  ['user.enrolledMethods.all(m, m == "x")', '"user.enrolledMethods" is not known'],
  ['user.enrolledMethods.size() == 0', '"user.enrolledMethods" is not known'],
  ['user.metadata.vip == true', '"user.metadata.vip" is not known'],
  ['!has(user.metadata.vip)', 'matched'],
  ['!(user.email in list("gone"))', 'x'],
]

describe('a signal that is not known', () => {
  test.each(MISSING)('%s', (text, verdict) => {
    const found = judged(text, {}, { vip: [] })
    if (verdict === 'x') expect(found).toMatch(/is not known|there is no list/)
    else expect(found).toBe(verdict)
  })

  test.each([
    ['a text for a flag', { device: { known: 'yes' } }],
    ['a number for a flag', { device: { known: 0 } }],
    ['null for a flag', { device: { known: null } }],
    ['a flag of a prototype', { device: Object.create({ known: false }) }],
  ])('%s is not known either', (_what, signals) => {
    expect(judged('!device.known', signals as never)).toBe(UNKNOWN)
  })

  test('nor is half a number, or one that is none', () => {
    const failures = (hour: number) =>
      judged('history.failures.hour < 5', { history: { failures: { hour } } })
    expect(failures(1.5)).toBe('"history.failures.hour" is not known')
    expect(failures(Number.NaN)).toBe('"history.failures.hour" is not known')
    expect(judged('history.speedKmh < 1.0', { history: { speedKmh: Number.NaN } })).toBe(
      '"history.speedKmh" is not known',
    )
  })

  test('a list that is gone errs', () => {
    const signals = { user: { email: 'a' } }
    expect(judged('!(user.email in list("gone"))', signals)).toBe('there is no list "gone"')
    expect(judged('!list("gone").exists(x, x == user.email)', signals)).toBe('there is no list "gone"')
    expect(judged('list("gone").size() == 0', signals)).toBe('there is no list "gone"')
    expect(judged('user.email in list("constructor")', signals)).toBe('there is no list "constructor"')
  })
})

test('hours are those of the zone that is named, whatever the machine has', () => {
  const before = process.env.TZ
  process.env.TZ = 'America/New_York'
  try {
    expect(judged('now.getHours() == 21')).toBe('matched')
    expect(judged('now.getHours("Asia/Tokyo") == 6 && now.getDate("Asia/Tokyo") == 16')).toBe('matched')
  } finally {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  }
})
