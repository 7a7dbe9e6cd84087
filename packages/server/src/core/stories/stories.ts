import { type Deps, refuse } from '../deps.ts'
import type { EnvironmentView } from '../environments/directory.ts'
import type { Listed, Page, Story } from '../ports.ts'
import type { User } from '../rows.ts'
import { type Line, lineOf } from './lines.ts'

/**
 * Stories tell the truth, decoys included: they are for whoever helps people, and must not be relayed to visitors. None holds
 * a code, a link or a token: events never do.
 */

/** A page of a story as lines, newest first; `id` is that of the event, for lists. */
export async function readStory(
  { store }: Pick<Deps, 'store'>,
  { environment }: EnvironmentView,
  story: Story,
  page: Page,
): Promise<Listed<Line & { id: string }>> {
  const { rows, lookedTo } = await store.listStory(environment.id, story, page)
  return { rows: rows.map(event => ({ ...lineOf(event), id: event.id })), lookedTo }
}

const WHOLE = 200

/** The newest lines of a challenge or an action, oldest first: both are short, for attempts, sends and openings are. */
export async function wholeStory(
  deps: Pick<Deps, 'store'>,
  view: EnvironmentView,
  story: Story,
): Promise<Line[]> {
  const page = { limit: WHOLE, before: null, createdAfter: null, createdBefore: null }
  return (await readStory(deps, view, story, page)).rows.reverse()
}

/** The story of a user: theirs by id, and by each address that they have proven. Refusal: `not_found`. */
export async function storyOfUser(
  { store }: Pick<Deps, 'store'>,
  { environment }: EnvironmentView,
  userId: string,
): Promise<Story> {
  const user = await store.findUser(environment.id, userId)
  return user ? storyOf(user) : refuse('not_found')
}

/** An address that was never proven leads to nobody: what was sent there may be about anybody. */
export const storyOf = (user: Pick<User, 'id' | 'identifiers'>): Story => ({
  kind: 'person',
  userId: user.id,
  addresses: user.identifiers.filter(one => one.verifiedAt !== null).map(one => one.value),
})

/** The story of an address, whomever it leads to. */
export const storyOfAddress = (address: string): Story => ({
  kind: 'person',
  userId: null,
  addresses: [address],
})
