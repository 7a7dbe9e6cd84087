import { createHash } from 'node:crypto'
import { z } from 'zod'
import { OstiaryError } from '../core/errors.ts'
import type { Listed, Page } from '../core/ports.ts'

const instant = z.iso.datetime({ offset: true }).transform(text => Date.parse(text))

/** The query of every list (CONTRACT section 1); spread it beside the list's own filters. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(100).default(25),
  cursor: z.string().max(200).optional(),
  createdAfter: instant.optional(),
  createdBefore: instant.optional(),
}

interface ListQuery {
  limit: number
  cursor?: string | undefined
  createdAfter?: number | undefined
  createdBefore?: number | undefined
}

export interface ListPage<T> {
  rows: T[]
  nextCursor: string | null
}

/**
 * Reads one page. The cursor names the row where the page before ended, or where its look ended, and is bound to the
 * list and its filters: with others it is `cursor_invalid`. One row more than asked for tells whether there is a next
 * page; a page whose look was bounded may be short, even empty, and still have a next one.
 */
export async function readPage<T extends { id: string }>(
  scope: string,
  query: ListQuery,
  read: (page: Page) => Promise<Listed<T>>,
): Promise<ListPage<T>> {
  const { limit, cursor, ...filters } = query
  const seal = (id: string) =>
    createHash('sha256')
      .update(`${scope}\n${JSON.stringify(filters)}\n${id}`)
      .digest('base64url')
      .slice(0, 16)
  const before = cursor === undefined ? null : Buffer.from(cursor, 'base64url').toString()
  // One spelling: Buffer skips what is not base64url, and a damaged cursor must not pass for a whole one.
  const isWhole = before !== null && Buffer.from(before).toString('base64url') === cursor
  if (before !== null && !(isWhole && before.slice(-16) === seal(before.slice(0, -16))))
    throw new OstiaryError('cursor_invalid')
  const { rows, lookedTo } = await read({
    limit: limit + 1,
    before: before === null ? null : before.slice(0, -16),
    createdAfter: query.createdAfter ?? null,
    createdBefore: query.createdBefore ?? null,
  })
  const last = rows.length > limit ? (rows[limit - 1]?.id ?? null) : lookedTo
  return {
    rows: rows.slice(0, limit),
    nextCursor: last === null ? null : Buffer.from(last + seal(last)).toString('base64url'),
  }
}

/** A list whose index fits: all of it was looked at. */
export const whole = <T>(rows: T[]): Listed<T> => ({ rows, lookedTo: null })
