import { type DatabaseClock, MAX_SKEW_MS } from '../../src/store/postgres/transactions.ts'

/** A clock of the database that goes with the tests' hand: it shows the latest instant that a caller in good order told. */
export function handDatabaseClock(): DatabaseClock {
  let highest = 0
  return now => {
    if (highest - now <= MAX_SKEW_MS) highest = Math.max(highest, now)
    return highest
  }
}
