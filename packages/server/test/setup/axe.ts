import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Resolves when every animation that ends has ended, in shadow trees, too. */
const SETTLED = `(() => {
  const rootsOf = root => [root, ...[...root.querySelectorAll('*')].flatMap(one => (one.shadowRoot ? rootsOf(one.shadowRoot) : []))]
  const running = rootsOf(document).flatMap(root => root.getAnimations())
  const ending = running.filter(one => one.effect.getComputedTiming().endTime !== Infinity)
  return Promise.all(ending.map(one => one.finished.catch(() => null))).then(() => null)
})()`

/** What a person would stumble over: a page wider than the window, and what axe-core knows to be a barrier. */
export async function faultsOf(page: Page): Promise<string[]> {
  const { scrollWidth, clientWidth }: { scrollWidth: number; clientWidth: number } = await page.evaluate(
    '(({ scrollWidth, clientWidth }) => ({ scrollWidth, clientWidth }))(document.documentElement)',
  )
  const faults = scrollWidth > clientWidth ? [`is ${scrollWidth} wide in a window of ${clientWidth}`] : []
  // What is still fading in has no contrast yet.
  await page.evaluate(SETTLED)
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
