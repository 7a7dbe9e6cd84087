import { type Config, ConfigError, type ConfigProblem, readConfig } from '../../config.ts'
import { type Finding, fail, ok } from './finding.ts'

type Env = Record<string, string | undefined>

/** What `start` would refuse, each as a failed check. */
export function checkConfiguration(env: Env): Finding[] {
  const problems = problemsOf(env)
  if (problems.length === 0) return [ok('configuration', 'every setting is there and safe')]
  return problems.map(({ name, problem, fix }) => fail('configuration', `${name} ${problem}`, fix))
}

/** The configuration as far as these settings go; null when one of them is missing or unsafe. */
export function configOf(env: Env, ...names: string[]): Config | null {
  const isWrong = problemsOf(env).some(({ name }) => names.includes(name))
  return isWrong ? null : readConfig(env, names)
}

function problemsOf(env: Env): ConfigProblem[] {
  try {
    readConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.problems
    throw error
  }
}
