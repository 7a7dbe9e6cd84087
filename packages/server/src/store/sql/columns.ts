import type {
  Action,
  ApiKey,
  App,
  Authenticator,
  Challenge,
  Device,
  Environment,
  Event,
  Identifier,
  List,
  Message,
  Rule,
  RuleVersion,
  Session,
  SigningKey,
  Template,
  User,
  WebhookDelivery,
  WebhookEndpoint,
} from '../../core/rows.ts'
import type { Row, Value } from './transaction.ts'

/** How the fields of a noun stand in its table: names in snake_case, lists and objects as JSON, flags as 0 and 1. */
interface Columns<T> {
  readonly columns: readonly string[]
  /** The fields as values, in the order of `columns`. */
  values(noun: T): Value[]
  read(row: Row): T
}

type Kind = 'plain' | 'json' | 'flag'

function columnsOf<T extends object>(
  fields: Record<string, Kind>,
  renamed: Record<string, string> = {},
): Columns<T> {
  const entries = Object.entries(fields).map(
    ([field, kind]) =>
      [field, renamed[field] ?? field.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`), kind] as const,
  )
  return {
    columns: entries.map(([, column]) => column),
    values: noun =>
      entries.map(([field, , kind]) => {
        const value = (noun as Record<string, unknown>)[field]
        if (kind === 'json') return JSON.stringify(value)
        return kind === 'flag' ? Number(value) : (value as Value)
      }),
    read(row) {
      const noun: Record<string, unknown> = {}
      for (const [field, column, kind] of entries) {
        const value = row[column]
        noun[field] = kind === 'plain' ? value : kind === 'json' ? JSON.parse(value) : value === 1
      }
      return noun as T
    },
  }
}

const plain = (names: string): Record<string, Kind> =>
  Object.fromEntries(names.split(' ').map(name => [name, 'plain']))

export const environments = columnsOf<Environment>({
  ...plain('id slug mode'),
  settings: 'json',
  ...plain('settingsVersion templatesVersion rulesVersion listsVersion createdAt'),
})
export const apps = columnsOf<App>({
  ...plain('id environmentId name publishableKey'),
  redirectUrls: 'json',
  origins: 'json',
  audience: 'plain',
  isDefault: 'flag',
  publicRefresh: 'flag',
  ...plain('createdAt updatedAt'),
})
export const apiKeys = columnsOf<ApiKey>({
  ...plain('id environmentId name hint'),
  scopes: 'json',
  isDevelopment: 'flag',
  ...plain('createdAt revokedAt'),
})
export const signingKeys = columnsOf<SigningKey>({
  ...plain('id environmentId'),
  publicJwk: 'json',
  ...plain('sealedPrivateJwk createdAt activatesAt'),
})
export const templates = columnsOf<Template>({
  ...plain('id environmentId name channel'),
  locales: 'json',
  ...plain('version createdAt updatedAt'),
})
export const webhookEndpoints = columnsOf<WebhookEndpoint>({
  ...plain('id environmentId url'),
  eventTypes: 'json',
  ...plain('status disabledReason previousUntil firstFailedAt createdAt updatedAt'),
})
export const webhookDeliveries = columnsOf<WebhookDelivery>(
  plain(
    'id environmentId endpointId eventId eventType status attempt failures dueAt triedAt durationMs answerStatus answer error createdAt deliveredAt',
  ),
)
export const rules = columnsOf<Rule>({
  ...plain('id environmentId name actionName priority condition outcome'),
  methods: 'json',
  ...plain('requires mode'),
  isActive: 'flag',
  enrolmentCounts: 'flag',
  ...plain('version createdAt updatedAt'),
})
export const ruleVersions = columnsOf<RuleVersion>({
  ...plain('environmentId version'),
  rules: 'json',
  ...plain('rulesCount change ruleId'),
  actor: 'json',
  createdAt: 'plain',
})
export const lists = columnsOf<List>({
  ...plain('id environmentId name'),
  entries: 'json',
  ...plain('entriesCount version createdAt updatedAt'),
})
export const users = columnsOf<Omit<User, 'identifiers'>>({
  ...plain('id environmentId externalId name username locale status'),
  metadata: 'json',
  ...plain('createdAt updatedAt lastSignInAt'),
})
export const identifiers = columnsOf<Identifier>({
  ...plain('type value spelling verifiedAt'),
  isPrimary: 'flag',
})
export const authenticators = columnsOf<Authenticator>({
  ...plain('id environmentId userId type name credentialId publicKey signCount'),
  transports: 'json',
  ...plain('aaguid rpId'),
  isBackupEligible: 'flag',
  isBackedUp: 'flag',
  hasUserVerification: 'flag',
  ...plain('createdAt lastUsedAt'),
})
export const challenges = columnsOf<Challenge>({
  ...plain('id environmentId appId epoch purpose channel credential method ceremony userVerification'),
  ...plain('address requestedTo sendTo'),
  ...plain('ownerId userId userMode externalId'),
  opensSession: 'flag',
  isVoid: 'flag',
  isStrong: 'flag',
  ...plain('codeLength tag redirectUrl linkVia codeChallenge state locale template'),
  templateVariables: 'json',
  metadata: 'json',
  ...plain('maxAttempts attemptsLeft maxSends sends resendAt ipAddress userAgent createdAt'),
  ...plain('expiresAt verifiedAt endedAt provenBy actionId deviceId'),
})
export const actions = columnsOf<Action>({
  ...plain('id environmentId appId epoch name reference askedHash intent'),
  attributes: 'json',
  ...plain('outcome state stateChangedAt reason'),
  isTracked: 'flag',
  isNamed: 'flag',
  ...plain('userId address requestedTo challengeId passkeyChallengeId'),
  offersPasskey: 'flag',
  method: 'plain',
  demands: 'json',
  proofs: 'json',
  isJudged: 'flag',
  opensSession: 'flag',
  decision: 'json',
  ...plain('redirectUrl clientState codeChallenge loginHint'),
  ...plain('locale ipAddress userAgent presentedDevice'),
  remembersDevice: 'flag',
  ...plain('deviceId approvalNumber approvalExpiresAt resultExpiresAt validatedAt'),
  ...plain('createdAt expiresAt'),
})
export const messages = columnsOf<Message>(
  {
    ...plain('id environmentId challengeId channel to status'),
    isVoid: 'flag',
    ...plain('reply createdAt expiresAt sentAt notice userId'),
  },
  { to: 'recipient' },
)
export const sessions = columnsOf<Session>({
  ...plain('id environmentId appId userId'),
  methods: 'json',
  amr: 'json',
  ...plain(
    'authTime proofEventId ipAddress userAgent deviceId epoch createdAt lastUsedAt expiresAt revokedAt',
  ),
  claims: 'json',
})

/** Of `device_users`. */
export const devices = columnsOf<Device>(
  plain('id environmentId userId ipAddress userAgent createdAt lastSignInAt rememberedUntil endedAt'),
  { id: 'device_id' },
)

const eventFields = columnsOf<Omit<Event, 'actor'> & { actorType: string; actorId: string | null }>({
  ...plain(
    'id type environmentId appId actorType actorId userId challengeId actionId sessionId organizationId requestId',
  ),
  context: 'json',
  data: 'json',
  createdAt: 'plain',
})
export const events: Columns<Event> = {
  columns: eventFields.columns,
  values: ({ actor, ...event }) => eventFields.values({ ...event, actorType: actor.type, actorId: actor.id }),
  read(row) {
    const { actorType, actorId, ...event } = eventFields.read(row)
    return { ...event, actor: { type: actorType as Event['actor']['type'], id: actorId } }
  },
}
