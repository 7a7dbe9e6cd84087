import { existsSync, readFileSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

export interface Options {
  /** The instant to judge by; the highest one that the store has committed unless told. */
  now?: number
  /** Codes, tokens and keys that were handed out: none may stand in the files in clear. */
  secrets?: readonly string[]
  /** The bounds on weak guesses at one address that the settings gave. */
  exposure?: { hour: number; day: number }
}

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
/** The shortest retention of anything: what is younger must still have all its rows. */
const YOUNG = DAY

/**
 * What must hold of the rows of a SQLite store at any moment, crashes included (DESIGN section 4, promises 1-6, 10
 * and 11). Returns the violations in words; an empty list is a clean bill. Reads only, beside a running server too.
 */
export function checkInvariants(file: string, options: Options = {}): string[] {
  const database = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  try {
    // All checks see one state, or a write in between would look like a violation.
    database.exec('BEGIN')
    const lastInstant = Number(database.prepare('SELECT last_instant AS at FROM instance').get()?.at)
    const now = options.now ?? lastInstant
    const found: string[] = []
    const parameters: Record<string, SQLInputValue> = { now, young: now - YOUNG }
    for (const [rule, sql] of Object.entries(RULES)) {
      const statement = database.prepare(sql)
      statement.setAllowUnknownNamedParameters(true)
      for (const row of statement.all(parameters)) found.push(`${rule}: ${Object.values(row).join(' ')}`)
    }
    found.push(...exposures(database, options.exposure ?? { hour: 10, day: 20 }))
    found.push(...tokensIn(database), ...secretsIn(file, options.secrets ?? []))
    return found
  } finally {
    database.close()
  }
}

/** A rule in words, and the rows that break it. */
const RULES: Record<string, string> = {
  'the file is whole': "SELECT quick_check FROM pragma_quick_check WHERE quick_check <> 'ok'",
  'every reference leads somewhere': 'SELECT "table", rowid, parent FROM pragma_foreign_key_check',

  // Promise 1: one effect.
  'a challenge opens at most one session': `
    SELECT events.challenge_id FROM sessions JOIN events ON events.id = sessions.proof_event_id
    GROUP BY events.challenge_id HAVING count(*) > 1`,
  'a challenge has at most one event of each effect': `
    SELECT challenge_id, type, count(*) FROM events
    WHERE type IN ('challenge.created', 'challenge.verified', 'challenge.claimed', 'challenge.exhausted', 'challenge.refused',
      'session.created', 'user.created', 'user.adopted') AND challenge_id IS NOT NULL
    GROUP BY challenge_id, type HAVING count(*) > 1`,
  'a session is opened and revoked once': `
    SELECT session_id, type FROM events WHERE type IN ('session.created', 'session.revoked', 'session.refresh_reused')
    GROUP BY session_id, type HAVING count(*) > 1`,
  'a lost answer is given again at most three times': 'SELECT id, repeats FROM sessions WHERE repeats > 3',
  'a proven address leads to one user': `
    SELECT environment_id, value FROM identifiers WHERE verified_at IS NOT NULL
    GROUP BY environment_id, type, value HAVING count(*) > 1`,
  'a user that a proof made has an address, or lost it with an event': `
    SELECT users.id FROM users JOIN events ON events.user_id = users.id
      AND events.environment_id = users.environment_id AND events.type = 'user.created'
    WHERE events.challenge_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM identifiers WHERE user_id = users.id)
      AND NOT EXISTS (SELECT 1 FROM events AS removed WHERE removed.type = 'identifier.removed'
        AND removed.environment_id = users.environment_id AND removed.user_id = users.id)`,

  // Promise 2: attempts.
  'wrong answers and successes stay within the attempts': `
    SELECT challenges.id, count(*), max_attempts FROM challenges JOIN events ON events.challenge_id = challenges.id
    WHERE type IN ('challenge.attempt_failed', 'challenge.verified') GROUP BY challenges.id HAVING count(*) > max_attempts`,
  'an attempt is spent for each answer to a code': `
    SELECT challenges.id, attempts_left FROM challenges WHERE max_attempts - attempts_left <
      (SELECT count(*) FROM events WHERE challenge_id = challenges.id AND type = 'challenge.attempt_failed')
      + CASE WHEN verified_at IS NOT NULL AND proven_by = 'code' THEN 1 ELSE 0 END`,
  'counters stay within their bounds': `
    SELECT id FROM challenges WHERE attempts_left < 0 OR attempts_left > max_attempts OR verifier_tries_left < 0
      OR sends > max(max_sends, 10) OR live_codes > sends OR exposure_spent < 0`,
  'a challenge of a known device is of somebody whom that device knows': `
    SELECT challenges.id, device_id FROM challenges JOIN devices ON devices.id = device_id
    WHERE owner_id IS NULL OR devices.environment_id <> challenges.environment_id OR devices.epoch <> challenges.epoch
      OR (EXISTS (SELECT 1 FROM users WHERE id = owner_id)
        AND NOT EXISTS (SELECT 1 FROM device_users WHERE device_users.device_id = devices.id AND user_id = owner_id))`,

  // Promise 3: a session has its proof.
  'a session has a proof event of its environment and user': `
    SELECT sessions.id FROM sessions LEFT JOIN events ON events.id = proof_event_id
      AND events.environment_id = sessions.environment_id AND events.user_id = sessions.user_id
      AND events.type IN ('challenge.verified', 'challenge.claimed') WHERE events.id IS NULL`,
  'authTime is the instant of the proof': `
    SELECT sessions.id, auth_time, coalesce(challenges.verified_at, events.created_at)
    FROM sessions JOIN events ON events.id = sessions.proof_event_id LEFT JOIN challenges ON challenges.id = events.challenge_id
    WHERE (challenges.id IS NOT NULL OR events.type = 'challenge.verified')
      AND auth_time IS NOT coalesce(challenges.verified_at, CASE WHEN challenges.id IS NULL THEN events.created_at END)`,
  'a verified challenge has its event, and the other way round': `
    SELECT id FROM challenges WHERE verified_at > $young AND NOT EXISTS (
      SELECT 1 FROM events WHERE challenge_id = challenges.id AND type = 'challenge.verified' AND created_at = verified_at)
    UNION ALL SELECT challenges.id FROM challenges JOIN events ON events.challenge_id = challenges.id
    WHERE type = 'challenge.verified' AND verified_at IS NOT events.created_at`,
  'a decoy never succeeds': 'SELECT id FROM challenges WHERE is_void = 1 AND verified_at IS NOT NULL',

  // Promise 4: challenge, messages and events are one write, and no message stays in between.
  'a challenge has its created event': `
    SELECT id FROM challenges WHERE created_at > $young AND NOT EXISTS (
      SELECT 1 FROM events WHERE challenge_id = challenges.id AND type = 'challenge.created')`,
  'a challenge has a message for each send': `
    SELECT id, sends FROM challenges WHERE created_at > $young
      AND sends <> (SELECT count(*) FROM messages WHERE challenge_id = challenges.id)`,
  'a message is sent or failed within its life and a minute': `
    SELECT id FROM messages WHERE status = 'queued' AND expires_at + 60000 < $now`,
  'a message that ended has its event and reply': `
    SELECT id, status FROM messages WHERE status <> 'queued' AND created_at > $young AND (reply IS NULL OR NOT EXISTS (
      SELECT 1 FROM events WHERE type = 'message.' || messages.status AND json_extract(data, '$.messageId') = messages.id
        AND (challenge_id = messages.challenge_id OR messages.challenge_id IS NULL AND user_id IS messages.user_id)))`,
  'a notice is queued with an event of its user, and holds no code': `
    SELECT id FROM messages WHERE challenge_id IS NULL AND (is_void = 1 OR created_at > $young AND 1 <> (
      SELECT count(*) FROM events WHERE type = 'message.queued' AND events.user_id IS messages.user_id
        AND json_extract(data, '$.messageId') = messages.id AND json_extract(data, '$.notice') = messages.notice))`,
  'a message says when it was sent, if it was': `
    SELECT id FROM messages WHERE (status = 'sent') <> (sent_at IS NOT NULL)`,
  'an event of sending belongs to a message': `
    SELECT events.id FROM events JOIN challenges ON challenges.id = events.challenge_id
    WHERE type = 'message.queued' AND events.created_at > $young AND NOT EXISTS (
      SELECT 1 FROM messages WHERE id = json_extract(events.data, '$.messageId'))`,

  // Promise 5: what is readable again is wiped.
  'content is wiped when its message ends; a test environment keeps it for a day': `
    SELECT messages.id FROM messages JOIN environments ON environments.id = messages.environment_id
    WHERE sealed IS NOT NULL AND (
      (status <> 'queued' AND (mode = 'live' OR keep_sealed_until IS NULL))
      OR keep_sealed_until + 120000 < $now OR keep_sealed_until > messages.expires_at + 86520000
      OR (mode = 'live' AND messages.expires_at + 60000 < $now))`,

  // Promise 6: nothing lives longer than it may, and what ended is over.
  'no expiry lies later than creation and what is allowed': `
    SELECT id FROM challenges WHERE expires_at > created_at + 3600000
    UNION ALL SELECT id FROM challenges WHERE handover_expires_at > expires_at
    UNION ALL SELECT id FROM sessions WHERE expires_at > created_at + 31536000000 OR refresh_expires_at > expires_at
    UNION ALL SELECT messages.id FROM messages JOIN challenges ON challenges.id = challenge_id
      WHERE messages.expires_at > challenges.expires_at
    UNION ALL SELECT id FROM idempotency WHERE expires_at > $now + 86402000`,
  'nothing is proven after its end': `
    SELECT id FROM challenges WHERE verified_at >= expires_at OR verified_at > ended_at`,
  'a hand-over is over when its challenge is': `
    SELECT id FROM challenges WHERE handover_hash IS NOT NULL AND (verified_at IS NOT NULL OR ended_at IS NOT NULL)`,
  'a session of a blocked user is revoked': `
    SELECT sessions.id FROM sessions JOIN users ON users.id = sessions.user_id
    WHERE users.status = 'blocked' AND revoked_at IS NULL AND expires_at > $now`,
  'a session whose token was reused is revoked': `
    SELECT sessions.id FROM sessions JOIN events ON events.session_id = sessions.id
    WHERE events.type = 'session.refresh_reused' AND revoked_at IS NULL`,
  'no instant lies after the highest one committed': `
    SELECT id, created_at FROM challenges WHERE created_at > $now UNION ALL
    SELECT id, verified_at FROM challenges WHERE verified_at > $now UNION ALL
    SELECT id, created_at FROM sessions WHERE created_at > $now`,

  // Promise 10: the first proof leaves no unproven copy. One that was added afterwards is nobody's and may stand.
  'no unproven copy of an address is older than its proof': `
    SELECT copy.user_id, copy.value FROM identifiers AS copy JOIN identifiers AS proven
      ON proven.environment_id = copy.environment_id AND proven.type = copy.type AND proven.value = copy.value
    WHERE copy.verified_at IS NULL AND proven.verified_at IS NOT NULL AND copy.user_id <> proven.user_id
      AND copy.created_at < proven.verified_at`,
  'an adopted user has no unproven address that is older than the adoption': `
    SELECT identifiers.user_id, value FROM identifiers JOIN events ON events.user_id = identifiers.user_id
      AND events.environment_id = identifiers.environment_id AND events.type = 'user.adopted'
    WHERE identifiers.verified_at IS NULL AND identifiers.created_at < events.created_at`,
  'an adopted user has no session that is older than the adoption': `
    SELECT sessions.id FROM sessions JOIN events ON events.user_id = sessions.user_id
      AND events.environment_id = sessions.environment_id AND events.type = 'user.adopted'
    WHERE sessions.revoked_at IS NULL AND sessions.created_at < events.created_at AND sessions.expires_at > events.created_at`,

  'an adopted user has no authenticator that is older than the adoption': `
    SELECT authenticators.id FROM authenticators JOIN events ON events.user_id = authenticators.user_id
      AND events.environment_id = authenticators.environment_id AND events.type = 'user.adopted'
    WHERE authenticators.created_at < events.created_at`,
  'a passkey challenge names no address and sends nothing': `
    SELECT id FROM challenges WHERE method = 'passkey' AND (address <> '' OR send_to <> '' OR challenge_hash IS NULL
      OR sends > 0 OR live_codes > 0 OR max_attempts <> 1)`,
  'a passkey that was enrolled opened no session': `
    SELECT id FROM challenges WHERE ceremony = 'registration' AND (proof_event_id IS NOT NULL OR session_opened_at IS NOT NULL)`,

  // Promise 11: environments are apart.
  'no row points across environments': ['challenge', 'session', 'user', 'app']
    .map(
      noun => `SELECT events.id FROM events JOIN ${noun}s AS other ON other.id = events.${noun}_id
        WHERE other.environment_id <> events.environment_id`,
    )
    .concat([
      `SELECT challenges.id FROM challenges JOIN apps ON apps.id = app_id WHERE apps.environment_id <> challenges.environment_id`,
      `SELECT challenges.id FROM challenges JOIN users ON users.id IN (user_id, owner_id)
         WHERE users.environment_id <> challenges.environment_id`,
      `SELECT messages.id FROM messages JOIN challenges ON challenges.id = challenge_id
         WHERE challenges.environment_id <> messages.environment_id`,
      `SELECT sessions.id FROM sessions JOIN users ON users.id = user_id WHERE users.environment_id <> sessions.environment_id`,
      `SELECT sessions.id FROM sessions JOIN apps ON apps.id = app_id WHERE apps.environment_id <> sessions.environment_id`,
      `SELECT authenticators.id FROM authenticators JOIN users ON users.id = user_id
         WHERE users.environment_id <> authenticators.environment_id`,
      `SELECT user_id FROM identifiers JOIN users ON users.id = user_id
         WHERE users.environment_id <> identifiers.environment_id`,
    ])
    .join(' UNION ALL '),
}

interface Guess {
  at: number
  weight: number
}

/**
 * Promise 2, exposure: for each address, the wrong guesses at weak codes times the codes that were live then, in any
 * hour and day. How many were live, and whether they were weak, is told by the events of the challenge in their order.
 */
function exposures(database: DatabaseSync, bounds: { hour: number; day: number }): string[] {
  const rows = database
    .prepare(
      `SELECT challenges.id, challenges.environment_id, address, device_id, owner_id, exposure_spent, type, data,
         events.created_at AS at
       FROM events JOIN challenges ON challenges.id = challenge_id
       WHERE type IN ('challenge.created', 'challenge.resent', 'challenge.attempt_failed')
         AND challenges.method IS NULL ORDER BY challenges.id, events.id`,
    )
    .all() as {
    id: string
    environment_id: string
    address: string
    device_id: string | null
    owner_id: string | null
    exposure_spent: number
    type: string
    data: string
    at: number
  }[]
  // Of an address, or of a known device and the one it knows.
  const guessed = new Map<string, Guess[]>()
  const found: string[] = []
  for (const [id, events] of Map.groupBy(rows, row => row.id)) {
    const [first] = events
    // Without its first event (purged) nothing can be said of a challenge.
    if (first?.type !== 'challenge.created') continue
    let live = 1
    let isStrong = false
    let spent = 0
    for (const { type, data, at, environment_id, address, device_id, owner_id } of events) {
      const told = JSON.parse(data) as { isStrong?: boolean; earlierCodes?: string }
      if (type !== 'challenge.attempt_failed') {
        isStrong = told.isStrong === true
        if (type === 'challenge.resent') live = told.earlierCodes === 'valid' ? live + 1 : 1
      } else if (!isStrong) {
        spent += live
        const key = `${environment_id} ${device_id === null ? address : `${device_id} ${owner_id}`}`
        guessed.set(key, [...(guessed.get(key) ?? []), { at, weight: live }])
      }
    }
    if (spent > first.exposure_spent)
      found.push(`guesses are counted as exposure: ${id} ${first.exposure_spent} of ${spent}`)
  }
  for (const [key, guesses] of guessed) {
    for (const [span, ms, max] of [
      ['hour', HOUR, bounds.hour],
      ['day', DAY, bounds.day],
    ] as const) {
      const worst = Math.max(...guesses.map(end => sumWithin(guesses, end.at - ms, end.at)))
      if (worst > max) found.push(`exposure stays within bounds: ${key} ${worst} in one ${span}`)
    }
  }
  return found
}

const sumWithin = (guesses: Guess[], after: number, until: number) =>
  guesses.reduce((sum, { at, weight }) => sum + (at > after && at <= until ? weight : 0), 0)

/** Whole tokens and secret keys have a form that nothing else has; publishable keys are no secret. */
const TOKEN =
  /(?<![\w-])(?:o(?:lk|ht|dt)_[\w-]{43}|ort_[\w-]{86}|osk_(?:test|live)_[\w-]{49}|eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+)(?![\w-])/

/**
 * Promise 5: no value of any table holds a token. Looked for in values, where one stands by itself or between signs: in
 * the bytes of the file, sealed texts are so many random letters that some of them look like one.
 */
function tokensIn(database: DatabaseSync): string[] {
  const found: string[] = []
  const tables = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all()
  for (const { name } of tables) {
    for (const row of database.prepare(`SELECT * FROM ${name}`).iterate()) {
      for (const [column, value] of Object.entries(row)) {
        const token = typeof value === 'string' ? TOKEN.exec(value)?.[0] : undefined
        if (token) found.push(`no token stands in clear: ${token.slice(0, 9)}… in ${name}.${column}`)
      }
    }
  }
  return found
}

/** Promise 5: the bytes of the database and its log, freed pages included, hold none of these secrets. */
function secretsIn(file: string, secrets: readonly string[]): string[] {
  const found: string[] = []
  for (const path of [file, `${file}-wal`]) {
    if (!existsSync(path)) continue
    const text = readFileSync(path, 'latin1')
    for (const secret of secrets) {
      // A code is a few digits, which may stand inside a longer number by chance.
      const isThere = /^\d+$/.test(secret)
        ? new RegExp(`(?<![\\w-])${secret}(?![\\w-])`).test(text)
        : text.includes(secret)
      if (isThere) found.push(`no planted secret stands in clear: ${secret.slice(0, 9)}… in ${path}`)
    }
  }
  return found
}
