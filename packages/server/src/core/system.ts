import { randomBytes, randomInt } from 'node:crypto'
import type { Clock, Random } from './ports.ts'

/** The machine's clock. */
export const systemClock: Clock = { now: () => Date.now() }

/** The machine's generator of secrets. */
export const systemRandom: Random = { bytes: count => randomBytes(count), below: below => randomInt(below) }
