import { describe, expect, test } from 'vitest'
import { type Signals, variablePaths } from '../../../src/core/rules/variables.ts'
import { compiled, faultsOf, judged, NOW } from './judge.ts'

const HOUR = 3_600_000

const SIGNALS: Signals = {
  action: {
    name: 'payOut',
    attributes: { amount: 100, tier: 'gold', tags: ['a', 'b'], flag: true, at: { city: 'Köln' } },
  },
  user: {
    email: 'ada@example.com',
    emailDomain: 'example.com',
    createdAt: NOW - 48 * HOUR,
    ageDays: 2,
    isNew: false,
    enrolledMethods: ['emailCode', 'passkey'],
    metadata: { plan: 'pro', limit: 5 },
  },
  device: { known: true, count: 2 },
  ip: { address: '10.1.2.3', country: 'DE', asn: 64500 },
  history: { failures: { hour: 6 }, speedKmh: 12.5, lastCountry: 'AT' },
}

const HOLDS: string[] = [
  'true',
  'device.known',
  'device.known && user.ageDays >= 2',
  'history.failures.hour > 5 || user.isNew',
  'action.name == "payOut"',
  'action.attributes.amount > 99',
  'action.attributes.amount == 100',
  'action.attributes.amount * 2.0 == 200.0',
  'action.attributes["tier"] == "gold"',
  'action.attributes.flag',
  'action.attributes.at.city == "Köln"',
  'action.attributes.tags[0] == "a"',
  'action.attributes.tags.exists(tag, tag == "b")',
  '"b" in action.attributes.tags',
  '"amount" in action.attributes',
  'action.attributes.size() == 5',
  'has(action.attributes.tier) && !has(action.attributes.colour)',
  'user.metadata.plan == "pro"',
  '"passkey" in user.enrolledMethods',
  'user.enrolledMethods.size() == 2',
  'user.enrolledMethods.all(method, method != "totp")',
  'user.enrolledMethods.filter(method, method.startsWith("pass")).size() == 1',
  'user.enrolledMethods.map(method, method + "!")[1] == "passkey!"',
  'user.enrolledMethods.exists_one(method, method == "passkey")',
  'user.email.endsWith("@" + user.emailDomain)',
  'user.email.matches("^[a-z]+@example\\\\.com$")',
  'user.emailDomain.contains("ample")',
  'user.email in list("vip")',
  'list("vip").exists(entry, user.email.startsWith(entry))',
  'size(list("vip")) == 2',
  'user.createdAt < now - duration("24h")',
  'now - user.createdAt == duration("48h")',
  'user.createdAt == timestamp("2026-07-13T21:30:00Z")',
  'now.getHours() == 21 && now.getHours("Europe/Berlin") == 23 && now.getHours("+05:30") == 3',
  'now.getDayOfWeek() == 3 && now.getDayOfWeek("+05:30") == 4',
  'now.getDate() == 15 && now.getDayOfMonth() == 14 && now.getMonth() == 6 && now.getFullYear() == 2026',
  'now.getDayOfYear() == 195 && now.getMinutes() == 30 && now.getSeconds() == 0 && now.getMilliseconds() == 0',
  'duration("90m").getHours() == 1',
  'inNetwork(ip.address, "10.0.0.0/8") && !inNetwork(ip.address, "192.168.0.0/16")',
  'ip.country in ["DE", "AT"]',
  'ip.country != history.lastCountry',
  'history.speedKmh < 900',
  'user.ageDays > 1.5 && user.ageDays == 2.0',
  'double(user.ageDays) * 1.5 == 3.0',
  'int("42") == 42 && double("1.5") == 1.5 && string(1) == "1"',
  '(device.known ? "a" : "b") == "a"',
  'user.ageDays % 2 == 0 && -user.ageDays < 0',
  '!(user.isNew)',
]

const LISTS = { vip: ['ada@example.com', 'ada'] }

describe('a condition that holds', () => {
  test.each(HOLDS)('%s', text => {
    expect(judged(text, SIGNALS, LISTS)).toBe('matched')
    expect(judged(`!(${text})`, SIGNALS, LISTS)).toBe('missed')
  })
})

const REFUSED: [text: string, ...faults: string[]][] = [
  ['', 'unreadable at character 1 is empty'],
  ['user.emial == "a"', 'unknown_name at character 5 reads "user.emial", which there is not -> user.email'],
  ['country == "DE"', 'unknown_name at character 1 reads "country", which there is not -> ip.country'],
  ['usr.email == "a"', 'unknown_name at character 1 reads "usr", which there is not -> user'],
  [
    'history.signins.hour > 1',
    'unknown_name at character 8 reads "history.signins", which there is not -> history.signIns.day',
  ],
  [
    'device.known &&\n  starts(user.email)',
    'unknown_name at line 2, character 3 calls starts(), which there is not',
  ],
  [
    'user.email.startWith("a")',
    'unknown_name at character 11 calls startWith(), which there is not -> startsWith',
  ],
  ['user.email', 'wrong_type at character 5 comes out as a string, not as true or false'],
  ['1', 'wrong_type at character 1 comes out as an int, not as true or false'],
  ['user == 1', 'wrong_type at character 6 compares the group "user" == an int'],
  ['user.ageDays == "2"', 'wrong_type at character 14 compares an int == a string'],
  ['"a" < 1', 'wrong_type at character 5 compares a string < an int'],
  ['true < false', 'wrong_type at character 6 compares a bool < a bool'],
  [
    'user.externalId == null',
    'wrong_type at character 20 has null: what is not known is absent; ask has(user.externalId)',
  ],
  ['user.email && true', 'wrong_type at character 5 has a string at "&&", not true or false'],
  ['!user.email', 'wrong_type at character 6 has a string at "!", not true or false'],
  ['user.ageDays ? true : false', 'wrong_type at character 1 has an int before "?"'],
  ['(true ? 1 : "a") == 1', 'wrong_type at character 2 has an int or a string at "? :"'],
  [
    'user.ageDays * 1.5 > 2.0',
    'wrong_type at character 14 mixes int and double in "*": wrap the int in double(…), or write 2.0 for 2',
  ],
  [
    'action.attributes.amount * 2 > 100',
    'wrong_type at character 26 mixes a value of your own, whose numbers are doubles, with an int in "*": write 2.0 for 2, or double(…)',
  ],
  ['user.createdAt + 5 > now', 'wrong_type at character 16 has a timestamp + an int'],
  [
    'has(user)',
    'wrong_type at character 1 calls has() with something else than one value, like has(user.email)',
  ],
  [
    'has(history.signIns)',
    'wrong_type at character 1 asks has() for the group "history.signIns": name a value in it',
  ],
  ['user.email.domain == "a"', 'wrong_type at character 11 asks a string for "domain"'],
  [
    'user.email.matches("(?=a)")',
    'unreadable at character 20 calls matches(), but the pattern is not of RE2: invalid or unsupported Perl syntax: `(?=`',
  ],
  [
    'user.email.matches(user.id)',
    'wrong_type at character 24 calls matches() with what is only known later: write the text itself',
  ],
  [
    'inNetwork(ip.address, "10.0.0/8")',
    'unreadable at character 23 calls inNetwork(), but "10.0.0/8" is not a network like 10.0.0.0/8 or 2001:db8::/32',
  ],
  [
    'inNetwork(ip.address, "10.0.0.0/33")',
    'unreadable at character 23 calls inNetwork(), but "10.0.0.0/33" is not a network like 10.0.0.0/8 or 2001:db8::/32',
  ],
  [
    'now.getHours("Europe/Berln") > 3',
    'unreadable at character 14 calls getHours(), but "Europe/Berln" is not a time zone like Europe/Berlin or +02:00',
  ],
  [
    'now - user.createdAt > duration("1 day")',
    'unreadable at character 33 calls duration(), but "1 day" is not a duration like 90m or 24h',
  ],
  [
    'now > timestamp("yesterday")',
    'unreadable at character 17 calls timestamp(), but "yesterday" is not a timestamp like 2026-01-31T12:00:00Z',
  ],
  ['timestamp(1) < now', 'wrong_type at character 1 calls timestamp() with an int, which does not fit'],
  [
    'user.email in list("a b")',
    'unreadable at character 20 calls list(), but "a b" is not the name of a list',
  ],
  ['list("vip")[0] == "a"', 'wrong_type at character 12 asks a named list for […] by an int'],
  ['list("a") == list("b")', 'wrong_type at character 11 compares a named list == a named list'],
  ['[1] == [1]', 'wrong_type at character 5 compares a list == a list'],
  ['[[1]].size() == 1', 'wrong_type at character 2 puts a list into a list'],
  ['1 in [1, "a"]', 'wrong_type at character 10 has a list with entries of different types', 'x'],
  ['[1].exists(user, true)', 'wrong_type at character 4 calls the entry of a loop "user", which is taken'],
  [
    '[1].exists(x, [1].exists(x, true))',
    'wrong_type at character 18 calls the entry of a loop "x", which is taken',
  ],
  ['user.ageDays.exists(x, true)', 'wrong_type at character 13 goes through an int, which is not a list'],
  [
    '{"a": 1}.a == 1',
    'wrong_type at character 1 writes out a map or an object, which conditions do not have',
  ],
  [
    'google.protobuf.Timestamp{seconds: 1} == now',
    'wrong_type at character 1 writes out a map or an object, which conditions do not have',
  ],
  [
    'b"a" == b"a"',
    'wrong_type at character 1 has bytes or a uint',
    'wrong_type at character 9 has bytes or a uint',
  ],
  [
    '1u == 1u',
    'wrong_type at character 1 has bytes or a uint',
    'wrong_type at character 7 has bytes or a uint',
  ],
  ['type(1) == int', 'unknown_name at character 1 calls type(), which there is not', 'x'],
  ['dyn(user.email) == "a"', 'unknown_name at character 1 calls dyn(), which there is not'],
  ['device.known &&', 'unreadable at character 15 ends where something has to follow'],
  ['(device.known', 'unreadable at character 14 ends too early'],
  ['device.known = true', 'unreadable at character 14 cannot be read from "=" on'],
  ['device.known and true', 'unreadable at character 14 cannot be read from "and" on'],
  ['@result', 'unreadable at character 1 cannot be read from "@result" on'],
]

describe('a condition that is refused, and where', () => {
  test.each(REFUSED)('%s', (text, ...faults) => {
    const found = faultsOf(text)
    expect(found[0]).toBe(faults[0])
    if (faults[1] !== 'x') expect(found).toEqual(faults)
  })
})

test('each mistake is told, not the first alone', () => {
  expect(faultsOf('user.emial == "a" && ip.contry == "DE" && user.ageDays == "x"')).toEqual([
    'unknown_name at character 5 reads "user.emial", which there is not -> user.email',
    'unknown_name at character 24 reads "ip.contry", which there is not -> ip.country',
    'wrong_type at character 56 compares an int == a string',
  ])
})

test('names what it reads, and nothing else', () => {
  const { reads, lists } = compiled(
    'has(user.externalId) || user.email in list("vip") || action.attributes.a.b == 1.0 || "x" in user.metadata || action.attributes["c.d"] == "e" || now.getHours() > 22',
  )
  expect([...reads].sort()).toEqual([
    'action.attributes.a',
    'action.attributes.c.d',
    'now',
    'user.email',
    'user.externalId',
    'user.metadata',
  ])
  expect([...lists]).toEqual(['vip'])
})

const TYPED: Record<string, string> = {
  bool: '%',
  int: '% > 0',
  double: '% > 0',
  string: '% == "a"',
  timestamp: '% < timestamp("2026-01-01T00:00:00Z")',
  strings: '"a" in %',
  open: '%.a == "b"',
}

describe.each(variablePaths().filter(([path]) => path !== 'now'))('%s', (path, { type }) => {
  const text = (TYPED[type] ?? '').replace('%', path)
  test('can be read', () => {
    expect(faultsOf(text)).toEqual([])
  })
  test('errs where it is not known, and has() says so', () => {
    const missing = type === 'open' ? `${path}.a` : path
    for (const signals of [{}, absent(path)]) {
      expect(judged(text, signals)).toBe(`"${missing}" is not known`)
      expect(judged(`!(${text})`, signals)).toBe(`"${missing}" is not known`)
      expect(judged(`has(${missing})`, signals)).toBe('missed')
    }
  })
})

/** Signals in which the path is there and says nothing. */
function absent(path: string): Signals {
  return path.split('.').reduceRight<unknown>((inner, name) => ({ [name]: inner }), undefined) as Signals
}
