import type { Settings } from '../settings/settings.ts'
import { emailCode } from './email-code.ts'
import { emailLink } from './email-link.ts'
import type { Method, MethodName, SentMethod, SentMethodName } from './method.ts'
import { passkey } from './passkey.ts'

/** Those that send something, in the order in which they are offered. */
export const SENT_METHODS: readonly SentMethod[] = [emailCode, emailLink]

/** Every method, in that order. */
export const METHODS: readonly Method[] = [...SENT_METHODS, passkey]

export const SENT_METHOD_NAMES = ['emailCode', 'emailLink'] as const satisfies readonly SentMethodName[]
export const METHOD_NAMES = [...SENT_METHOD_NAMES, 'passkey'] as const satisfies readonly MethodName[]

/** The methods that an environment has on: the same for every address. */
export const methodsOf = (settings: Settings): readonly Method[] =>
  METHODS.filter(method => method.isOn(settings))

export const sentMethodsOf = (settings: Settings): readonly SentMethod[] =>
  SENT_METHODS.filter(method => method.isOn(settings))
