import { openPostgresStore } from '../../src/store/postgres/store.ts'
import { handDatabaseClock } from '../setup/hand-clock.ts'
import { freshDatabase } from '../setup/postgres.ts'
import { storeContract } from './contract.ts'

storeContract('the PostgreSQL store', async () => {
  const database = await freshDatabase()
  const store = openPostgresStore(database.url, { clock: handDatabaseClock() })
  return {
    store,
    rows: database.rows,
    async close() {
      await store.close()
      await database.drop()
    },
  }
})
