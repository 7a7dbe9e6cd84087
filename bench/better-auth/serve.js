import { randomInt } from 'node:crypto'
import { createServer } from 'node:http'
import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { toNodeHandler } from 'better-auth/node'
import { emailOTP } from 'better-auth/plugins'
import { Pool } from 'pg'
import { answerParent } from '../child.ts'

/**
 * Better Auth as its documentation sets it up for production: e-mail OTP with hashed codes, `pg` pool, `node:http`. JavaScript,
 * because its types are there only once the bench has installed it. Its mail goes nowhere, and its codes are drawn at
 * their cost but foretold, as those of Ostiary are.
 *
 * @param {import('../contest.ts').Contest} contest
 */
async function start({ database, port, code }) {
  const options = {
    baseURL: `http://localhost:${port}`,
    secret: 'MkxTnVv3qzIhC0pB6YgLr8fWjE5sDa1u9XwQKZtyUHo=',
    database: new Pool({ connectionString: database }),
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { level: /** @type {const} */ ('error') },
    // Every look at the session prolongs it, but where the question says `disableRefresh`: so both can be measured.
    session: { updateAge: 0 },
    plugins: [
      emailOTP({
        storeOTP: 'hashed',
        generateOTP() {
          for (const _ of code) randomInt(10)
          return code
        },
        sendVerificationOTP: async () => {},
      }),
    ],
  }
  const { runMigrations } = await getMigrations(options)
  await runMigrations()
  const server = createServer(toNodeHandler(betterAuth(options)))
  server.keepAliveTimeout = 65_000
  await new Promise(resolve => server.listen(port, '127.0.0.1', () => resolve(null)))
}

answerParent({
  start,
  usage() {
    const { user, system } = process.cpuUsage()
    return {
      cpuMs: (user + system) / 1000,
      rssBytes: process.memoryUsage.rss(),
      commits: null,
      operations: null,
      walBytes: null,
      waiting: 0,
    }
  },
})
