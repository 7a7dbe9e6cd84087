import { Pool, type PoolClient } from 'pg'
import type { Replay } from './replay.ts'
import { type Cast, createRoles, DOMAIN, type Fill } from './roles.ts'
import { isRead, type Step, type Tape } from './tape.ts'

interface Played {
  /** Null for a script. */
  name: string | null
  text: string
  fills: Fill[]
  /** Where in its rows a role stood when it was recorded: that tells who plays it now. */
  told: { path: string[]; role: number }[]
}

type Row = Record<string, unknown>

/**
 * Plays the statements in the order, and in the transactions, in which they were sent, on as many connections as the
 * driver has by default. Each has a name, so that it is parsed once for each connection.
 *
 * @param hasReads whether the SELECTs of sign-ins are played too, or only what writes.
 */
export function openPostgresReplay(url: string, tape: Tape, hasReads: boolean): Replay {
  const pool = new Pool({ connectionString: url })
  pool.on('error', () => {})
  const roles = createRoles(tape)
  const names = new Map<string, string>()
  const nameOf = (text: string) => {
    const name = names.get(text) ?? `floor_${names.size}`
    names.set(text, name)
    return name
  }
  const prepareStep = ({ sql, kind, values, row = {} }: Step): Played => ({
    name: kind === 'script' ? null : nameOf(sql),
    text: sql,
    fills: values.map(roles.fillValue),
    told: rolesIn(row, roles.known),
  })
  const prepareAll = (steps: Step[]) => steps.map(prepareStep)
  const prepare = (steps: Step[]) => prepareAll(steps.filter(step => hasReads || !isRead(step)))

  const send = roles.namesOf(() => prepare(tape.send))
  const challengeRole = roles.roleOf(JSON.parse(tape.answers.sent).id)
  const claim = prepare(tape.claim)
  const settle = roles.namesOf(() => prepare(tape.settle))
  const events = settle.result.find(({ text }) => text.startsWith('INSERT INTO events'))
  const verify = roles.namesOf(() => prepare(tape.verify))
  const sessionRole = roles.roleOf(JSON.parse(tape.answers.verified).session.id)
  const refresh = roles.namesOf(() => prepare(tape.refresh))
  const check = prepareAll(tape.check)

  /** The rows of the statement that gave the most; none when it did not go as it was recorded. */
  async function play(steps: readonly Played[], cast: Cast, now: number): Promise<Row[]> {
    // One statement is its own transaction, and needs no connection of its own.
    if (steps.length === 1) return await playOn(pool, steps, cast, now)
    return await withClient(client => playOn(client, steps, cast, now))
  }

  async function withClient<T>(task: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await pool.connect()
    try {
      return await task(client)
    } finally {
      client.release()
    }
  }

  async function playFor(part: typeof send, cast: Cast): Promise<Cast | null> {
    const now = Date.now()
    part.giveNames(cast, now)
    return (await play(part.result, cast, now)).length > 0 ? cast : null
  }

  /** One call with the outcomes of all: so the server settles too. */
  async function settleAtOnce(
    { name, text, fills }: Played,
    claimed: readonly Cast[],
    now: number,
  ): Promise<void> {
    const inputs = claimed.map(cast => {
      settle.giveNames(cast, now)
      return JSON.parse(String(fills[0]?.(cast, now)))
    })
    const input = { ...inputs[0], outcomes: inputs.flatMap(({ outcomes }) => outcomes) }
    await pool.query({ name: name ?? nameOf(text), text, values: [JSON.stringify(input)] })
  }

  async function settleOn(client: PoolClient, claimed: readonly Cast[], now: number): Promise<void> {
    const [begin, commit] = [settle.result.slice(0, 1), settle.result.slice(-1)]
    const each = settle.result.slice(1, -1).filter(step => step !== events)
    await playOn(client, begin, [], now)
    for (const cast of claimed) {
      settle.giveNames(cast, now)
      await playOn(client, each, cast, now)
    }
    if (events) await insertMany(client, events, claimed, now)
    await playOn(client, commit, [], now)
  }

  /** An INSERT of one recorded row, as one statement for any number of them: so the server writes events too. */
  async function insertMany(
    client: PoolClient,
    { text, fills }: Played,
    casts: readonly Cast[],
    now: number,
  ) {
    const head = text.slice(0, text.indexOf('VALUES') + 'VALUES'.length)
    const places = casts.map(
      (_, row) => `(${fills.map((_, column) => `$${row * fills.length + column + 1}`).join(', ')})`,
    )
    const many = `${head} ${places.join(', ')}`
    const values = casts.flatMap(cast => fills.map(fill => fill(cast, now)))
    await client.query({ name: nameOf(many), text: many, values })
  }

  return {
    async send(address) {
      const cast = [address, address.slice(address.indexOf('@') + 1)]
      if (!(await playFor(send, cast))) throw new Error('the challenge was not made')
      return cast
    },
    verify: challengeId => playFor(verify, castOf(challengeRole, challengeId)),
    refresh: sessionId => playFor(refresh, castOf(sessionRole, sessionId)),
    async check(sessionId) {
      const cast = castOf(sessionRole, sessionId)
      return (await play(check, cast, Date.now())).length > 0 ? cast : null
    },
    async claim() {
      const told = claim.flatMap(step => step.told)
      const rows = await play(claim, [], Date.now())
      return rows.map(row => {
        const cast: Cast = []
        learn(cast, told, row)
        return cast
      })
    },
    settle: claimed => {
      const [only, ...more] = settle.result
      return only && more.length === 0
        ? settleAtOnce(only, claimed, Date.now())
        : withClient(client => settleOn(client, claimed, Date.now()))
    },
    fillText: roles.fillText,
  }
}

async function playOn(
  on: Pool | PoolClient,
  steps: readonly Played[],
  cast: Cast,
  now: number,
): Promise<Row[]> {
  let most: Row[] = []
  let isAlike = true
  for (const { name, text, fills, told } of steps) {
    const values = fills.map(fill => fill(cast, now))
    // A script of several statements has no rows that tell anything.
    const { rows = [] } = await (name === null ? on.query(text) : on.query({ name, text, values }))
    if (rows.length > most.length) most = rows
    isAlike = learn(cast, told, rows[0] ?? {}) && isAlike
  }
  return isAlike ? most : []
}

/** The paths to values that are names, also within JSON. */
function rolesIn(
  value: unknown,
  known: (value: unknown) => number | null,
  path: string[] = [],
): Played['told'] {
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, inner]) => rolesIn(inner, known, [...path, name]))
  const role = known(value)
  return role === null ? [] : [{ path, role }]
}

/** Whether names stand wherever they stood when it was recorded: a refusal has none. */
function learn(cast: Cast, told: Played['told'], row: Row): boolean {
  let isAlike = true
  for (const { path, role } of told) {
    const value = path.reduce<unknown>((inner, name) => (inner as Row | null | undefined)?.[name], row)
    if (typeof value === 'string') cast[role] = value
    else isAlike = false
  }
  const [address] = cast
  if (address !== undefined) cast[DOMAIN] = address.slice(address.indexOf('@') + 1)
  return isAlike
}

function castOf(role: number, name: string): Cast {
  const cast: Cast = []
  cast[role] = name
  return cast
}
