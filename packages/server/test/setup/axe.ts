import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What a person would stumble over: a page wider than the window, and what axe-core knows to be a barrier. */
export async function faultsOf(page: Page): Promise<string[]> {
  const { scrollWidth, clientWidth }: { scrollWidth: number; clientWidth: number } = await page.evaluate(
    '(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)',
  )
  const faults = scrollWidth > clientWidth ? [`is ${scrollWidth} wide in a window of ${clientWidth}`] : []
  // Through the debugger, not as a script of the page: its policy stays on.
  await page.evaluate(`{${AXE}}`)
  const violations: { id: string; nodes: { target: string[] }[] }[] = await page.evaluate(
    'axe.run().then(({ violations }) => violations)',
  )
  return [
    ...faults,
    ...violations.map(
      ({ id, nodes }) => `axe ${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    ),
  ]
}
