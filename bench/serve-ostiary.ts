import { listen } from '../packages/server/src/http/server.ts'
import { answerParent } from './child.ts'
import type { Contest } from './contenders.ts'
import { buildOstiary } from './server.ts'
import { watchUsage } from './usage.ts'

/** The server itself, in a process of its own: the outbox runs, mail stays in the inbox of the test environment. */

const usage = watchUsage()
let database = ''

answerParent({
  async start(contest: Contest) {
    database = contest.database
    const ostiary = await buildOstiary(database, contest.secretKey)
    await listen(ostiary.fetch, contest.port, ['127.0.0.1'])
    ostiary.start()
  },
  usage: () => usage.read(database),
})
