import { describe } from 'vitest'
import { actions } from './contract/actions.ts'
import { approvals } from './contract/approvals.ts'
import { attempts } from './contract/attempts.ts'
import { challenges } from './contract/challenges.ts'
import { clocks } from './contract/clocks.ts'
import { directory } from './contract/directory.ts'
import { exposure } from './contract/exposure.ts'
import { enter, type House, type InHouse, type Open } from './contract/house.ts'
import { idempotency } from './contract/idempotency.ts'
import { knownDevices } from './contract/known-devices.ts'
import { limits } from './contract/limits.ts'
import { links } from './contract/links.ts'
import { lists } from './contract/lists.ts'
import { messages } from './contract/messages.ts'
import { notices } from './contract/notices.ts'
import { passkeys } from './contract/passkeys.ts'
import { proofs } from './contract/proofs.ts'
import { results } from './contract/results.ts'
import { retention } from './contract/retention.ts'
import { ruleLists } from './contract/rule-lists.ts'
import { rules } from './contract/rules.ts'
import { secrets } from './contract/secrets.ts'
import { sessions } from './contract/sessions.ts'
import { templates } from './contract/templates.ts'
import { users } from './contract/users.ts'
import { vitals } from './contract/vitals.ts'
import { webhooks } from './contract/webhooks.ts'

/**
 * What every store promises (`core/ports.ts`), whatever database lies under it. `open` gives an empty, migrated store;
 * each test gets one of its own.
 */
export function storeContract(name: string, open: Open, more: ((inHouse: InHouse) => void)[] = []): void {
  const inHouse = (test: (house: House) => Promise<void>) => async () => {
    const house = await enter(open)
    try {
      await test(house)
    } finally {
      await house.close()
    }
  }
  describe(name, () => {
    for (const section of [
      limits,
      challenges,
      exposure,
      knownDevices,
      attempts,
      links,
      proofs,
      actions,
      approvals,
      results,
      passkeys,
      sessions,
      users,
      directory,
      templates,
      rules,
      ruleLists,
      messages,
      notices,
      lists,
      idempotency,
      clocks,
      retention,
      secrets,
      vitals,
      webhooks,
      ...more,
    ])
      section(inHouse)
  })
}
