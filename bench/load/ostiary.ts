import { FORETOLD_CODE } from '../ostiary/foretold.ts'
import type { Client } from './client.ts'
import { type Answer, type Connection, Unexpected } from './connection.ts'

/** Of Ostiary and of the floor, which answers alike. */
export function createOstiaryClient(secretKey: string): Client {
  const headers = { Authorization: `Bearer ${secretKey}` }
  const post = (connection: Connection, path: string, body: object) =>
    connection.ask({ method: 'POST', path, headers, body: JSON.stringify(body) })
  return {
    async send(connection, address) {
      const answer = await post(connection, '/v1/challenges', { to: address })
      return read(answer, 201).id
    },
    async verify(connection, challengeId) {
      const answer = await post(connection, `/v1/challenges/${challengeId}/verify`, { code: FORETOLD_CODE })
      return sessionIn(answer)
    },
    refresh: async (connection, { refreshToken }) =>
      sessionIn(await post(connection, '/v1/sessions/refresh', { refreshToken })),
    async check(connection, { token }) {
      const answer = await post(connection, '/v1/sessions/verify', { accessToken: token })
      if (read(answer, 200).isActive !== true) throw new Error(`the session is over: ${answer.body}`)
    },
  }
}

function read(answer: Answer, wanted: number) {
  if (answer.status !== wanted) throw new Unexpected(answer)
  return JSON.parse(answer.body)
}

/** Takes nothing but a session with its tokens for an answer. */
function sessionIn(answer: Answer) {
  const { session, tokens } = read(answer, 200)
  if (!session.id || tokens.accessToken.split('.').length !== 3) throw new Error('there is no session')
  return { token: tokens.accessToken, refreshToken: tokens.refreshToken }
}
