import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'
import { highestInstant } from './contract/clocks.ts'
import { storeContract } from './contract.ts'

storeContract('the SQLite store', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ostiary-store-'))
  const file = join(folder, 'ostiary.db')
  const store = openSqliteStore(file)
  await store.migrate()
  const outside = new DatabaseSync(file, { readOnly: true })
  return {
    store,
    rows: async sql => outside.prepare(sql).all(),
    async close() {
      outside.close()
      await store.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}, [highestInstant])
