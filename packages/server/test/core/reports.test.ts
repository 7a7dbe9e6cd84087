import { expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { messageIdIn, reportDetail } from '../../src/core/messages/reports.ts'

const id = newId('msg', Date.UTC(2026, 10, 21))

test.each([
  [`<${id}@mail.acme.example>`, id],
  [` <${id}@mail.acme.example>\r\n`, id],
  [`${id}@mail.acme.example`, id],
  [id, id],
  [`<x-${id}@mail.acme.example>`, null],
  [`<${id.toUpperCase()}@x.example>`, null],
  [`<${id}@a@b>`, null],
  [`<${id}> <msg_other@x>`, null],
  [`<${id.slice(0, -1)}@x.example>`, null],
  [`<${id.replace('msg_', 'chl_')}@x.example>`, null],
  ['<010001988f@email.amazonses.com>', null],
  ['', null],
])('%j names our message: %j', (text, found) => {
  expect(messageIdIn(text)).toBe(found)
})

test.each([
  ['550 5.1.1 <mila@example.com>: user unknown', '550 5.1.1 <mila@example.com>: user unknown'],
  ['one\r\n\ttwo\0three', 'one two three'],
  ['Subject: 481920 is your code', 'Subject: [hidden] is your code'],
  ['code 12345 67890, or 1234567890', 'code [hidden], or [hidden]'],
  ['see https://x.example/l/olk_q5cXl0h1yX7c0Z0dPp9w3uVxKJm2nR4t', 'see https://x.example/l/[hidden]'],
  ['token=3Doht_q5cXl0h1yX7c0Z0dPp9w3=\r\nuVxKJm2nR4t', 'token=3D[hidden]'],
  ['ghost_of_a_chance 550 5.7.509', 'ghost_of_a_chance 550 5.7.509'],
  ['48=\r\n1920', '[hidden]'],
  ['half \ud800 of a pair', 'half \ufffd of a pair'],
  ['', null],
  ['\r\n', null],
])('the detail %j is kept as %j', (text, kept) => {
  expect(reportDetail(text)).toBe(kept)
})

test('a detail is cut, and its parts are joined', () => {
  expect(reportDetail('Permanent', null, undefined, '', 'no such user')).toBe('Permanent: no such user')
  expect(reportDetail('x'.repeat(5_000))).toHaveLength(500)
  expect(reportDetail(`${'x'.repeat(499)}😀`)?.isWellFormed()).toBe(true)
})
