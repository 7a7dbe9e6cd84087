import { expect, it } from 'vitest'
import { readMigrations } from '../../src/store/migrations.ts'
import { readPast } from '../../src/store/sql/past.ts'
import type { Transaction } from '../../src/store/sql/transaction.ts'
import { openConnection } from '../../src/store/sqlite/database.ts'
import { MIGRATIONS, migrate } from '../../src/store/sqlite/migrate.ts'

it('finds what is of the user by the user, however much there is of others', async () => {
  const database = openConnection(':memory:')
  migrate(database, readMigrations(MIGRATIONS))
  const plans: string[] = []
  const explained = async (sql: string, ...values: (string | number | null)[]) => {
    const steps = database.all(`EXPLAIN QUERY PLAN ${sql}`, ...values)
    plans.push(...steps.map(({ detail }) => detail).filter(detail => detail.startsWith('SEARCH')))
    return []
  }
  const tx = { all: explained, one: explained } as unknown as Transaction
  const asked = { environmentId: 'env_1', userId: 'usr_1', presented: 'hash', epoch: 1, now: 1e12 }
  await readPast(tx, asked)
  database.close()
  expect(plans).toEqual([
    'SEARCH sessions USING INDEX sessions_of_user (environment_id=? AND user_id=?)',
    'SEARCH identifiers USING PRIMARY KEY (user_id=?)',
    'SEARCH challenges USING INDEX challenges_of_address (environment_id=? AND address=? AND expires_at>?)',
    'SEARCH devices USING INDEX devices_token (token_hash=?)',
    'SEARCH device_users USING INDEX sqlite_autoindex_device_users_1 (device_id=? AND user_id=?)',
    'SEARCH device_users USING INDEX device_users_of_user (user_id=? AND environment_id=?)',
    'SEARCH devices USING INDEX sqlite_autoindex_devices_1 (id=?)',
  ])
})
