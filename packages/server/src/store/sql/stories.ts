import { firstIdAt, instantOf } from '../../core/ids.ts'
import type { Listed, Page, Story } from '../../core/ports.ts'
import type { Event } from '../../core/rows.ts'
import { events } from './columns.ts'
import { type Condition, lookThrough, pageOf } from './pages.ts'
import type { Row, Transaction } from './transaction.ts'

/** Challenges of which one page is told. */
const CHALLENGES = 100
/** How many of an address, those that expire last, are looked at to find the newest: their index ends in the expiry. */
const LOOK = 2000
const SHORTEST_LIFE_MS = 60_000
const LONGEST_LIFE_MS = 61 * 60_000

interface Found {
  rows: Row[]
  /** Older events than this one were not looked at; null: all were. */
  lookedTo: string | null
}

/**
 * See `Store.listStory`. Each source is read by an index of its own and as far as its look goes; the page ends where the
 * first of them ended, so that nothing is left out between two pages. An event is made after its challenge and in the same
 * order of ids, so a challenge that is younger than the page has nothing to tell on it.
 */
export async function listStory(
  tx: Transaction,
  environmentId: string,
  story: Story,
  page: Page,
): Promise<Listed<Event>> {
  const sources: Found[] = []
  for (const read of sourcesOf(tx, environmentId, story, page)) sources.push(await read())
  const lookedTo = sources.reduce<string | null>(
    (newest, { lookedTo: one }) => (one !== null && (newest === null || one > newest) ? one : newest),
    null,
  )
  const rows = new Map(sources.flatMap(source => source.rows).map(row => [row.id as string, row]))
  const told = [...rows.values()]
    .filter(row => lookedTo === null || row.id >= lookedTo)
    .sort((one, other) => (one.id < other.id ? 1 : -1))
    .slice(0, page.limit)
  return { rows: told.map(events.read), lookedTo }
}

function sourcesOf(
  tx: Transaction,
  environmentId: string,
  story: Story,
  page: Page,
): (() => Promise<Found>)[] {
  if (story.kind === 'challenge')
    return [() => ofChallenges(tx, environmentId, [story.challengeId], [], page)]
  if (story.kind === 'action') return [() => ofAction(tx, environmentId, story.actionId, page)]
  const { userId, addresses } = story
  return [
    ...(userId === null
      ? []
      : [() => ofUser(tx, environmentId, userId, page), () => limitsOf(tx, environmentId, userId, page)]),
    ...addresses.flatMap(address => [
      () => ofAddress(tx, environmentId, address, userId, page),
      () => limitsOf(tx, environmentId, address, page),
    ]),
  ]
}

async function ofUser(tx: Transaction, environmentId: string, userId: string, page: Page): Promise<Found> {
  const own = await lookThrough(
    tx,
    'events',
    page,
    [
      ['environment_id = ?', environmentId],
      ['user_id = ?', userId],
    ],
    [],
  )
  // What was asked for by their id, and sent to wherever.
  const asked = await tx.all(
    `SELECT id, action_id FROM challenges WHERE environment_id = $1 AND user_id = $2 ${page.before === null ? '' : 'AND id < $3'}
     ORDER BY id DESC LIMIT ${CHALLENGES}`,
    environmentId,
    userId,
    ...(page.before === null ? [] : [asId('chl', page.before)]),
  )
  const more = await ofChallenges(tx, environmentId, ...idsOf(asked), page, userId)
  const end = asked.length === CHALLENGES ? asId('evt', asked.at(-1)?.id) : null
  return {
    rows: [...own.rows, ...more.rows],
    lookedTo: own.lookedTo !== null && (end === null || own.lookedTo > end) ? own.lookedTo : end,
  }
}

/**
 * The newest challenges to an address and what happened to them. Of a user: those that nobody else had proven or has
 * answered, for an address changes hands.
 */
async function ofAddress(
  tx: Transaction,
  environmentId: string,
  address: string,
  userId: string | null,
  page: Page,
): Promise<Found> {
  const before = page.before === null ? null : asId('chl', page.before)
  const looked = await tx.all(
    `SELECT id, action_id, owner_id, user_id, expires_at FROM challenges
     WHERE environment_id = $1 AND address = $2 AND expires_at <= $3 ORDER BY expires_at DESC LIMIT ${LOOK}`,
    environmentId,
    address,
    before === null ? Number.MAX_SAFE_INTEGER : instantOf(before) + LONGEST_LIFE_MS,
  )
  const isTheirs = (id: string | null) => userId === null || id === null || id === userId
  const found = looked
    .filter(row => before === null || row.id < before)
    .sort((one, other) => (one.id < other.id ? 1 : -1))
  const newest = found.slice(0, CHALLENGES)
  const theirs = newest.filter(row => isTheirs(row.owner_id) && isTheirs(row.user_id))
  const { rows } = await ofChallenges(tx, environmentId, ...idsOf(theirs), page, userId)
  if (found.length > CHALLENGES) return { rows, lookedTo: asId('evt', newest.at(-1)?.id) }
  if (looked.length < LOOK) return { rows, lookedTo: null }
  const end = firstIdAt('evt', Math.max(0, (looked.at(-1)?.expires_at ?? 0) - SHORTEST_LIFE_MS))
  return { rows, lookedTo: page.before === null || end < page.before ? end : null }
}

/** What happened to these challenges, and to the actions that they belong to. They are few, so they may be sorted. */
async function ofChallenges(
  tx: Transaction,
  environmentId: string,
  challengeIds: readonly string[],
  actionIds: readonly string[],
  page: Page,
  userId: string | null = null,
): Promise<Found> {
  const rows: Row[] = []
  for (const [column, ids] of [
    ['challenge_id', challengeIds],
    ['action_id', actionIds],
  ] as const) {
    if (ids.length === 0) continue
    const named = padded(ids)
    const [sql, ...values] = pageOf('events', page, [['environment_id = ?', environmentId]], { isFew: true })
    const list = named.map((_id, index) => `$${values.length + index + 1}`).join(', ')
    const theirs =
      userId === null ? '' : `AND (user_id IS NULL OR user_id = $${values.length + named.length + 1})`
    rows.push(
      ...(await tx.all(
        sql.replace('ORDER BY', `AND ${column} IN (${list}) ${theirs} ORDER BY`),
        ...values,
        ...named,
        ...(userId === null ? [] : [userId]),
      )),
    )
  }
  return { rows, lookedTo: null }
}

/** An action and what was sent for it: the report of a provider names the challenge alone. */
async function ofAction(
  tx: Transaction,
  environmentId: string,
  actionId: string,
  page: Page,
): Promise<Found> {
  const named = await tx.all(
    `SELECT DISTINCT challenge_id FROM (SELECT challenge_id FROM events WHERE environment_id = $1 AND action_id = $2
       ORDER BY id DESC LIMIT ${LOOK}) AS newest WHERE challenge_id IS NOT NULL`,
    environmentId,
    actionId,
  )
  const ids = named.map(row => row.challenge_id as string)
  return await ofChallenges(tx, environmentId, ids, [actionId], page)
}

/** Limits that refused sends to this address or user: the key of one is that, or begins with it (a network or device follows). */
async function limitsOf(tx: Transaction, environmentId: string, whose: string, page: Page): Promise<Found> {
  const isOfAddress: Condition = [
    `(data LIKE '%"' || ? || '"%' ESCAPE '!' OR data LIKE '%"' || ? || ' %' ESCAPE '!')`,
    whose.replaceAll(/[!%_]/g, '!$&'),
  ]
  return await lookThrough(
    tx,
    'events',
    page,
    [
      ['environment_id = ?', environmentId],
      ['type = ?', 'limit.fired'],
    ],
    [isOfAddress],
  )
}

const idsOf = (rows: readonly Row[]): [challengeIds: string[], actionIds: string[]] => [
  rows.map(row => row.id),
  [...new Set(rows.map(row => row.action_id).filter(id => id !== null))],
]

/** As many as a power of two, the last one repeated: each length is a prepared statement of its own. */
function padded(ids: readonly string[]): string[] {
  const length = 2 ** Math.ceil(Math.log2(ids.length))
  return Array.from({ length }, (_, index) => ids[index] ?? (ids.at(-1) as string))
}

/** The id of another kind that was made at the same moment. */
const asId = (prefix: 'chl' | 'evt', id: string) => `${prefix}_${id.slice(id.indexOf('_') + 1)}`
