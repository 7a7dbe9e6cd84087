import { type Condition, conditions, placeOf, type Verdict } from '../../../src/core/rules/condition.ts'
import type { Signals } from '../../../src/core/rules/variables.ts'

export const NOW = Date.parse('2026-07-15T21:30:00Z')

const { bindingsOf, compile } = await conditions()

/** A condition that has to compile. */
export function compiled(text: string): Condition {
  const result = compile(text)
  if ('condition' in result) return result.condition
  throw new Error(`${text}: ${faultsOf(text).join('; ')}`)
}

/** What is said of a condition that does not. */
export function faultsOf(text: string): string[] {
  const result = compile(text)
  if ('condition' in result) return []
  return result.faults.map(
    fault =>
      `${fault.code} at ${placeOf(text, fault)} ${fault.message}${fault.suggestion ? ` -> ${fault.suggestion}` : ''}`,
  )
}

/** `matched`, `missed`, or the message of the error. */
export function judged(
  text: string,
  signals: Signals = {},
  lists: Record<string, readonly string[]> = {},
): string {
  const verdict: Verdict = compiled(text).judge(bindingsOf(signals, NOW), {
    lists: new Map(Object.entries(lists)),
    roundsLeft: 50_000,
  })
  return verdict.kind === 'erred' ? verdict.message : verdict.kind
}

/** The CPU time of this thread that the task takes, in milliseconds: what others do on the machine is not counted. */
export function cpuMs(task: () => void): number {
  const before = process.threadCpuUsage()
  task()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
