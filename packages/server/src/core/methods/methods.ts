import type { Settings } from '../settings/settings.ts'
import { emailCode } from './email-code.ts'
import { emailLink } from './email-link.ts'
import type { Method, MethodName } from './method.ts'

/** Every method, in the order in which they are offered. */
export const METHODS: readonly Method[] = [emailCode, emailLink]

export const METHOD_NAMES = ['emailCode', 'emailLink'] as const satisfies readonly MethodName[]

/** The methods that an environment has on: the same for every address. */
export const methodsOf = (settings: Settings): readonly Method[] =>
  METHODS.filter(method => method.isOn(settings))
