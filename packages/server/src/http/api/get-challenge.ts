import { refuse } from '../../core/deps.ts'
import { wholeStory } from '../../core/stories/stories.ts'
import { endpoint } from '../endpoint.ts'
import { ChallengeBody, challengeBody } from '../wire.ts'
import { lineBody, TimelineBody } from '../wire-stories.ts'

/** The timeline tells the truth, decoys included: it is for the operator and must not be relayed to visitors. */
export const getChallengeEndpoint = endpoint({
  method: 'GET',
  path: '/v1/challenges/{id}',
  summary: 'A challenge with its timeline, oldest first',
  scopes: ['auth', 'read'],
  status: 200,
  answer: ChallengeBody.extend({ timeline: TimelineBody }).meta({ id: 'ChallengeWithTimeline' }),
  errors: ['not_found'],
  async act(deps, { view, params }) {
    const challengeId = params.id ?? ''
    const challenge = await deps.store.findChallenge(view.environment.id, challengeId)
    if (!challenge) return refuse('not_found')
    return { challenge, lines: await wholeStory(deps, view, { kind: 'challenge', challengeId }) }
  },
  render: ({ challenge, lines }, _call, deps) => ({
    ...challengeBody(challenge, deps),
    timeline: lines.map(lineBody),
  }),
})
