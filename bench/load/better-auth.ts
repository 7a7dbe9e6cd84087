import { FORETOLD_CODE } from '../ostiary/foretold.ts'
import type { Client } from './client.ts'
import { type Answer, type Connection, Unexpected } from './connection.ts'

/** Sessions are cookies there; looking at one prolongs it. */
export function createBetterAuthClient(): Client {
  const post = (connection: Connection, path: string, body: object) =>
    connection.ask({ method: 'POST', path: `/api/auth${path}`, body: JSON.stringify(body) })
  return {
    async send(connection, email) {
      check(await post(connection, '/email-otp/send-verification-otp', { email, type: 'sign-in' }), 'success')
      return email
    },
    async verify(connection, email) {
      const answer = await post(connection, '/sign-in/email-otp', { email, otp: FORETOLD_CODE })
      check(answer, 'token')
      const cookie = answer.cookies.find(one => one.includes('session_token='))
      if (!cookie) throw new Error('there is no session')
      return { token: cookie, refreshToken: cookie }
    },
    async refresh(connection, session) {
      const headers = { Cookie: session.refreshToken }
      const answer = await connection.ask({ method: 'GET', path: '/api/auth/get-session', headers })
      check(answer, 'session')
      // It sets the cookie anew when it has prolonged the session.
      if (!answer.cookies.some(one => one.includes('session_token=')))
        throw new Error('the session was not prolonged')
      return session
    },
    async check(connection, { token }) {
      const path = '/api/auth/get-session?disableRefresh=true'
      check(await connection.ask({ method: 'GET', path, headers: { Cookie: token } }), 'session')
    },
  }
}

function check(answer: Answer, wanted: string): void {
  if (answer.status !== 200 || !JSON.parse(answer.body)?.[wanted]) throw new Unexpected(answer)
}
