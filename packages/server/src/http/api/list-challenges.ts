import { z } from 'zod'
import { parseEmail } from '../../core/addresses/email.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage } from '../list.ts'
import { ChallengeBody, challengeBody, listOf } from '../wire.ts'
import * as fields from './fields.ts'

export const listChallengesEndpoint = endpoint({
  method: 'GET',
  path: '/v1/challenges',
  summary: 'List challenges',
  scopes: ['auth', 'read'],
  query: z.strictObject({
    ...pageQuery,
    to: z.string().max(320).optional(),
    userId: fields.id.optional(),
    purpose: fields.purpose.optional(),
    channel: z.enum(['email']).optional(),
    status: z.enum(['pending', 'verified', 'expired', 'exhausted']).optional(),
  }),
  status: 200,
  answer: listOf(ChallengeBody),
  errors: ['cursor_invalid'],
  act: ({ store, clock, epoch }, { view, query }) =>
    readPage(`challenges ${view.environment.id}`, query, page =>
      store.listChallenges(
        view.environment.id,
        {
          to: query.to === undefined ? null : (parseEmail(query.to)?.identity ?? query.to),
          userId: query.userId ?? null,
          purpose: query.purpose ?? null,
          channel: query.channel ?? null,
          status: query.status ?? null,
          now: clock.now(),
          epoch,
        },
        page,
      ),
    ),
  render: ({ rows, nextCursor }, _call, deps) => ({
    data: rows.map(row => challengeBody(row, deps)),
    nextCursor,
  }),
})
