import { z } from 'zod'
import type { Chance } from '../test/crash/chance.ts'

/** The part of JSON Schema that our validators come out as. */
export interface Shape {
  type?: string
  properties?: Record<string, Shape>
  required?: string[]
  items?: Shape
  anyOf?: Shape[]
  enum?: unknown[]
  const?: unknown
  minimum?: number
  maximum?: number
  additionalProperties?: Shape | boolean
}

export function shapeOf(schema: z.ZodType | undefined): Shape {
  if (!schema) return {}
  // A registry of its own: schemas that have an id elsewhere would come out as references, which have no properties.
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any', metadata: z.registry() }) as Shape
}

/** Things that the server made, by the names of the fields that take them. */
export type Pool = Record<string, string[]>

const pick = <T>(chance: Chance, list: readonly T[]): T => list[chance.between(0, list.length)] as T

const LONG = 'x'.repeat(3000)
const HOSTILE: readonly unknown[] = [
  ...['', ' ', '\0', '\ud800', 'a\udfff', '\u202e', '😀', 'é'.normalize('NFD'), LONG, '../../etc/passwd'],
  ...[
    '%00',
    "' OR 1=1 --",
    '#{7*7}',
    '<script>',
    '__proto__',
    'constructor',
    '=cmd()',
    '\r\nX: 1',
    '-1',
    '1e999',
  ],
  ...[0, -0, -1, 1e308, -1e308, 2 ** 53, 0.1, 2 ** 31, 2 ** 63],
  ...[true, false, null, [], {}, [[]], { a: { b: {} } }, [null, null], { __proto__: null }],
  ...[
    'osk_test_x',
    'opk_live_x',
    'olk_',
    'oht_x',
    'ort_',
    'eyJ.eyJ.x',
    'http://localhost:9/%2e%2e/x#y',
    'javascript:1',
  ],
  ...[
    'a@b',
    'a@[::1]',
    '"a b"@example.com',
    'a@xn--.com',
    'ä@example.com',
    `${LONG}@example.com`,
    '+4917012345678901',
  ],
  ...['9999-12-31T23:59:59.999Z', '0000-00-00', '::ffff:1.2.3.4', '999.1.1.1', 'fe80::1%eth0'],
]

/** A value of this shape; strings are what the field's name asks for, as far as it is known. */
export function sampleOf(shape: Shape, name: string, pool: Pool, chance: Chance): unknown {
  const known = pool[name]
  if (known && chance.is(0.8)) return pick(chance, known)
  if (shape.const !== undefined) return shape.const
  if (shape.enum) return pick(chance, shape.enum)
  if (shape.anyOf) return sampleOf(pick(chance, shape.anyOf), name, pool, chance)
  if (shape.type === 'object' || shape.properties) {
    // Few fields fit together more often than many, and those that are known best of all.
    const share = pick(chance, [0, 0.1, 0.4])
    const entries = Object.entries(shape.properties ?? {}).filter(([key]) =>
      chance.is(shape.required?.includes(key) ? 0.95 : share === 0 ? (pool[key] ? 0.4 : 0) : share),
    )
    const own = entries.map(([key, inner]) => [key, sampleOf(inner, key, pool, chance)])
    if (typeof shape.additionalProperties === 'object')
      own.push([`k${chance.between(0, 9)}`, sampleOf(shape.additionalProperties, '', pool, chance)])
    return Object.fromEntries(own)
  }
  if (shape.type === 'array')
    return Array.from({ length: chance.between(0, 4) }, () => sampleOf(shape.items ?? {}, name, pool, chance))
  if (shape.type === 'integer' || shape.type === 'number')
    return chance.between(shape.minimum ?? 0, Math.min(shape.maximum ?? 100, 1e6) + 1)
  if (shape.type === 'boolean') return chance.is(0.5)
  if (shape.type === 'string')
    return pick(chance, ['a', 'signIn', 'de', 'https://app.example/cb', '123456', LONG.slice(0, 60)])
  return pick(chance, HOSTILE)
}

/** The value with one part of it made hostile. */
export function mutated(value: unknown, chance: Chance): unknown {
  if (typeof value !== 'object' || value === null || chance.is(0.1)) return pick(chance, HOSTILE)
  const entries = Object.entries(value)
  const how = chance.between(0, 6)
  if (how === 0 || entries.length === 0)
    entries.push([pick(chance, ['__proto__', 'x', '', 'TO', 'to ', LONG]), pick(chance, HOSTILE)])
  else if (how === 1) entries.splice(chance.between(0, entries.length), 1)
  else {
    const at = chance.between(0, entries.length)
    const [key, inner] = entries[at] as [string, unknown]
    entries[at] = [key, how === 2 ? nested(chance.between(1, 40)) : mutated(inner, chance)]
  }
  if (Array.isArray(value)) return entries.map(([, inner]) => inner)
  const made: Record<string, unknown> = {}
  for (const [key, inner] of entries)
    Object.defineProperty(made, key, { value: inner, enumerable: true, configurable: true, writable: true })
  return made
}

function nested(depth: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value }
  return value
}

const TEXTS: readonly string[] = [
  '[',
  '{"a":',
  'null',
  '[]',
  '"text"',
  '1e400',
  '-',
  '{"to":"a@example.com","to":"b@example.com"}',
  '\ufeff{}',
  '{}x',
  '['.repeat(30_000),
  `${'{"a":'.repeat(9000)}1${'}'.repeat(9000)}`,
  `[${'1,'.repeat(20_000)}1]`,
  `{"to":${'9'.repeat(30_000)}}`,
  `{${Array.from({ length: 4000 }, (_, index) => `"k${index}":1`).join(',')}}`,
  `{"to":"${'\\u0000'.repeat(5000)}"}`,
  `{"to":"${'a'.repeat(60_000)}"}`,
  `{"to":"${'@'.repeat(60_000)}"}`,
  `{"to":"${'a.'.repeat(20_000)}@example.com"}`,
  `{"${'x'.repeat(60_000)}":1}`,
  `{"code":"${' -'.repeat(30_000)}"}`,
  `{"linkToken":"${'olk_'.repeat(15_000)}"}`,
  `{"accessToken":"${'a.'.repeat(30_000)}"}`,
  `{"metadata":${'{"a":'.repeat(15)}1${'}'.repeat(15)}}`,
]

/** The bytes of a body: mostly JSON of the value, else damaged, or no JSON at all. */
export function bytesOf(value: unknown, chance: Chance): Buffer {
  if (chance.is(0.06)) return Buffer.from(pick(chance, TEXTS))
  const bytes = Buffer.from(JSON.stringify(value) ?? '')
  if (chance.is(0.9) || bytes.length === 0) return bytes
  const at = chance.between(0, bytes.length)
  const how = chance.between(0, 4)
  if (how === 0) return bytes.subarray(0, at)
  const put =
    how === 1
      ? Buffer.from([0xff, 0xc0, 0x80])
      : how === 2
        ? Buffer.from([0])
        : Buffer.from([0xed, 0xa0, 0x80])
  return Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at)])
}

/** A text with a few of its characters changed, cut or doubled. */
export function damaged(text: string, chance: Chance): string {
  if (text === '') return pick(chance, ['%', '\\', '//'])
  const at = chance.between(0, text.length)
  const put = pick(chance, [
    '%',
    '%00',
    '%zz',
    '%2f',
    '%2e%2e/',
    '/',
    '//',
    '.',
    '..;/',
    '\\',
    '?',
    '#',
    ';',
    '*',
    ':',
    'A',
    '%F0%9F',
    '&',
    '=',
    '%25',
    '~',
    `${'a'.repeat(2000)}`,
  ])
  const how = chance.between(0, 3)
  if (how === 0) return text.slice(0, at)
  return text.slice(0, at) + put + text.slice(how === 1 ? at : at + 1)
}
