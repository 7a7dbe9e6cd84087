import { z } from 'zod'
import { eventBody } from '../../core/events/body.ts'
import { EVENT_TYPES } from '../../core/rows.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage } from '../list.ts'
import { EventBody, listOf } from '../wire.ts'
import * as fields from './fields.ts'

export const listEventsEndpoint = endpoint({
  method: 'GET',
  path: '/v1/events',
  summary: 'List events',
  scopes: ['read'],
  query: z.strictObject({
    ...pageQuery,
    type: z.enum(EVENT_TYPES).optional(),
    userId: fields.id.optional(),
    challengeId: fields.id.optional(),
    actionId: fields.id.optional(),
    sessionId: fields.id.optional(),
  }),
  status: 200,
  answer: listOf(EventBody),
  errors: ['cursor_invalid'],
  act: ({ store }, { view, query }) =>
    readPage(`events ${view.environment.id}`, query, page =>
      store.listEvents(
        view.environment.id,
        {
          type: query.type ?? null,
          userId: query.userId ?? null,
          challengeId: query.challengeId ?? null,
          actionId: query.actionId ?? null,
          sessionId: query.sessionId ?? null,
        },
        page,
      ),
    ),
  render: ({ rows, nextCursor }) => ({ data: rows.map(eventBody), nextCursor }),
})
