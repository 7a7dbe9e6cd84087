import { z } from 'zod'
import { readStory, storyOfAddress, storyOfUser } from '../../core/stories/stories.ts'
import { identifierOf } from '../../core/users/users.ts'
import { endpoint } from '../endpoint.ts'
import { pageQuery, readPage } from '../list.ts'
import { listOf } from '../wire.ts'
import { LineBody, lineBody } from '../wire-stories.ts'

/** Timelines answer “why could I not sign in?”. They are for the operator and must not be relayed to visitors. */

export const userTimelineEndpoint = endpoint({
  method: 'GET',
  path: '/v1/users/{id}/timeline',
  summary: 'What happened to a user, in plain words, newest first',
  scopes: ['read'],
  query: z.strictObject(pageQuery),
  status: 200,
  answer: listOf(LineBody),
  errors: ['not_found', 'cursor_invalid'],
  async act(deps, { view, params, query }) {
    const story = await storyOfUser(deps, view, params.id ?? '')
    return await readPage(`timeline ${view.environment.id} ${params.id}`, query, page =>
      readStory(deps, view, story, page),
    )
  },
  render: ({ rows, nextCursor }) => ({ data: rows.map(lineBody), nextCursor }),
})

export const addressTimelineEndpoint = endpoint({
  method: 'GET',
  path: '/v1/timeline',
  summary: 'What happened to an address, whomever it leads to, newest first',
  scopes: ['read'],
  query: z.strictObject({ ...pageQuery, to: z.string().min(1).max(320) }),
  status: 200,
  answer: listOf(LineBody),
  errors: ['cursor_invalid'],
  async act(deps, { view, query }) {
    const type = query.to.includes('@') ? 'email' : 'phone'
    const { value } = await identifierOf(type, query.to, false, 0, 'to')
    return await readPage(`timeline ${view.environment.id}`, query, page =>
      readStory(deps, view, storyOfAddress(value), page),
    )
  },
  render: ({ rows, nextCursor }) => ({ data: rows.map(lineBody), nextCursor }),
})
