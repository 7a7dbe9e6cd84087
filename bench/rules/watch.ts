import type { EnvironmentView } from '../../packages/server/src/core/environments/directory.ts'

/** Counts the processor time of the conditions of a set from now on, in microseconds: from its first to its last. */
export function watchConditions({ rules }: EnvironmentView['rules']): () => number {
  const [first, last] = [rules[0]?.compiled, rules.at(-1)?.compiled]
  let micros = 0
  if (!first || !last || first === last) return () => micros
  const own = () => {
    const { user, system } = process.threadCpuUsage()
    return user + system
  }
  let from = 0
  const [begin, end] = [first.judge, last.judge]
  first.judge = (...given) => {
    from = own()
    return begin(...given)
  }
  last.judge = (...given) => {
    const verdict = end(...given)
    micros += own() - from
    return verdict
  }
  return () => micros
}
