import { hash } from 'node:crypto'
import { serialize } from 'hono/utils/cookie'
import { type AtWork, findWork } from '../../core/actions/work.ts'
import type { Deps } from '../../core/deps.ts'
import type { Action } from '../../core/rows.ts'

/**
 * The working tokens of a browser's actions, on Ostiary's own pages: a cookie for each, so that tabs do not take each other's
 * (docs/decisions/0022). A page says which one it means by the action's id, which opens nothing without its cookie.
 */
export const ACTION_COOKIES = '__Host-ostiary-action-'

/** In which a page of ours names its action. */
export const ACTION_HEADER = 'Ostiary-Action'

/** About 110 bytes each in every request: far below what servers and proxies take. */
export const MAX_ACTION_COOKIES = 6

/** The cookies of a request, by name. */
export type Jar = Readonly<Record<string, string>>

interface Held {
  actionId: string
  token: string
  /** Tells again the opening token that this browser has traded; empty for what began here. */
  mark: string
}

/** A new action for this browser, and an end to those beyond what it may hold: ids begin with their time, so the oldest go. */
export function actionCookies(
  jar: Jar,
  { action, token }: { action: Action; token: string },
  now: number,
  openingToken?: string,
): string[] {
  const mark = openingToken === undefined ? '' : `.${markOf(openingToken)}`
  const older = heldActions(jar).filter(held => held.actionId !== action.id)
  return [
    cookie(action.id, token + mark, Math.max(0, Math.ceil((action.expiresAt - now) / 1000))),
    ...older.slice(MAX_ACTION_COOKIES - 1).map(held => cookie(held.actionId, '', 0)),
  ]
}

/** The actions of this browser, the latest first. */
export function heldActions(jar: Jar): Held[] {
  return Object.keys(jar)
    .filter(name => name.startsWith(ACTION_COOKIES))
    .sort()
    .reverse()
    .map(name => {
      const [token = '', mark = ''] = (jar[name] ?? '').split('.')
      return { actionId: `act_${name.slice(ACTION_COOKIES.length)}`, token, mark }
    })
}

/** The action that this browser holds by this id, or its latest where none is named; null where it holds none. */
export async function heldWork(
  deps: Deps,
  jar: Jar,
  actionId: string | null,
): Promise<Pick<AtWork, 'action' | 'challenge' | 'workingHash'> | null> {
  const held = heldActions(jar).find(one => actionId === null || one.actionId === actionId)
  const work = held ? await findWork(deps, held.token) : null
  return work?.action.id === held?.actionId ? work : null
}

/** Which of this browser's actions it opened by this token. */
export function openedBefore(jar: Jar, openingToken: string): string | null {
  const mark = markOf(openingToken)
  return heldActions(jar).find(held => held.mark === mark)?.actionId ?? null
}

// What is left of a used token: enough to tell it from others, and worth nothing.
const markOf = (openingToken: string) => hash('sha256', openingToken, 'base64url').slice(0, 16)

/** Lax: the person comes back to it by a link from their mail. */
const cookie = (actionId: string, value: string, maxAge: number) =>
  serialize(`${ACTION_COOKIES}${actionId.slice('act_'.length)}`, value, {
    path: '/',
    secure: true,
    httpOnly: true,
    sameSite: 'Lax',
    maxAge,
  })
