import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { ADDRESS, type Cast, createRoles, DOMAIN, type Fill, isRead, type Roles } from './roles.ts'
import type { Step, Tape, Value } from './tape.ts'

/** A recorded database, on which the operations of its tape can be played again. Each runs in an open transaction. */
export interface Replay {
  send(address: string, now: number): Cast
  /** Claims at most as many messages as the recorded server did; null when none is due. */
  claim(now: number): Cast[]
  settle(claimed: readonly Cast[], now: number): void
  /** Null when the challenge is unknown, or answered before. */
  verify(challengeId: string, now: number): Cast | null
  /** A recorded text that mentions roles, to be filled. */
  fillText(text: string): Fill<string>
  exec(sql: string): void
  /** What the server writes before each COMMIT. */
  stampInstant(now: number): void
}

interface Played {
  step: Step
  statement: StatementSync
  fills: Fill[]
}

/** @param hasReads whether the SELECTs of the server are played too, or only what writes. */
export function openReplay(file: string, tape: Tape, hasReads: boolean): Replay {
  const database = new DatabaseSync(file, { timeout: 5000 })
  for (const pragma of tape.pragmas) database.exec(pragma)
  const roles = createRoles(tape)
  const prepare = (steps: Step[]) => steps.filter(step => hasReads || !isRead(step)).map(prepareStep)
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
  const challengeRole = roles.roleOf(JSON.parse(tape.sent).id)
  const messageRole = roles.roleOf(String(tape.settle[0]?.values[0]))
  const instant = prepareStep(tape.instant)

  return {
    send(address, now) {
      const cast: Cast = [address, address.slice(address.indexOf('@') + 1)]
      send.giveNames(cast, now)
      for (const played of send.result) play(played, cast, now)
      return cast
    },
    claim(now) {
      const [update, ...reads] = claim
      const rows = update?.statement.all(...update.fills.map(fill => fill([], now))) ?? []
      return rows.map(row => {
        const cast: Cast = []
        cast[messageRole] = String(row.id)
        cast[challengeRole] = String(row.challenge_id)
        for (const read of reads) play(read, cast, now)
        return cast
      })
    },
    settle(claimed, now) {
      for (const cast of claimed) {
        settle.giveNames(cast, now)
        settled.giveNames(cast, now)
        for (const played of settle.result) play(played, cast, now)
      }
      settled.result(claimed, now)
    },
    verify(challengeId, now) {
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
    },
    fillText: roles.fillText,
    exec: sql => database.exec(sql),
    stampInstant: now => void play(instant, [], now),
  }
}

function play(
  { step, statement, fills }: Played,
  cast: Cast,
  now: number,
): Record<string, unknown> | undefined {
  const values: Value[] = []
  for (const fill of fills) values.push(fill(cast, now))
  if (step.kind === 'run') statement.run(...values)
  else if (step.kind === 'get') return statement.get(...values)
  else statement.all(...values)
  return undefined
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
    statements[casts.length]?.run(...casts.flatMap(cast => fills.map(fill => fill(cast, now))))
  }
}
