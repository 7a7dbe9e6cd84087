/**
 * What a condition can read: one typed list, from which the checker, the signals of an action, the API's made-up cases
 * and the table in docs/rules.md are made.
 */

/** What a signal is outside of a condition. */
interface Values {
  bool: boolean
  /** A safe integer. */
  int: number
  double: number
  string: string
  /** Epoch milliseconds. */
  timestamp: number
  strings: readonly string[]
  /** Fields of the caller's own: any JSON. */
  open: Readonly<Record<string, unknown>>
}

export type VariableType = keyof Values

export interface Variable<T extends VariableType = VariableType> {
  type: T
  about: string
}

export interface Group {
  readonly [name: string]: Variable | Group
}

const of = <T extends VariableType>(type: T, about: string): Variable<T> => ({ type, about })

export const VARIABLES = {
  action: {
    name: of('string', 'name of the action, `signIn` or one of yours'),
    attributes: of('open', 'what your backend told of the action; numbers in it are doubles'),
    hasUser: of('bool', 'whether the action is about a user that is known already'),
  },
  user: {
    id: of('string', '`usr_…`'),
    externalId: of('string', 'your own id of the user'),
    email: of('string', 'primary e-mail address, in identity form'),
    emailDomain: of('string', 'what stands behind its @'),
    createdAt: of('timestamp', 'when the user was made'),
    ageDays: of('int', 'whole days since then'),
    isNew: of('bool', 'made by this very action'),
    hasPasskey: of('bool', 'has a passkey enrolled'),
    enrolledMethods: of('strings', 'methods by which the user can prove who is there'),
    metadata: of('open', 'the metadata of the user; numbers in it are doubles'),
  },
  device: {
    known: of('bool', 'proved by a device token to be a device on which this user signed in'),
    isRemembered: of('bool', 'known, and its `rememberedUntil` (docs/devices.md) is not over'),
    isNew: of('bool', 'this user never signed in on it'),
    count: of('int', 'devices of the user'),
    ageDays: of('int', 'whole days since the user first signed in on it'),
  },
  ip: {
    address: of('string', 'IP address of the person'),
    country: of('string', 'ISO 3166 code in capitals, `DE`'),
    asn: of('int', 'number of the network'),
    organization: of('string', 'owner of the network'),
    isAnonymous: of('bool', 'on the list of anonymising networks'),
    isNew: of('bool', 'the user was never seen in this network'),
  },
  userAgent: {
    browser: of('string', '`Chrome`, `Safari`, …'),
    os: of('string', '`iOS`, `Windows`, …'),
    type: of('string', '`desktop`, `mobile`, `tablet`, …'),
    isBot: of('bool', 'says of itself that it is a bot'),
    isHeadless: of('bool', 'a browser without a window'),
  },
  history: {
    signIns: {
      hour: of('int', 'sign-ins of the user in the last hour'),
      day: of('int', 'in the last 24 hours'),
      month: of('int', 'in the last 30 days'),
    },
    failures: {
      hour: of('int', 'failed proofs of the user in the last hour'),
      day: of('int', 'in the last 24 hours'),
    },
    lastSignInAt: of('timestamp', 'the sign-in before this one'),
    lastCountry: of('string', 'country of the sign-in before this one'),
    distanceKm: of('double', 'from the place of that sign-in to here'),
    speedKmh: of('double', 'of whoever went from there to here in the time between'),
    countriesDay: of('int', 'countries of sign-ins in the last 24 hours'),
  },
  now: of('timestamp', 'the instant of the decision'),
} as const satisfies Group

type SignalsOf<T> = T extends Variable<infer K> ? Values[K] : { [P in keyof T]?: SignalsOf<T[P]> | undefined }

/** What is known of an action. What is not known is left out: a condition that reads it errs. */
export type Signals = SignalsOf<Omit<typeof VARIABLES, 'now'>>

export const isVariable = (node: Variable | Group): node is Variable => typeof node.about === 'string'

/** Every variable by its path, in the order of the list. */
export function variablePaths(group: Group = VARIABLES, prefix = ''): [path: string, variable: Variable][] {
  return Object.entries(group).flatMap(([name, node]) =>
    isVariable(node)
      ? [[prefix + name, node] as [string, Variable]]
      : variablePaths(node, `${prefix}${name}.`),
  )
}

/** The table of docs/rules.md. */
export function variablesTable(): string {
  const TYPE_NAMES: Record<VariableType, string> = {
    bool: 'bool',
    int: 'int',
    double: 'double',
    string: 'string',
    timestamp: 'timestamp',
    strings: 'list of strings',
    open: 'map',
  }
  const rows = variablePaths().map(
    ([path, { type, about }]) => `| \`${path}\` | ${TYPE_NAMES[type]} | ${about} |`,
  )
  return ['| variable | type | what it is |', '|---|---|---|', ...rows].join('\n')
}
