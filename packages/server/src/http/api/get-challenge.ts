import { z } from 'zod'
import { refuse } from '../../core/deps.ts'
import { endpoint } from '../endpoint.ts'
import { ChallengeBody, challengeBody, Instant, iso } from '../wire.ts'

const TIMELINE_LIMIT = 100

const Timeline = z.array(
  z.object({
    type: z.string(),
    createdAt: Instant,
    context: z.object({ ipAddress: z.string().nullable(), userAgent: z.string().nullable() }).nullable(),
    data: z.record(z.string(), z.json()),
  }),
)

/** The timeline tells the truth, decoys included: it is for the operator and must not be relayed to visitors. */
export const getChallengeEndpoint = endpoint({
  method: 'GET',
  path: '/v1/challenges/{id}',
  summary: 'A challenge with its timeline, oldest first',
  scopes: ['auth', 'read'],
  status: 200,
  answer: ChallengeBody.extend({ timeline: Timeline }).meta({ id: 'ChallengeWithTimeline' }),
  errors: ['not_found'],
  async act({ store }, { view, params }) {
    const challengeId = params.id ?? ''
    const challenge = await store.findChallenge(view.environment.id, challengeId)
    if (!challenge) return refuse('not_found')
    const filter = { type: null, userId: null, challengeId, actionId: null, sessionId: null }
    const { rows } = await store.listEvents(view.environment.id, filter, {
      limit: TIMELINE_LIMIT,
      before: null,
      createdAfter: null,
      createdBefore: null,
    })
    return { challenge, events: rows.reverse() }
  },
  render: ({ challenge, events }, _call, deps) => ({
    ...challengeBody(challenge, deps),
    timeline: events.map(({ type, createdAt, context, data }) => ({
      type,
      createdAt: iso(createdAt),
      context,
      data,
    })),
  }),
})
