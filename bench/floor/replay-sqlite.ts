import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { createBatches } from './batches.ts'
import type { Replay } from './replay.ts'
import { ADDRESS, type Cast, createRoles, DOMAIN, type Fill, type Roles } from './roles.ts'
import { isRead, type Step, type Tape, type Value } from './tape.ts'

interface Played {
  step: Step
  statement: StatementSync
  fills: Fill[]
}

/** @param hasReads whether the SELECTs of sign-ins are played too, or only what writes. */
export function openSqliteReplay(file: string, tape: Tape, hasReads: boolean): Replay {
  const database = new DatabaseSync(file, { timeout: 5000 })
  for (const pragma of tape.pragmas) database.exec(pragma)
  const roles = createRoles(tape)
  const prepareAll = (steps: Step[]) => steps.map(prepareStep)
  const prepare = (steps: Step[]) => prepareAll(steps.filter(step => hasReads || !isRead(step)))
  const prepareStep = (step: Step): Played => ({
    step,
    statement: database.prepare(step.sql),
    fills: step.values.map(roles.fillValue),
  })

  const send = roles.namesOf(() => prepare(tape.send))
  const claim = prepare(tape.claim)
  const settle = roles.namesOf(() => prepare(tape.settle.slice(0, -1)))
  const settled = roles.namesOf(() => manyRows(database, roles, tape.settle.at(-1)))
  const verify = roles.namesOf(() => prepare(tape.verify))
  const { sessionRole, userRole, challengeRole, messageRole } = rolesIn(tape, roles)
  const refresh = roles.namesOf(() => prepare(tape.refresh))
  const check = prepareAll(tape.check)
  const instant = tape.instant && prepareStep(tape.instant)
  const { write } = createBatches({
    exec: sql => database.exec(sql),
    stampInstant: now => instant && void play(instant, [], now),
  })

  return {
    send: address =>
      write(now => {
        const cast: Cast = [address, address.slice(address.indexOf('@') + 1)]
        send.giveNames(cast, now)
        for (const played of send.result) play(played, cast, now)
        return cast
      }),
    claim: () =>
      write(now => {
        const [update, ...reads] = claim
        const rows = update?.statement.all(...bound(update.fills, [], now)) ?? []
        return rows.map(row => {
          const cast: Cast = []
          cast[messageRole] = String(row.id)
          cast[challengeRole] = String(row.challenge_id)
          for (const read of reads) play(read, cast, now)
          return cast
        })
      }),
    settle: claimed =>
      write(now => {
        for (const cast of claimed) {
          settle.giveNames(cast, now)
          settled.giveNames(cast, now)
          for (const played of settle.result) play(played, cast, now)
        }
        settled.result(claimed, now)
      }),
    verify: challengeId =>
      write(now => {
        const cast: Cast = []
        cast[challengeRole] = challengeId
        verify.giveNames(cast, now)
        for (const played of verify.result) {
          const row = play(played, cast, now)
          if (isRead(played.step) || played.step.kind !== 'get') continue
          // The write that judges: it tells whose challenge this is.
          if (!row) return null
          cast[ADDRESS] = String(row.address)
          cast[DOMAIN] = cast[ADDRESS].slice(cast[ADDRESS].indexOf('@') + 1)
        }
        return cast
      }),
    refresh: sessionId =>
      write(now => {
        const cast: Cast = []
        cast[sessionRole] = sessionId
        refresh.giveNames(cast, now)
        for (const played of refresh.result) {
          const row = play(played, cast, now)
          if (isRead(played.step) || played.step.kind !== 'get') continue
          if (!row) return null
          cast[userRole] = String(row.user_id)
        }
        return cast
      }),
    async check(sessionId) {
      const cast: Cast = []
      cast[sessionRole] = sessionId
      for (const played of check) {
        const row = play(played, cast, Date.now())
        if (!row && played.step.row) return null
        if (row?.user_id) cast[userRole] ??= String(row.user_id)
      }
      return cast
    },
    fillText: roles.fillText,
  }
}

/** Who is who, by the answers; roles that the tape has named before. */
function rolesIn({ answers, settle }: Tape, { roleOf }: Roles) {
  const { session } = JSON.parse(answers.verified)
  return {
    challengeRole: roleOf(JSON.parse(answers.sent).id),
    messageRole: roleOf(String(settle[0]?.values[0])),
    sessionRole: roleOf(session.id),
    userRole: roleOf(session.userId),
  }
}

function play(
  { step, statement, fills }: Played,
  cast: Cast,
  now: number,
): Record<string, unknown> | undefined {
  const values = bound(fills, cast, now)
  if (step.kind === 'get') return statement.get(...values)
  if (step.kind === 'all') return statement.all(...values)[0]
  statement.run(...values)
  return undefined
}

type Bound = Exclude<Value, Value[] | boolean>

function bound(fills: readonly Fill[], cast: Cast, now: number): Bound[] {
  const values: Bound[] = []
  for (const fill of fills) values.push(fill(cast, now) as Bound)
  return values
}

/** An INSERT of one recorded row, as one statement for any number of them: so the server writes events too. */
function manyRows(database: DatabaseSync, { fillValue }: Roles, step: Step | undefined) {
  if (!step?.sql.startsWith('INSERT INTO events')) throw new Error('settling does not end with its events')
  const fills = step.values.map(fillValue)
  const head = step.sql.slice(0, step.sql.indexOf('VALUES') + 'VALUES'.length)
  const row = `(${fills.map(() => '?').join(', ')})`
  const statements: StatementSync[] = []
  return (casts: readonly Cast[], now: number) => {
    statements[casts.length] ??= database.prepare(`${head} ${casts.map(() => row).join(', ')}`)
    statements[casts.length]?.run(...casts.flatMap(cast => bound(fills, cast, now)))
  }
}
