import type { Random } from '../../packages/server/src/core/ports.ts'
import { systemRandom } from '../../packages/server/src/core/system.ts'

/**
 * Draws as the machine's generator does, at the same cost, but picks numbers that can be foretold: so the load
 * generator knows each code without an inbox, and nothing in the server is changed for it.
 */
export const foretoldRandom: Random = {
  bytes: systemRandom.bytes,
  below(below) {
    systemRandom.below(below)
    return 123_456 % below
  },
}

/** The code of every challenge that was made with `foretoldRandom`; they all have the default length. */
export const FORETOLD_CODE = '123456'
