import { createLog, createOstiary, type Ostiary, type OstiaryOptions } from '../packages/server/src/main.ts'
import { foretoldRandom } from './foretold.ts'

/** A server on a fresh file, as `ostiary dev` builds it, but for the demo and the foretold codes. */
export function buildOstiary(
  database: string,
  secretKey: string,
  more: Partial<OstiaryOptions> = {},
): Promise<Ostiary> {
  return createOstiary({
    publicUrl: 'http://localhost:4545',
    secrets: ['MkxTnVv3qzIhC0pB6YgLr8fWjE5sDa1u9XwQKZtyUHo='],
    database,
    log: createLog('warn'),
    acceptsDevelopmentKeys: true,
    developmentKey: secretKey,
    random: foretoldRandom,
    ...more,
  })
}
