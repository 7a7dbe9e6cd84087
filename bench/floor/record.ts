import { AsyncLocalStorage } from 'node:async_hooks'
import { writeFileSync } from 'node:fs'
import { answerParent } from '../child.ts'
import type { Contest } from '../contest.ts'
import { FORETOLD_CODE } from '../ostiary/foretold.ts'
import { buildOstiary } from '../ostiary/server.ts'
import { isRead, type Step, type Tape, type Watch } from './tape.ts'
import { watchPostgres } from './watch-postgres.ts'
import { watchSqlite } from './watch-sqlite.ts'

/**
 * Makes a database with one sign-in in it, and the tape of that sign-in, of a refresh and of a check: the server runs in
 * this process, and each statement is written down.
 */

const ADDRESS = 'person-0000000000@mail-00.example'

const calls = new AsyncLocalStorage<string>()

async function record({ database, tape: file }: Contest): Promise<void> {
  const isSqlite = database.startsWith('sqlite:')
  const watch = isSqlite ? watchSqlite() : watchPostgres(calls)
  const at = Date.now()
  const { ostiary, secretKey } = await buildOstiary({ database, smtpUrl: null }, { clock: { now: () => at } })
  watch.operations.length = 0
  const post = (call: string, path: string, body: object) =>
    calls.run(call, async () => {
      const headers = { Authorization: `Bearer ${secretKey}`, 'Content-Type': 'application/json' }
      const init = { method: 'POST', headers, body: JSON.stringify(body) }
      const response = await ostiary.fetch(new Request(`http://localhost:4545${path}`, init))
      if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
      return await response.text()
    })
  // What a process learns once, such as whose the key is, belongs to no sign-in.
  await post('first', '/v1/sessions/verify', { accessToken: 'none' })
  ostiary.start()
  const sent = await post('send', '/v1/challenges', { to: ADDRESS })
  await ostiary.drain()
  const verified = await post('verify', `/v1/challenges/${JSON.parse(sent).id}/verify`, {
    code: FORETOLD_CODE,
  })
  const { refreshToken, accessToken } = JSON.parse(verified).tokens
  const from = watch.operations.length
  const checked = await post('check', '/v1/sessions/verify', { accessToken })
  const reads = watch.operations.slice(from).flatMap(({ steps }) => steps)
  const refreshed = await post('refresh', '/v1/sessions/refresh', { refreshToken })
  const { tokenHash } = ostiary.deps.keyring
  await ostiary.stop()

  const stepsOf = (call: string, start: string) => callOf(watch, call) ?? operationOf(watch, start)
  const refresh = stepsOf('refresh', 'UPDATE sessions SET refresh_hash')
  const successor = JSON.parse(refreshed).tokens.refreshToken
  const tape: Tape = {
    pragmas: watch.pragmas,
    instant: watch.instant(),
    send: stepsOf('send', 'INSERT INTO challenges'),
    claim: operationOf(watch, 'UPDATE messages SET leased_until'),
    settle: operationOf(watch, isSqlite ? 'UPDATE messages SET status' : 'ostiary_settle'),
    verify: stepsOf('verify', 'INSERT INTO sessions'),
    // The hash stays the same, so that any session can be refreshed any number of times.
    refresh: replaced(refresh, tokenHash(successor), tokenHash(refreshToken)),
    // All that a check does is read, also where it is one call of a function.
    check: callOf(watch, 'check') ?? reads.filter(isRead),
    answers: { sent, verified, refreshed, checked },
    at,
    address: ADDRESS,
  }
  writeFileSync(file, JSON.stringify(tape))
}

/** All that one call sent, where the driver knows whose a statement is. */
function callOf({ operations }: Watch, call: string): Step[] | null {
  const found = operations.filter(operation => operation.call === call).flatMap(({ steps }) => steps)
  return found.length > 0 ? found : null
}

/** The operation in which such a statement gave a row, or was one that gives none; after a single sign-in there is exactly one. */
function operationOf({ operations }: Watch, start: string): Step[] {
  const found = operations.filter(({ steps }) =>
    steps.some(({ sql, kind, row }) => sql.includes(start) && (kind === 'run' || row)),
  )
  if (found.length !== 1) throw new Error(`${found.length} operations with "${start}" instead of 1`)
  return found[0]?.steps ?? []
}

const replaced = (steps: Step[], text: string, by: string): Step[] =>
  JSON.parse(JSON.stringify(steps).replaceAll(text, by))

answerParent({ start: record })
