import { copyFileSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { checkInvariants } from '../setup/invariants.ts'
import { testServer } from '../setup/server.ts'

const folder = mkdtempSync(join(tmpdir(), 'ostiary-invariants-'))
const file = join(folder, 'whole.db')
const secrets: string[] = []

/** A database in which everything stands that a rule speaks of. */
beforeAll(async () => {
  const server = await testServer()
  const { body } = await server.signIn('ada@x.test')
  secrets.push(server.key, body.tokens.refreshToken, body.tokens.accessToken)
  const { body: own } = await server.post('/v1/challenges', { to: 'device@x.test' })
  const { code: typed } = await server.message({ challengeId: own.id })
  const device = await server.post(`/v1/challenges/${own.id}/verify`, {
    code: typed,
    context: { userAgent: 'A browser' },
  })
  const { deviceToken } = device.body.tokens
  secrets.push(deviceToken)
  await server.post('/v1/challenges', { to: 'device@x.test', context: { deviceToken } })
  server.clock.advance(1000)
  await server.post('/v1/sessions/refresh', { refreshToken: body.tokens.refreshToken })
  const { body: other } = await server.post('/v1/users', { email: 'copy@x.test' })
  expect(other.id).toMatch(/^usr_/)
  const { body: wrong } = await server.post('/v1/challenges', { to: 'wrong@x.test' })
  const { code } = await server.message({ challengeId: wrong.id })
  secrets.push(code)
  for (const guess of ['000001', '000002', '000003'])
    await server.post(`/v1/challenges/${wrong.id}/verify`, { code: guess })
  await server.signIn('eve@x.test', { userMode: 'none', session: false })
  await server.call('POST', '/v1/challenges', { to: 'live@x.test' }, { key: server.liveKey })
  await server.ostiary.drain()
  await server.ostiary.stop()
  copyFileSync(await server.snapshot(), file)
  await server.stop().catch(() => {})
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('finds nothing where nothing is wrong', () => {
  expect(checkInvariants(file, { secrets })).toEqual([])
})

const SESSION = '(SELECT id FROM sessions LIMIT 1)'
const VERIFIED = "(SELECT id FROM challenges WHERE verified_at IS NOT NULL AND address = 'ada@x.test')"
const PENDING = "(SELECT id FROM challenges WHERE address = 'wrong@x.test')"
const LIVE_APP =
  "(SELECT apps.id FROM apps JOIN environments ON environments.id = environment_id WHERE slug = 'live')"
const LIVE = "(SELECT id FROM environments WHERE slug = 'live')"
const copyOf = (table: string, where: string, changes: Record<string, string>) =>
  `CREATE TEMP TABLE copy AS SELECT * FROM ${table} WHERE ${where} LIMIT 1;
   UPDATE copy SET ${Object.entries(changes)
     .map(([column, value]) => `${column} = ${value}`)
     .join(', ')};
   INSERT INTO ${table} SELECT * FROM copy;`

const BREAKS: [rule: string, sql: string][] = [
  ['every reference leads somewhere', `DELETE FROM users WHERE id IN (SELECT user_id FROM sessions)`],
  [
    'a challenge opens at most one session',
    copyOf('sessions', '1', { id: "'ses_second'", refresh_hash: "'second'" }),
  ],
  [
    'a challenge has at most one event of each effect',
    copyOf('events', "type = 'challenge.verified'", { id: "'evt_second'" }),
  ],
  [
    'a session is opened and revoked once',
    copyOf('events', "type = 'session.created'", { id: "'evt_second'", challenge_id: 'NULL' }),
  ],
  ['a lost answer is given again at most three times', 'UPDATE sessions SET repeats = 4'],
  [
    'a proven address leads to one user',
    "DROP INDEX identifiers_proven; UPDATE identifiers SET value = 'ada@x.test', verified_at = 1",
  ],
  ['a user that a proof made has an address', "DELETE FROM identifiers WHERE value = 'ada@x.test'"],
  [
    'wrong answers and successes stay within the attempts',
    `UPDATE challenges SET max_attempts = 2, attempts_left = 0`,
  ],
  [
    'a challenge of a known device is of somebody whom that device knows',
    `UPDATE challenges SET device_id = (SELECT id FROM devices) WHERE id = ${PENDING}`,
  ],
  ['a challenge of a known device is of somebody whom that device knows', 'DELETE FROM device_users'],
  [
    'an attempt is spent for each answer to a code',
    `UPDATE challenges SET attempts_left = 5 WHERE id = ${PENDING}`,
  ],
  ['counters stay within their bounds', `UPDATE challenges SET live_codes = 4 WHERE id = ${PENDING}`],
  [
    'a session has a proof event of its environment and user',
    "UPDATE sessions SET proof_event_id = (SELECT id FROM events WHERE type = 'session.created')",
  ],
  ['authTime is the instant of the proof', 'UPDATE sessions SET auth_time = auth_time + 1'],
  [
    'a verified challenge has its event, and the other way round',
    "DELETE FROM events WHERE type = 'challenge.verified'",
  ],
  [
    'a verified challenge has its event, and the other way round',
    `UPDATE challenges SET verified_at = NULL WHERE id = ${VERIFIED}`,
  ],
  ['a decoy never succeeds', `UPDATE challenges SET is_void = 1 WHERE id = ${VERIFIED}`],
  ['a challenge has its created event', "DELETE FROM events WHERE type = 'challenge.created'"],
  ['a challenge has a message for each send', `DELETE FROM messages WHERE challenge_id = ${PENDING}`],
  [
    'a message is sent or failed within its life and a minute',
    `UPDATE messages SET status = 'queued', expires_at = 1 WHERE challenge_id = ${PENDING}`,
  ],
  ['a message that ended has its event and reply', "DELETE FROM events WHERE type = 'message.sent'"],
  ['a message says when it was sent', 'UPDATE messages SET sent_at = NULL'],
  [
    'an event of sending belongs to a message',
    `UPDATE messages SET id = 'msg_other' WHERE challenge_id = ${PENDING}`,
  ],
  ['content is wiped when its message ends', 'UPDATE messages SET keep_sealed_until = NULL'],
  [
    'content is wiped when its message ends',
    `UPDATE messages SET status = 'failed' WHERE environment_id = ${LIVE}`,
  ],
  ['content is wiped when its message ends', 'UPDATE messages SET keep_sealed_until = 1'],
  ['no expiry lies later', `UPDATE challenges SET expires_at = created_at + 3600001 WHERE id = ${PENDING}`],
  [
    'no expiry lies later',
    `UPDATE challenges SET handover_expires_at = expires_at + 1 WHERE id = ${PENDING}`,
  ],
  ['no expiry lies later', 'UPDATE sessions SET refresh_expires_at = expires_at + 1'],
  ['no expiry lies later', 'UPDATE messages SET expires_at = expires_at + 1'],
  ['nothing is proven after its end', `UPDATE challenges SET ended_at = 1 WHERE id = ${VERIFIED}`],
  [
    'a hand-over is over when its challenge is',
    `UPDATE challenges SET handover_hash = 'h' WHERE id = ${VERIFIED}`,
  ],
  ['a session of a blocked user is revoked', "UPDATE users SET status = 'blocked'"],
  [
    'a session whose token was reused is revoked',
    copyOf('events', "type = 'session.created'", { id: "'evt_second'", type: "'session.refresh_reused'" }),
  ],
  [
    'no instant lies after the highest one committed',
    'UPDATE instance SET last_instant = last_instant - 1000',
  ],
  [
    'no unproven copy of an address is older than its proof',
    "UPDATE identifiers SET value = 'ada@x.test', created_at = 1 WHERE value = 'copy@x.test'",
  ],
  [
    'an adopted user has no unproven address',
    `${copyOf('events', "type = 'user.created'", {
      id: "'evt_second'",
      type: "'user.adopted'",
      created_at: 'created_at + 1',
      user_id: "(SELECT user_id FROM identifiers WHERE value = 'copy@x.test')",
    })}UPDATE identifiers SET created_at = 1`,
  ],
  [
    'an adopted user has no session',
    copyOf('events', "type = 'session.created'", {
      id: "'evt_second'",
      type: "'user.adopted'",
      created_at: 'created_at + 1',
    }),
  ],
  ['no row points across environments', `UPDATE challenges SET app_id = ${LIVE_APP} WHERE id = ${PENDING}`],
  ['no row points across environments', `UPDATE sessions SET environment_id = ${LIVE} WHERE id = ${SESSION}`],
  [
    'no row points across environments',
    `UPDATE messages SET environment_id = ${LIVE} WHERE challenge_id = ${PENDING}`,
  ],
  ['no row points across environments', `UPDATE identifiers SET environment_id = ${LIVE}`],
  [
    'no row points across environments',
    `UPDATE challenges SET owner_id = (SELECT id FROM users LIMIT 1), environment_id = ${LIVE}`,
  ],
  [
    'no row points across environments',
    `UPDATE events SET environment_id = ${LIVE} WHERE type = 'session.created'`,
  ],
  ['guesses are counted as exposure', 'UPDATE challenges SET exposure_spent = 0'],
  ['no token stands in clear', `UPDATE users SET name = 'olk_${'A'.repeat(43)}'`],
  ['no token stands in clear', `UPDATE users SET name = 'osk_test_${'A'.repeat(49)}'`],
]

it.each(BREAKS)('says so: %s (%#)', (rule, sql) => {
  expect(broken(sql)).toContainEqual(expect.stringContaining(rule))
})

it('says so when a planted code or token stands in the database or its log', () => {
  for (const secret of secrets)
    expect(broken(`UPDATE users SET name = 'code: ${secret}.'`)).toContainEqual(
      expect.stringContaining('no planted secret'),
    )
})

it('says so when more was guessed than the bounds allow, in an hour or in a day', () => {
  // Three guesses stand there; each copy of their events makes three more.
  const more = (
    hours: number,
  ) => `INSERT INTO events SELECT 'evt_zzz' || ${hours} || id, type, environment_id, app_id, actor_type,
    actor_id, user_id, challenge_id, action_id, session_id, organization_id, request_id, context, data,
    created_at + ${hours} * 3600000 FROM events WHERE type = 'challenge.attempt_failed' AND id NOT LIKE 'evt_zzz%';`
  expect(broken([0.1, 0.2].map(more).join(''))).not.toContainEqual(expect.stringContaining('in one hour'))
  expect(broken([0.1, 0.2, 0.3].map(more).join(''))).toContainEqual(expect.stringContaining('12 in one hour'))
  const spread = broken([2, 4, 6, 8, 10, 12].map(more).join(''))
  expect(spread).toContainEqual(expect.stringContaining('21 in one day'))
  expect(spread).not.toContainEqual(expect.stringContaining('in one hour'))
  expect(checkInvariants(file, { exposure: { hour: 2, day: 20 } })).toContainEqual(
    expect.stringContaining('3 in one hour'),
  )
})

/** What the checker says of a copy of the database after this was done to it. */
function broken(sql: string): string[] {
  const copy = join(folder, 'broken.db')
  for (const end of ['', '-wal', '-shm']) rmSync(copy + end, { force: true })
  copyFileSync(file, copy)
  const database = new DatabaseSync(copy)
  database.exec(`PRAGMA foreign_keys = OFF; ${sql}`)
  database.close()
  return checkInvariants(copy, { secrets })
}
