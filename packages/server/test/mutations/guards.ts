// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the snippets are source text

/** One line of defence, and what it looks like when it is gone. */
export interface Guard {
  /** Path below `packages/server/src`, or from `migrations/` on. */
  file: string
  /** What the line keeps off, in words. */
  guard: string
  /** Stands in the file exactly once. */
  from: string
  to: string
  /** Test files or folders below `packages/server/test` of which at least one has to fail. */
  tests: string[]
  /** Why no test can tell the difference: another line stands behind this one. */
  survives?: string
}

type Row = [guard: string, from: string, to: string, more?: { tests?: string[]; survives?: string }]

function guardsIn(file: string, tests: string[], rows: Row[]): Guard[] {
  return rows.map(([guard, from, to, more]) => ({ file, guard, from, to, tests, ...more }))
}

const STORE = ['store/sqlite.test.ts']
const DECISIONS = { tests: ['http/decisions.test.ts', 'races/decisions.test.ts'] }
const ENROLMENT = ['http/enrolment.test.ts']
const NAMED_USERS = ['http/named-users.test.ts', 'races/decisions.test.ts']
const POSTGRES = ['store/postgres.test.ts']
const POSTGRES_STORE = { tests: ['store/postgres-store.test.ts'] }
const GUARD_TESTS = { tests: ['threats/guards.test.ts'] }

/** The guards of the security core, each of which `npm run mutate` takes away once. */
export const GUARDS: Guard[] = [
  ...guardsIn(
    'core/rules/decide.ts',
    ['core/rules/decide.test.ts'],
    [
      ['an ALLOW rule that errs has not matched', " && rule.outcome !== 'ALLOW')", ')'],
      ['what stands behind the match', '.slice(0, match ? at : live.length)', '.slice()'],
      ['the strictest of all that err', 'STRICTNESS[rule.outcome] > STRICTNESS[outcome]', 'false'],
      ['shadow rules decide nothing', "({ rule }) => rule.mode === 'live'", '() => true'],
      ['rules that are off', 'rules.filter(rule => rule.isActive)', '[...rules]'],
      ['rules of other actions', 'actionName === null || actionName === name', 'true'],
      ['lower priority first', 'a.priority - b.priority || ', ''],
      ['rounds of all conditions together', 'roundsLeft: MAX_ROUNDS_OF_SET }', 'roundsLeft: 1e9 }'],
      ['what rules that err ask for', '...erred.map(({ rule }) => rule)]', ']'],
    ],
  ),
  ...guardsIn(
    'core/rules/past.ts',
    ['http/past-actions.test.ts'],
    [
      [
        'runs over past actions at once',
        'await deps.pastRuns(call.view.environment.id, async () => {',
        'await (async (act: () => Promise<PastOutcomes>) => act())(async () => {',
      ],
      ['others have their turn between past actions', '      await turn()', ''],
      ['work of a run over past actions', 'workedMs >= workMs || ', ''],
      ['whoever has gone waits for no run', ' || call.signal.aborted', ''],
      [
        'past actions at their own instant',
        'judgeSignals(judged, decision.signals, ownerIn(decision), decision.at)',
        'judgeSignals(judged, decision.signals, ownerIn(decision), Date.now())',
      ],
      ['a changed rule in the place of the saved one', 'saved.filter(one => one !== before)', 'saved'],
      ['what a changed rule leaves out', '...(before && fieldsOf(before)), ', ''],
      ['the id of a rule that is not there', 'rule.id !== undefined && !before', 'false'],
      ['examples of a run', 'outcomes.examples.length < MAX_EXAMPLES', 'true'],
      ['past actions without signals', '!decision?.signals', 'false'],
    ],
  ),
  ...guardsIn(
    'store/sql/users.ts',
    ['http/deleted-users.test.ts'],
    [
      ['what actions tell of a deleted user', '  await forgetInActions(tx, user)\n', ''],
      [
        'actions of other users keep what they tell',
        '     WHERE user_id = $1 AND environment_id = $2`,\n    id,\n    environmentId,\n  )\n}\n\n/** Until',
        '     WHERE coalesce($1, environment_id) <> $2`,\n    id,\n    environmentId,\n  )\n}\n\n/** Until',
      ],
      [
        'signals and seen',
        "json_remove(decision, '$.signals', '$.seen')",
        "json_remove(decision, '$.signals')",
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/actions.ts',
    ['http/deleted-users.test.ts'],
    [
      [
        'an action behind the deletion of its user',
        'await holdUser(tx, row.environmentId, row.userId)',
        '{}',
      ],
    ],
  ),
  ...guardsIn(
    'core/turns.ts',
    ['http/past-actions.test.ts'],
    [
      ['a turn is given back', '(running.get(name) ?? 1) - 1', 'running.get(name) ?? 1'],
      [
        'each environment has turns of its own',
        'running.get(name) ?? 0',
        '[...running.values()].reduce((all, one) => all + one, 0)',
      ],
    ],
  ),
  ...guardsIn(
    'core/rules/cel.ts',
    ['core/rules'],
    [
      [
        'rounds of a condition',
        "if (loopCondition) value.loopCondition = callOf('@round', loopCondition)",
        '',
      ],
      ['what a loop goes through', "if (iterRange) value.iterRange = callOf('@range', iterRange)", ''],
      ['texts that double', 'left.length + right.length > MAX_TEXT', 'false'],
      ['lists that grow', 'left.size + right.size > MAX_LIST', 'false'],
      ['looking into a list costs', 'spend(Math.ceil(list.size / 16))', ''],
      [
        'no order of lists and maps',
        '  if (isCelList(a) || isCelMap(a) || isCelList(b) || isCelMap(b))',
        '  if (false)',
      ],
      ['division by zero', 'if (b === 0)', 'if (false)'],
      ['an empty text is no number', 'if (!form.test(text))', 'if (false)'],
      ['a signal of a prototype', 'signals && Object.hasOwn(signals, name) ?', 'signals ?'],
      [
        'half a number',
        'Number.isSafeInteger(signal) ? BigInt(signal as number)',
        "typeof signal === 'number' ? BigInt(Math.trunc(signal))",
      ],
    ],
  ),
  ...guardsIn(
    'core/rules/check.ts',
    ['core/rules'],
    [
      ['depth', 'if (outer.depth > MAX_DEPTH)', 'if (false)'],
      ['loops in each other', 'if (scope.loops >= MAX_NESTED_LOOPS)', 'if (false)'],
      [
        'names that every object has',
        '  Object.hasOwn(table, name) ? table[name] : undefined',
        '  table[name]',
      ],
      [
        'fields that every object has',
        'Object.hasOwn(type.group, field) ? type.group[field] : undefined',
        'type.group[field]',
      ],
      [
        'variables that every object has',
        'if (!Object.hasOwn(VARIABLES, name)) return',
        'if (!(name in VARIABLES)) return',
      ],
      ['true or false in the end', "if (!fits(type, 'bool'))", 'if (false)'],
      ['a loop’s entry hides no signal', 'Object.hasOwn(VARIABLES, iterVar) || ', ''],
    ],
  ),
  ...guardsIn(
    'core/rules/condition.ts',
    ['core/rules'],
    [
      ['length', 'if (text.length > MAX_CONDITION)', 'if (false)'],
      ['brackets', 'if (open > MAX_BRACKETS)', 'if (false)'],
    ],
  ),
  ...guardsIn(
    'core/rules/patterns.ts',
    ['core/rules'],
    [
      [
        'length of a pattern',
        'if (text.length > MAX_LENGTH)',
        'if (false)',
        {
          survives: 'what is longer has too many instructions, or is refused by the length of the condition',
        },
      ],
      ['repeats of a pattern', 'if (written > MAX_REPEATS)', 'if (false)'],
    ],
  ),
  ...guardsIn(
    'core/rules/rule.ts',
    ['http/rules.test.ts'],
    [
      ['a list that there is not', 'filter(name => !lists.has(name))', 'filter(() => false)'],
      ['two methods prove two things', 'proven.size >= requires', 'methods.length >= requires'],
      ['methods for rules that ask for proof', 'if (!asksForProof)', 'if (false)'],
    ],
  ),
  ...guardsIn(
    'core/rules/rules.ts',
    ['http/rules.test.ts'],
    [
      ['rules are checked when they are made', '  await guardRule(deps, call, rule)\n', ''],
      ['rules are checked when they are changed', '    await guardRule(deps, call, next)\n', ''],
      ['If-Match of a rule', 'ifMatch !== ruleEtag(rule)', 'false'],
      ['no way back to what could not be saved', '  if (errors.length > 0)\n', '  if (false)\n'],
    ],
  ),
  ...guardsIn(
    'core/rules/lists.ts',
    ['http/rules.test.ts'],
    [
      [
        'a list that is used stays',
        '  await refuseUsed(deps, await findList(deps, call, id))',
        '  await findList(deps, call, id)',
      ],
      [
        'a list that is used keeps its name',
        '    if (name !== list.name) await refuseUsed(deps, list)\n',
        '',
      ],
      ['If-Match of a list', 'ifMatch !== listEtag(list)', 'false', { tests: ['races/rules.test.ts'] }],
    ],
  ),
  ...guardsIn('store/sql/rules.ts', STORE, [
    ['a rule of another version', 'id === asked.id && version === asked.version', 'id === asked.id'],
    ['no more rules than may be', 'if (next.length > bounds.rules)', 'if (false)'],
    ['a way back from the newest version alone', 'if (version !== from)', 'if (false)'],
    ['a rule of another environment', 'WHERE id = $1 AND environment_id = $2', 'WHERE id = $1 AND $2 = $2'],
    ['an ETag names one text', '{ ...rule, version: version + 1, updatedAt: now }\n  })', 'rule\n  })'],
    ['writers take turns', '  await tx.lock([`${environmentId}:rules`])\n', '', { tests: POSTGRES }],
  ]),
  ...guardsIn('store/sql/lists.ts', STORE, [
    ['a list of another version', ' AND version = $3`', '`'],
    ['no more lists than may be', 'if (Number(count?.count) >= max)', 'if (false)'],
    [
      'a list of another environment',
      "'DELETE FROM lists WHERE id = $1 AND environment_id = $2 RETURNING *'",
      "'DELETE FROM lists WHERE id = $1 AND $2 = $2 RETURNING *'",
    ],
  ]),
  ...guardsIn(
    'store/sql/stories.ts',
    ['http/timelines.test.ts'],
    [
      [
        'an address that changed hands: challenges',
        'newest.filter(row => isTheirs(row.owner_id) && isTheirs(row.user_id))',
        'newest',
      ],
      [
        'an address that changed hands: events',
        'AND (user_id IS NULL OR user_id = ',
        'AND (1 = 1 OR user_id = ',
        {
          survives:
            'their challenges were left out already; it stands for an action whose challenges belong to two',
        },
      ],
      ['limits of this address alone', "data LIKE '%\"' || ? || '\"%' ESCAPE '!'", '1 = 1'],
      ['signs of an address stand for themselves', "whose.replaceAll(/[!%_]/g, '!$&')", 'whose'],
      ['pages end where the first look ended', '.filter(row => lookedTo === null || row.id >= lookedTo)', ''],
    ],
  ),
  ...guardsIn(
    'core/stories/stories.ts',
    ['http/timelines.test.ts'],
    [['an unproven address leads to nobody', '.filter(one => one.verifiedAt !== null)', '']],
  ),
  ...guardsIn(
    'core/stories/lines.ts',
    ['core/stories.test.ts'],
    [['data of a closed list', 'form.keys\n', 'Object.keys(event.data)\n']],
  ),
  ...guardsIn(
    'store/sql/usage.ts',
    ['http/usage.test.ts'],
    [
      ['young events wait', 'Math.max(0, now - LAG_MS)', 'now'],
      ['each event counts once', 'AND id > $2 AND id < $3', 'AND id > substr($2, 1, 0) AND id < $3'],
    ],
  ),
  ...guardsIn(
    'delivery/circuit.ts',
    ['delivery/failover.test.ts'],
    [
      [
        'a rest ends by the clock',
        'const leftMs = restsUntil - clock.now()',
        'const leftMs = restsUntil - Date.now()',
      ],
      ['no rest for an hour that was set back', ' && leftMs <= REST_MS', ''],
    ],
  ),
  ...guardsIn(
    'delivery/transports.ts',
    ['delivery/failover.test.ts'],
    [
      [
        'transports rest by the clock that they are given',
        'createFailover(ways, { clock, log })',
        'createFailover(ways, { clock: { now: Date.now }, log })',
      ],
    ],
  ),
  ...guardsIn(
    'observability/watch-store.ts',
    ['observability/metrics.test.ts'],
    [
      [
        'tries at webhooks are counted',
        '      for (const { kind, environmentId } of outcomes) metrics.webhookSettled(slugOf(environmentId), kind)\n',
        '',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/vitals.ts',
    ['observability/metrics.test.ts'],
    [
      [
        'what waits for a disabled endpoint is no queue',
        "CASE WHEN status = 'enabled' THEN (SELECT count(*)",
        "CASE WHEN status <> '' THEN (SELECT count(*)",
      ],
    ],
  ),
  ...guardsIn(
    'core/usage/figures.ts',
    ['http/usage.test.ts'],
    [
      ['a closed list of countries', 'isCountry(country) &&', "typeof country === 'string' &&"],
      ['no row for each second of each country', " && metric !== 'tookSeconds'", ''],
    ],
  ),
  ...guardsIn(
    'migrations/postgres/functions/4_send.sql',
    ['http/usage.test.ts'],
    [['the country of whoever asked', ", 'country', p -> 'country'", '']],
  ),
  ...guardsIn(
    'core/notices/endpoint.ts',
    ['http/webhooks.test.ts'],
    [
      ['the host alone of a URL', 'new URL(url).host', 'url'],
      ['one mailbox once', '[address.identity, address]', '[address.spelling, address]'],
    ],
  ),
  ...guardsIn('store/sql/retention.ts', STORE, [
    ['no event goes before it was counted', 'id < $1 AND id <= $3 AND', 'id < $1 AND $3 = $3 AND'],
  ]),
  ...guardsIn(
    'core/challenges/create.ts',
    ['http/challenges.test.ts'],
    [
      ['blocked mail domains', '  guardDestination(settings, identity)\n', ''],
      ['domains below a listed one', ' || domain.endsWith(`.${entry}`)', ''],
      ['redirect list at send', '  guardRedirect(call, app, input)\n', ''],
      [
        'limits on sends',
        'limits: sendLimits(settings, identity, circumstances),',
        'limits: [],',
        { tests: ['http/limits.test.ts'] },
      ],
      ['no session for another purpose', '(input.session ?? purpose === ', '(input.session ?? purpose !== '],
      [
        'a proven address before others',
        'emails.find(one => one.verifiedAt !== null) ?? emails[0]',
        'emails[0]',
        {
          tests: ['threats/edges.test.ts'],
          survives:
            'the primary address comes first, and a proven one is primary wherever there is one (preferProven, promoteNext)',
        },
      ],
      [
        'a user id does not tell the address',
        'requestedTo: maskEmail(email.value)',
        'requestedTo: email.value',
        { tests: ['http/endpoint-answers.test.ts'] },
      ],
      ['methods that are off', "(result !== 'link' && !emailCode) ||", ''],
      [
        'long codes under pressure',
        'isStrong ? STRONG_LENGTH : input.codeLength',
        'input.codeLength',
        { tests: ['threats/codes.test.ts', 'threats/edges.test.ts', 'threats/sessions.test.ts'] },
      ],
      ['exactly one of to and userId', '(to === undefined) === (userId === undefined)', 'to === userId'],
    ],
  ),
  ...guardsIn(
    'core/challenges/resend.ts',
    ['threats/codes.test.ts', 'threats/guards.test.ts', 'http/limits.test.ts'],
    [
      ['blocked mail domains at resend', '  guardDestination(settings, challenge.address)\n', ''],
      ['redirect list at resend', 'redirectUrl: redirectUrl ?? undefined,', 'redirectUrl: undefined,'],
      ['limits on resends', 'limits: sendLimits(settings, challenge.address, circumstances),', 'limits: [],'],
      [
        'a code never gets shorter',
        'codeLength: Math.max(settings.challenge.codeLength, challenge.codeLength ?? 0),',
        'codeLength: settings.challenge.codeLength,',
      ],
      ['resend by setting', 'resend: settings.challenge.resend,', "resend: 'keep',"],
    ],
  ),
  ...guardsIn(
    'core/challenges/verify.ts',
    ['http/challenges.test.ts', 'http/links.test.ts'],
    [
      ['typed codes are normalised', 'const code = normaliseCode(input.code)', 'const code = input.code'],
      [
        'a verifier is hashed (S256)',
        "createHash('sha256').update(codeVerifier).digest('base64url')",
        'codeVerifier',
      ],
      ['sign-up that closed in between', "isSignUpOpen: settings.signUp === 'open',", 'isSignUpOpen: true,'],
      [
        'limits on wrong answers',
        'wrongLimits: wrongLimits(settings, circumstances),',
        'wrongLimits: [],',
        { tests: ['http/limits.test.ts'] },
      ],
      [
        'a link is tied to the challenge that is named',
        'challengeId: input.challengeId ?? null,',
        'challengeId: null,',
      ],
      [
        'the form of a link token',
        "isToken('olk', linkToken) ? 'olk' : refuse('link_invalid')",
        "'olk'",
        {
          survives:
            'the hash of anything that was not mailed is in no row: the answer is the same link_invalid',
        },
      ],
    ],
  ),
  ...guardsIn(
    'core/challenges/code.ts',
    ['core/code.test.ts'],
    [
      ['no long text is judged', 'if (text.length > 64) return null', '', GUARD_TESTS],
      ['full-width digits', ".normalize('NFKC')", ''],
      ['digits of Arabic and Persian keyboards', '[\\u0660-\\u0669\\u06f0-\\u06f9]', '[\\u0660]'],
      ['nothing is no try', 'code.length >= 1 &&', ''],
      ['codes are drawn evenly', 'random.below(10 ** digits)', 'random.below(9 ** digits)'],
    ],
  ),
  ...guardsIn(
    'core/challenges/claim.ts',
    ['http/challenges.test.ts', 'threats/codes.test.ts'],
    [
      [
        'exactly one of userId and externalId',
        '(userId === null) === (externalId === null)',
        'userId === externalId',
      ],
    ],
  ),
  ...guardsIn(
    'core/challenges/status.ts',
    ['http/links.test.ts', 'threats/links.test.ts', 'threats/sessions.test.ts'],
    [
      ['an expired link has no button', ' || challenge.expiresAt <= now', ''],
      ['a used link has no button', "if (challenge.verifiedAt !== null) return 'verified'", ''],
      ['a link of an older epoch has no button', ' || challenge.epoch !== epoch', '', GUARD_TESTS],
    ],
  ),
  ...guardsIn(
    'core/sessions/refresh.ts',
    ['http/sessions.test.ts'],
    [
      [
        'a made-up token revokes nothing',
        'isGenuine: keyring.isGenuineRefreshToken(input.refreshToken),',
        'isGenuine: true,',
      ],
    ],
  ),
  ...guardsIn(
    'core/sessions/verify.ts',
    ['http/sessions.test.ts', 'threats/sessions.test.ts', 'threats/refusals.test.ts'],
    [
      ['a token speaks for its own user', 'found?.user.id !== named.userId || named', '!found || named'],
      ['a token that is over by the clock of the store', ' || named.expiresAt <= found.at', ''],
      ['revoked sessions', 'session.revokedAt === null &&\n', ''],
      [
        'sessions that are over',
        'session.expiresAt > now &&\n',
        '',
        { survives: 'an access token never outlives its session: signAccessToken takes the earlier end' },
      ],
      ['sessions of an older epoch', 'session.epoch === epoch &&\n', ''],
      [
        'sessions of blocked users',
        "user.status === 'active'\n",
        'true\n',
        { survives: 'blocking revokes every session of the user in the same write' },
      ],
    ],
  ),
  ...guardsIn(
    'core/sessions/access-token.ts',
    ['http/sessions.test.ts', 'threats/sessions.test.ts', 'threats/refusals.test.ts'],
    [
      ['the type of a token', "      typ: 'at+jwt',\n      algorithms", '      algorithms'],
      [
        'the algorithm of a token',
        "      algorithms: ['ES256'],\n",
        '',
        { survives: 'keys come from rows, each with alg ES256, and jose takes a key for its own alg alone' },
      ],
      ['the issuer', '      issuer: issuerOf(publicUrl, view),\n', ''],
      [
        'the audience',
        '      audience: [view.environment.id, ...view.apps.flatMap(app => app.audience ?? [])],\n',
        '',
      ],
      ['claims that must be there', "requiredClaims: ['exp', 'iat', 'sub', 'sid'],", 'requiredClaims: [],'],
      ['expiry by our clock', 'currentDate: new Date(now),', 'currentDate: new Date(0),'],
      ['no huge token is parsed', 'if (token.length > 8192) return null', ''],
      [
        'a retired key verifies no longer than its last token',
        'successor.activatesAt + LONGEST_TOKEN_MS + CACHED_MS > now',
        'now > 0',
      ],
      [
        'a token ends with its session',
        'Math.floor(session.expiresAt / 1000),\n  )',
        'Number.MAX_VALUE,\n  )',
      ],
      [
        'settings never overwrite our claims',
        '    ...view.settings.session.claims,\n    ...session.claims,\n    sid: session.id,',
        '    sid: session.id,\n    ...view.settings.session.claims,\n    ...session.claims,',
        {
          survives: 'the settings refuse the names of our own claims',
        },
      ],
    ],
  ),
  ...guardsIn(
    'core/sessions/tokens.ts',
    ['threats/codes.test.ts', 'threats/edges.test.ts', 'threats/sessions.test.ts'],
    [
      [
        'the first refresh token ends with its session',
        'Math.min(idleSeconds, absoluteSeconds)',
        'idleSeconds',
        { survives: 'the settings refuse an idleSeconds that is longer than absoluteSeconds' },
      ],
    ],
  ),
  ...guardsIn(
    'core/addresses/email.ts',
    ['core/email.test.ts'],
    [
      [
        'one @',
        " || at !== input.lastIndexOf('@')",
        '',
        { tests: ['core/email.test.ts'], survives: 'neither LOCAL nor DOMAIN_INPUT holds an @' },
      ],
      ['plain local parts', '!LOCAL.test(local) || ', ''],
      ['nothing that WHATWG maps away', ' || !DOMAIN_INPUT.test(domainInput)', ''],
      ['64 octets before the @', 'local.length > 64 || ', ''],
      ['254 octets in all', 'if (spelling.length > 254) return null', ''],
      ['no IP address as a domain', " || /^\\d+$/.test(labels.at(-1) ?? '')", ''],
      ['no single label', 'labels.length < 2 || ', ''],
      ['one identity whatever the case', 'spelling.toLowerCase()', 'spelling'],
      [
        'composed form',
        "text.normalize('NFC')",
        'text',
        { survives: 'domainToASCII composes too, and a local part is ASCII' },
      ],
    ],
  ),
  ...guardsIn(
    'core/addresses/redirect-url.ts',
    ['core/redirect-url.test.ts'],
    [
      ['no backslash', 'if (/[\\\\\\s\\p{Cc}]/u.test(text))', 'if (/[\\s\\p{Cc}]/u.test(text))'],
      ['no fragment', "if (text.includes('#'))", "if (text.includes('##'))"],
      ['no dot segment', '/^(\\.|%2e){1,2}$/i.test(segment) || ', ''],
      ['no encoded slash', ' || /%2f|%5c/i.test(segment)', ''],
      ['no user information', 'if (url.username || url.password || ', 'if (', GUARD_TESTS],
      [
        'no reserved query name',
        'if (RESERVED.some(name => url.searchParams.has(name)))',
        'if (RESERVED.length === 0)',
      ],
      [
        'http on loopback in test alone',
        "return mode === 'test' && isLoopback ? null",
        'return isLoopback ? null',
      ],
      [
        'http on loopback, nowhere else',
        "return mode === 'test' && isLoopback ? null",
        "return mode === 'test' ? null",
        GUARD_TESTS,
      ],
      ['private-use schemes need PKCE', 'return hasCodeChallenge ? null : ', 'return true ? null : '],
      ['same host', ' || url.host !== entry.host', ''],
      ['same scheme', 'url.protocol !== entry.protocol || ', ''],
      [
        'whole path',
        'return url.pathname === entry.pathname',
        'return url.pathname.startsWith(entry.pathname)',
      ],
      ['whole segments below a wildcard', 'entry.pathname.slice(0, -1)', 'entry.pathname.slice(0, -2)'],
    ],
  ),
  ...guardsIn(
    'core/addresses/network.ts',
    ['core/network.test.ts', 'http/client-ip.test.ts'],
    [
      ['mapped v4 is v4', 'groups[5] === 0xffff', 'groups[5] === 0xfffe'],
      ['a /64 is one host', "hex.slice(0, 4).join(':')", "hex.join(':')"],
      ['a /24 is one site', ".slice(0, 3).join('.')}.0/24", ".slice(0, 4).join('.')}.0/24"],
      ['no zone', " || text.includes('%')", ''],
    ],
  ),
  ...guardsIn(
    'core/environments/directory.ts',
    ['core/directory.test.ts'],
    [
      [
        'what is remembered grows old while a clock stands or goes back',
        '    Math.abs(clock.now() - entry.at) < MAX_AGE_MS &&\n    performance.now() - entry.tick < MAX_AGE_MS',
        '    Math.abs(clock.now() - entry.at) < MAX_AGE_MS',
      ],
    ],
  ),
  ...guardsIn(
    'core/keys.ts',
    ['core/tokens.test.ts', 'threats/guards.test.ts'],
    [
      [
        'a code is bound to its challenge',
        '`${epoch}\\n${challengeId}\\n${purpose}\\n${code}`',
        '`${epoch}\\n${purpose}\\n${code}`',
      ],
      [
        'a code is bound to its purpose',
        '`${epoch}\\n${challengeId}\\n${purpose}\\n${code}`',
        '`${epoch}\\n${challengeId}\\n${code}`',
      ],
      [
        'a code is bound to the epoch',
        '`${epoch}\\n${challengeId}\\n${purpose}\\n${code}`',
        '`${challengeId}\\n${purpose}\\n${code}`',
      ],
      [
        'a token is bound to the epoch',
        "hash('sha256', `${epoch}\\n${token}`, 'base64url')",
        "hash('sha256', token, 'base64url')",
      ],
      [
        'what is sealed opens in its row alone',
        'key, body.subarray(0, 12)).setAAD(Buffer.from(aad))',
        "key, body.subarray(0, 12)).setAAD(Buffer.from(''))",
      ],
      [
        'tags are compared',
        'timingSafeEqual(tagUnder(root.refreshTag, parts.sessionId, parts.secret), parts.tag)',
        'parts.tag.length === 16',
      ],
      [
        'older secrets open',
        'const root = byId.get(sealed.slice(0, 8))\n      return root ? decrypt(root.sealing',
        'const root = current\n      return root ? decrypt(root.sealing',
      ],
    ],
  ),
  ...guardsIn(
    'core/tokens.ts',
    ['core/tokens.test.ts', 'threats/guards.test.ts'],
    [
      ['the kind of a token', '!text.startsWith(`${kind}_`) || ', ''],
      [
        'one spelling of a link token',
        " && Buffer.from(random, 'base64url').toString('base64url') === random",
        '',
      ],
      [
        'the length of a token',
        '/^[\\w-]{43}$/.test(random) && ',
        '',
        {
          survives:
            'the length of the whole is asked for before, and other signs do not survive the round trip',
        },
      ],
      ['one spelling of a refresh token', " || bytes.toString('base64url') !== text.slice(4)", ''],
      ['the checksum of a key', ' || checksum(text.slice(0, -6)) !== text.slice(-6)', ''],
      ['the kind of a key', 'match?.[1] !== kind || ', ''],
    ],
  ),
  ...guardsIn('store/sql/attempts.ts', STORE, [
    ['limits before judging', '  if (limited) return limited\n  const judged', '  const judged'],
    ['an attempt is spent', 'THEN 0 ELSE attempts_left - 1 END', 'THEN 0 ELSE attempts_left END'],
    [
      'no attempt below nothing',
      ' AND attempts_left > 0 AND code_length IS NOT NULL',
      ' AND code_length IS NOT NULL',
    ],
    [
      'codes of this environment',
      'WHERE id = $3 AND environment_id = $4 AND purpose',
      'WHERE id = $3 AND $4 <> 0 AND purpose',
    ],
    [
      'codes for this purpose',
      'AND purpose = $5 AND epoch = $6 AND verified_at',
      'AND $5 <> 0 AND epoch = $6 AND verified_at',
    ],
    [
      'codes of this epoch',
      'AND epoch = $6 AND verified_at IS NULL AND ended_at',
      'AND $6 > 0 AND verified_at IS NULL AND ended_at',
    ],
    [
      'a code works once',
      'AND epoch = $6 AND verified_at IS NULL AND ended_at',
      'AND epoch = $6 AND ended_at',
    ],
    [
      'ended challenges',
      'AND verified_at IS NULL AND ended_at IS NULL\n       AND expires_at > $7',
      'AND verified_at IS NULL\n       AND expires_at > $7',
    ],
    ['expired codes', 'AND expires_at > $7 AND attempts_left', 'AND $7 > 0 AND attempts_left'],
    [
      'a link alone takes no code',
      ' AND code_length IS NOT NULL\n       AND coalesce',
      '\n       AND coalesce',
    ],
    ['guesses are counted as exposure', 'THEN 0 ELSE live_codes END', 'THEN 0 ELSE 0 END'],
    [
      'one more guess while protected',
      'AND CAST($2 AS BIGINT) = 1 THEN 0',
      'AND CAST($2 AS BIGINT) = 2 THEN 0',
    ],
    ['wrong answers count', '  await countHits(tx, input.wrongLimits, input.origin, now)\n', ''],
    ['weak guesses count', '    await countWeakGuess(', '    if (now < 0) await countWeakGuess('],
    [
      'hand-overs of this environment',
      'handover_hash = $1 AND environment_id = $2 AND purpose',
      'handover_hash = $1 AND $2 <> 0 AND purpose',
    ],
    [
      'links of this environment',
      'WHERE hash = $1 AND environment_id = $2 AND purpose',
      'WHERE hash = $1 AND $2 <> 0 AND purpose',
    ],
    [
      'a mailed link is pressed, not exchanged',
      "proof.token === 'press' ? 'ostiary' : 'app'",
      "proof.token === 'olk' ? 'ostiary' : 'ostiary'",
    ],
    [
      'a link belongs to the challenge that is named',
      ' || (proof.challengeId !== null && proof.challengeId !== found.id)',
      '',
    ],
    [
      'links that are over',
      '  if (refusal) return { kind: refusal }\n  if (proof.token',
      '  if (proof.token',
    ],
    [
      'hand-overs of a minute',
      "  if (proof.token === 'oht' && found.handover_expires_at <= now) return { kind: 'linkInvalid' }\n",
      '',
    ],
    ['five tries of a verifier', "  if (found.verifier_tries_left === 0) return { kind: 'exhausted' }\n", ''],
    ['the verifier itself', 'if (found.code_challenge !== proof.codeChallenge) {', 'if (false) {'],
    [
      'a stripped code challenge',
      'if (found.code_challenge !== proof.codeChallenge) {',
      'if (found.code_challenge !== null && found.code_challenge !== proof.codeChallenge) {',
      { tests: ['http/links.test.ts', 'threats/links.test.ts', 'threats/sessions.test.ts'] },
    ],
    ['decoy links', ' AND expires_at > $1 AND is_void = 0 RETURNING', ' AND expires_at > $1 RETURNING'],
    [
      'a refused proof ends its challenge',
      'proven_by = NULL, ended_at = $2, handover_hash',
      'proven_by = NULL, ended_at = CASE WHEN $2 < 0 THEN 1 END, handover_hash',
    ],
    ['claims are once', "  if (row.claimed_at !== null) return { kind: 'alreadyClaimed' }\n", ''],
    ['claims of mode none', "row.user_mode !== 'none' || ", ''],
    [
      'claims of proven ones',
      "row.user_mode !== 'none' || row.verified_at === null",
      "row.user_mode !== 'none'",
    ],
    ['late claims', 'row.verified_at + input.withinMs <= now || ', ''],
    [
      'claims of an older epoch',
      'input.withinMs <= now || row.epoch !== input.epoch || ',
      'input.withinMs <= now || ',
    ],
    ['claims by blocked users', "  if (user.status === 'blocked') return { kind: 'userBlocked' }\n", ''],
    [
      'claims of this environment',
      'WHERE id = $1 AND environment_id = $2 ${forUpdate',
      'WHERE id = $1 AND $2 <> 0 ${forUpdate',
    ],
  ]),
  ...guardsIn('store/sql/proofs.ts', STORE, [
    [
      'the owner is pinned at send',
      "if (by === 'attempt' && (owner?.id ?? null) !== challenge.ownerId) return 'ownerChanged'",
      '',
    ],
    [
      'an address of another user',
      "  if (owner && challenge.userId !== null && owner.id !== challenge.userId) return 'ownerChanged'\n",
      '',
    ],
    [
      'unproven addresses lead to no account',
      "if (by === 'attempt' && isForeign && ",
      "if (by === 'claim' && isForeign && ",
    ],
    [
      'blocked users',
      "  if (known?.status === 'blocked') return 'userBlocked'\n",
      '',
      {
        survives:
          'blocking ends the open challenges of the user in the same write, a send to a blocked user is a decoy, no blocked user inherits, and a claim asks before',
      },
    ],
    [
      'userMode existing',
      "  if (!known && (challenge.userMode === 'existing' || challenge.userId !== null)) return 'signUpClosed'\n",
      '',
      {
        survives:
          'a send where nobody is known is a decoy, and deleting a user or an address ends its challenges in the same write',
      },
    ],
    ['closed sign-up', "  if (!known && !input.isSignUpOpen) return 'signUpClosed'\n", ''],
    ['an externalId of another user', "    if (holder || known?.externalId) return 'externalIdTaken'\n", ''],
    [
      'unproven copies go',
      'await removeUnprovenCopies(tx, copy, known?.id ?? ',
      "await removeUnprovenCopies(tx, { ...copy, value: '' }, known?.id ?? ",
    ],
    [
      'adoption ends sessions',
      "    events.push(...(await endSessions(tx, user, origin, now, 'adopted')))\n",
      '',
    ],
    ['adoption ends challenges', '    await endChallengesOfUser(tx, user, now, challenge.id)\n', ''],
    [
      'adoption takes other unproven addresses',
      'DELETE FROM identifiers WHERE user_id = $1 AND verified_at IS NULL RETURNING',
      'DELETE FROM identifiers WHERE user_id = $1 AND verified_at < 0 RETURNING',
    ],
    [
      'a proof ends challenges for another owner',
      '  await endChallengesOf(tx, challenge.environmentId, address, now, user.id, challenge.id)\n',
      '',
    ],
    [
      'nothing proven is adopted over',
      '       AND NOT EXISTS (SELECT 1 FROM identifiers WHERE user_id = mine.user_id AND verified_at IS NOT NULL)\n',
      '',
    ],
  ]),
  ...guardsIn(
    'store/sql/users.ts',
    ['http/action-orders.test.ts'],
    [
      [
        'whatever ends a proof ends it for as long as it can become a session',
        'const PROOF_LIVES_MS = 61 * 60_000',
        'const PROOF_LIVES_MS = 10 * 60_000',
      ],
    ],
  ),
  ...guardsIn('store/sql/actions.ts', STORE, [
    ['no action of a deleted app', '  await holdApp(tx, row)\n', '', POSTGRES_STORE],
    [
      'nothing after the end',
      `const OPEN = "state IN ('CHALLENGE_REQUIRED', 'REVIEW_SUCCEEDED') AND `,
      'const OPEN = "',
    ],
    ['nothing after its time', 'expires_at > $1 AND epoch = $2"', '$1 > 0 AND epoch = $2"'],
    ['nothing of an earlier epoch', 'expires_at > $1 AND epoch = $2"', 'expires_at > $1 AND $2 > 0"'],
    [
      'the working token decides',
      'AND environment_id = $4 AND working_hash = coalesce($5, working_hash) RETURNING',
      "AND environment_id = $4 AND coalesce($5, '') <> '-' RETURNING",
    ],
    [
      'the environment of the action',
      'AND environment_id = $4 AND working_hash = coalesce($5, working_hash) RETURNING',
      "AND $4 <> '' AND working_hash = coalesce($5, working_hash) RETURNING",
    ],
    ['a send is for the address that stands', ' || action.address !== created.challenge.address', ''],
    ['no result after its time', 'AND expires_at > $1 AND epoch = $2 AND', 'AND $1 > 0 AND epoch = $2 AND'],
    ['no result of an earlier epoch', 'expires_at > $1 AND epoch = $2 AND', 'expires_at > $1 AND $2 > 0 AND'],
    ['no result of another environment', ' AND environment_id = $7', " AND $7 <> ''"],
    ['no result for another browser', ' AND working_hash = $6 AND state', " AND $6 <> '' AND state"],
    ['a review is decided once', ` AND state = 'REVIEW_REQUIRED' RETURNING`, ' RETURNING', DECISIONS],
    [
      'reviews of an earlier epoch',
      'AND epoch = $5 AND state',
      'AND $5 > 0 AND state',
      {
        survives:
          'an epoch is raised for a whole database, whose actions are over: nothing is let in by the state alone',
      },
    ],
    [
      'reviews of another environment',
      'AND environment_id = $4 AND epoch = $5',
      "AND $4 <> '' AND epoch = $5",
      { tests: ['http/isolation.test.ts'] },
    ],
    ['a reference is for what was asked for by it', 'row.asked_hash !== askedHash', 'false', DECISIONS],
    ['no session of a name that opens none', 'action.opensSession && proof', 'proof', DECISIONS],
    ['an earlier proof that was ended', ' || earlier.isOver', '', DECISIONS],
    ['no limit passed at the beginning', '  if (limited) return limited\n  await holdApp', '  await holdApp'],
  ]),
  ...guardsIn('core/actions/judge.ts', DECISIONS.tests, [
    [
      'who is there is not told before the proof',
      'const waiting = isKnown ? [] : ofName.filter(asksWho)',
      '  const waiting: CompiledRule[] = []',
    ],
    [
      'a proof before the rules that wait for it',
      "first === -1 ? definitionOf(settings, name).outcome : 'CHALLENGE'",
      'definitionOf(settings, name).outcome',
    ],
    ['the rules that wait for the proof', ' || decision.rule !== null', ' || true'],
    [
      'no challenge that nobody can pass',
      "const isHopeless = decision.outcome === 'CHALLENGE' && !canProve(demands, means)",
      'const isHopeless = false',
    ],
    [
      'a sign-in that is allowed is proven',
      "return opensSession ? 'CHALLENGE_REQUIRED' : 'ALLOW'",
      "return 'ALLOW'",
    ],
    [
      'blocked after the proof',
      "  if (outcome === 'BLOCK') return { ...judged, proofs, state: 'BLOCK' }\n",
      '',
    ],
    ['a proof before a review does not count', 'proofs: [], state', 'proofs, state'],
    [
      'more proofs than one',
      "isProven(asked) ? 'CHALLENGE_SUCCEEDED' : before",
      "isProven(asked) || before ? 'CHALLENGE_SUCCEEDED' : before",
    ],
  ]),
  ...guardsIn('core/actions/demands.ts', DECISIONS.tests, [
    ['one mailbox is proven once', '.map(name => PROVES[name] ?? name))', ')'],
    [
      'methods that the rule does not name',
      'methods.length === 0 || methods.includes(name)',
      'methods.length >= 0 || methods.includes(name)',
    ],
  ]),
  ...guardsIn('core/actions/work.ts', DECISIONS.tests, [
    ['a mail where it does not count', '  guardMethod(work, name)\n', ''],
  ]),
  ...guardsIn('core/actions/passkey.ts', DECISIONS.tests, [
    [
      'a passkey where it does not count',
      "  guardStep(deps, work, BEFORE_PROOF)\n  guardMethod(work, 'passkey')\n  return await",
      '  guardStep(deps, work, BEFORE_PROOF)\n  return await',
    ],
  ]),
  ...guardsIn('core/actions/track.ts', DECISIONS.tests, [
    [
      'whom a backend names for a sign-in is judged like everybody',
      "user && input.name !== 'signIn'",
      'user',
    ],
    [
      'no tokens for a reference that is repeated',
      'const isGiven = isForBrowser && !isRepeat',
      'const isGiven = isForBrowser',
    ],
    [
      'nothing for a browser after ALLOW and BLOCK',
      "const isForBrowser = row.state === 'CHALLENGE_REQUIRED' || row.state === 'REVIEW_REQUIRED'",
      'const isForBrowser = true',
    ],
  ]),
  ...guardsIn('store/sql/approvals.ts', STORE, [
    [
      'no approval of another challenge',
      ' || row.challenge_id !== approval.challengeId',
      '',
      { survives: 'whoever sends or tells another address takes the number away in the same write' },
    ],
    [
      'an approval of before three wrong ones',
      '  if (limited) return limited\n  const { ipAddress',
      '  const { ipAddress',
    ],
    [
      'nobody is asked after three wrong ones',
      '  if (limited) return limited\n  const action',
      '  const action',
    ],
    [
      'nobody is asked for a challenge that was let go',
      ' || open?.challenge_id !== challengeId',
      ' || !open',
    ],
  ]),
  ...guardsIn('store/sql/sessions.ts', STORE, [
    ['no later session of a deleted app', '  await holdApp(tx, session)\n', '', POSTGRES_STORE],
    [
      'sessions for another purpose',
      " ||\n    (row.purpose !== 'signIn' && row.opens_session === 0)",
      '',
      { tests: ['http/challenges.test.ts', 'threats/codes.test.ts'] },
    ],
    [
      'a session is opened once',
      "  if (row.session_opened_at !== null) return { kind: 'alreadyOpened' }\n",
      '',
    ],
    ['sessions of blocked users', "  if (user.status === 'blocked') return { kind: 'userBlocked' }\n", ''],
    ['late sessions', 'row.verified_at + input.withinMs <= now || isOver', 'isOver'],
    [
      'proofs that were ended',
      'const isOver = row.ended_at !== null || ',
      'const isOver = ',
      { tests: ['store/sqlite.test.ts', 'threats/sessions.test.ts'] },
    ],
    [
      'proofs of an older epoch',
      ' || row.epoch !== input.epoch\n  if (row.verified_at',
      '\n  if (row.verified_at',
    ],
    [
      'refresh in this environment',
      'WHERE id = $8 AND environment_id = $9 AND refresh_hash',
      'WHERE id = $8 AND $9 <> 0 AND refresh_hash',
    ],
    ['the refresh token itself', 'AND refresh_hash = $10 AND revoked_at', 'AND $10 <> 0 AND revoked_at'],
    ['refresh of a revoked session', 'AND revoked_at IS NULL AND epoch = $11', 'AND epoch = $11'],
    [
      'refresh of an older epoch',
      'AND revoked_at IS NULL AND epoch = $11',
      'AND revoked_at IS NULL AND $11 > 0',
    ],
    ['idle end', 'AND refresh_expires_at > $3 AND expires_at > $3\n', 'AND expires_at > $3\n'],
    [
      'absolute end',
      'AND refresh_expires_at > $3 AND expires_at > $3\n',
      'AND refresh_expires_at > $3\n',
      { survives: 'refresh_expires_at never passes expires_at: both writes take the earlier one' },
    ],
    [
      'no refresh past the absolute end',
      'refresh_expires_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END',
      'refresh_expires_at = $2',
    ],
    [
      'refresh of a blocked user',
      "       AND EXISTS (SELECT 1 FROM users WHERE users.id = sessions.user_id AND users.status = 'active')\n     RETURNING",
      '     RETURNING',
      { survives: 'blocking revokes every session of the user in the same write' },
    ],
    ['repeats by the same client', '    isSameClient(row, input) &&\n', ''],
    ['repeats within the grace time', '    now < row.rotated_at + input.graceMs\n', '    now > 0\n'],
    ['three repeats', 'AND repeats < $3\n', 'AND repeats < $3 + 1000\n'],
    ['made-up tokens revoke nothing', "  if (!input.isGenuine) return { kind: 'invalid' }\n", ''],
    [
      'reuse revokes',
      'SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL',
      'SET revoked_at = CASE WHEN $2 < 0 THEN $2 END WHERE id = $1 AND revoked_at IS NULL',
    ],
    [
      'sign-out everywhere ends unopened proofs',
      '  await endUnopenedProofs(tx, user, tx.judgeAt(now))\n',
      '',
      {
        tests: [
          'store/sqlite.test.ts',
          'threats/edges.test.ts',
          'threats/sessions.test.ts',
          'http/challenges.test.ts',
        ],
      },
    ],
    [
      'sessions of one environment',
      "'SELECT * FROM sessions WHERE id = $1 AND environment_id = $2', id, environmentId)",
      "'SELECT * FROM sessions WHERE id = $1 AND $2 <> 0', id, environmentId)",
      {
        tests: ['store/sqlite.test.ts', 'http/isolation.test.ts'],
        survives: 'its user is looked for in the same environment, and without one there is no session',
      },
    ],
  ]),
  ...guardsIn('store/sql/challenges.ts', STORE, [
    ['no challenge of a deleted app', '  await holdApp(tx, challenge)\n', '', POSTGRES_STORE],
    [
      'limits before a send',
      '  const limited = await takeLimits(tx, known?.limits ?? input.limits, origin, now)\n  if (limited) return limited\n\n  const requested',
      '  const requested',
      { tests: ['races/limits.test.ts', 'http/limits.test.ts'] },
    ],
    [
      'a bound on guesses at an address',
      '(await wouldExpose(tx, origin.environmentId, known ?? asked, asked.maxAttempts, exposure, now)) ||\n',
      '',
    ],
    [
      'protection of an environment',
      ' ||\n      (await isProtected(tx, origin.environmentId, exposure, now)))\n  const code',
      ')\n  const code',
    ],
    [
      'decoys have no code',
      "!input.hasCode ? '' : challenge.isVoid ? NO_HASH : code.hash",
      "!input.hasCode ? '' : code.hash",
    ],
    ['decoys for blocked users', "  if (user?.status === 'blocked') return true\n", ''],
    [
      'decoys where sign-up is closed',
      "return !owner && (row.userMode === 'existing' || !isSignUpOpen)",
      "return !owner && row.userMode === 'existing'",
    ],
    [
      'decoys for userMode existing',
      "return !owner && (row.userMode === 'existing' || !isSignUpOpen)",
      'return !owner && !isSignUpOpen',
    ],
    [
      'mail goes to the proven spelling',
      'sendTo: owner?.spelling ?? asked.address,',
      'sendTo: asked.requestedTo,',
    ],
    [
      'resend of what is over',
      '  const refusal = refusalOf(row, now, input.epoch)\n  if (refusal) return { kind: refusal }\n  if (row.sends',
      '  if (row.sends',
    ],
    ['as many sends as allowed', "  if (row.sends >= row.max_sends) return { kind: 'sendsExhausted' }\n", ''],
    ['late resends', "    return { kind: 'late' }\n  if (row.resend_at", '    void 0\n  if (row.resend_at'],
    [
      'early resends',
      "  if (row.resend_at > now) return { kind: 'early', retryAfterMs: row.resend_at - now }\n",
      '',
    ],
    ['replaced codes are dead', "replaces || row.code_hashes === '' ? hash", "row.code_hashes === '' ? hash"],
    [
      'replaced links are dead',
      "  if (replaces) await tx.run('DELETE FROM challenge_links",
      "  if (!replaces) await tx.run('DELETE FROM challenge_links",
    ],
    ['one live code more is weighed', 'row.attempts_left * (row.live_codes + 1)', 'row.attempts_left'],
    [
      'decoys get no code later',
      "const hash = !hasCode ? '' : row.is_void === 1 ? NO_HASH : code.hash",
      "const hash = !hasCode ? '' : code.hash",
      {
        tests: [
          'store/sqlite.test.ts',
          'threats/edges.test.ts',
          'threats/sessions.test.ts',
          'http/challenges.test.ts',
        ],
      },
    ],
    [
      'presses of a decoy',
      ' AND epoch = $5 AND is_void = 0 AND action_id',
      ' AND epoch = $5 AND action_id',
      {},
    ],
    ['presses of an exhausted link', ' AND attempts_left > 0 AND epoch = $5', ' AND epoch = $5'],
    [
      'presses of an older epoch',
      ' AND attempts_left > 0 AND epoch = $5',
      ' AND attempts_left > 0 AND $5 > 0',
    ],
    [
      'presses of an expired link',
      'AND ended_at IS NULL AND expires_at > $4',
      'AND ended_at IS NULL AND $4 > 0',
      {},
    ],
    [
      'hand-overs end with their challenge',
      'handover_expires_at = CASE WHEN expires_at < $2 THEN expires_at ELSE $2 END',
      'handover_expires_at = $2',
    ],
    ['a link of the app has no press', " AND link_via = 'ostiary'\n", '\n'],
  ]),
  ...guardsIn('store/sql/exposure.ts', STORE, [
    ['the bound of an hour', 'row?.hour + added > exposure.perAddress.hour || ', ''],
    ['the bound of a day', ' || row?.day + added > exposure.perAddress.day', ''],
    ['attempts that are left count', 'THEN attempts_left * live_codes ELSE 0', 'THEN 0 ELSE 0'],
    ['guesses count on', 'SELECT expires_at, exposure_spent + CASE', 'SELECT expires_at, CASE'],
    ['five guesses of a network', '    if (hits.length >= 5) return\n', ''],
    [
      'protection by wrong guesses',
      '  if (row?.guesses < Math.min(tenMinutes, cap)) return false\n  return',
      '  return false &&',
    ],
  ]),
  ...guardsIn('store/sql/limits.ts', STORE, [
    [
      'a full window',
      'if (counted >= max) return leavesAt - now',
      'if (counted > max) return leavesAt - now',
    ],
    ['a hit leaves late, not early', 'const leavesAt = at + grain + ms', 'const leavesAt = at + ms - grain'],
    [
      'every window of a limit',
      'if (waitMs > 0 && (!worst || waitMs > worst.waitMs))',
      'if (waitMs > 0 && window === state.limit.windows[0] && (!worst || waitMs > worst.waitMs))',
    ],
    [
      'all or none',
      '  if (fired) return await refuse(tx, fired, origin, now)\n  for',
      '  for (const state of states) await writeHit(tx, state, now)\n  if (fired) return await refuse(tx, fired, origin, now)\n  for',
    ],
    ['environments apart', '=> `${environmentId}:${name}:${key}`', '=> `${name}:${key}`'],
    [
      'one order of rows',
      'return states.sort((a, b) => (a.id < b.id ? -1 : 1))',
      'return states',
      { survives: 'SQLite has one writer; the order keeps off deadlocks on PostgreSQL' },
    ],
  ]),
  ...guardsIn('store/sql/idempotency.ts', STORE, [
    [
      'another body',
      "  if (record && record.body_hash !== once.bodyHash) throw new OstiaryError('idempotency_key_reused')\n",
      '',
    ],
    ['one effect', '  if (record) throw new Replayed(record.sealed)\n', ''],
    ['records that are over', ' AND expires_at > $2', ' AND $2 > 0'],
  ]),
  ...guardsIn('store/sql/messages.ts', STORE, [
    [
      'a lease is the holder’s',
      "AND attempt = $2 AND status = 'queued' AND leased_until",
      "AND $2 > 0 AND status = 'queued' AND leased_until",
    ],
    ['a lease ends', ' AND leased_until > $3"', ' AND $3 > 0"'],
    [
      'content is wiped',
      'sealed = CASE WHEN CAST($5 AS BIGINT) IS NULL THEN NULL ELSE sealed END',
      'sealed = CASE WHEN CAST($5 AS BIGINT) IS NULL THEN sealed ELSE sealed END',
    ],
    [
      'one worker for a message',
      'SET leased_until = $1, due_at = $1, attempt',
      'SET leased_until = $1, attempt',
    ],
  ]),
  ...guardsIn('store/sql/users.ts', STORE, [
    [
      'users of this environment',
      "'SELECT * FROM users WHERE id = $1 AND environment_id = $2', id, environmentId)",
      "'SELECT * FROM users WHERE id = $1 AND $2 <> 0', id, environmentId)",
      { tests: ['http/isolation.test.ts', 'store/sqlite.test.ts'] },
    ],
    ['the next address is nobody’s', 'row?.value === value ?', 'row ?'],
    [
      'blocking ends sessions',
      "    events.push(...(await endSessions(tx, user, origin, now, 'user_blocked')))\n",
      '',
    ],
    [
      'blocking ends challenges',
      "'user_blocked')))\n    await endChallengesOfUser(tx, user, now)\n",
      "'user_blocked')))\n",
    ],
    [
      'deleting ends challenges',
      '  await endChallengesOfUser(tx, user, now)\n  await forgetInActions',
      '  await forgetInActions',
    ],
    [
      'a proven address is one user’s',
      "  if (verifiedAt !== null && (await ownerOf(tx, origin.environmentId, type, value)))\n    return { conflict: 'address' }\n",
      '',
      {
        tests: [
          'store/sqlite.test.ts',
          'threats/edges.test.ts',
          'threats/sessions.test.ts',
          'http/challenges.test.ts',
        ],
      },
    ],
    [
      'an address that leaves ends its challenges',
      '  if (removed.verifiedAt !== null) await endChallengesOf(tx, origin.environmentId, value, now, null)\n',
      '',
      { tests: ['http/challenges.test.ts', 'store/sqlite.test.ts'] },
    ],
  ]),
  ...guardsIn(
    'store/sql/directory.ts',
    ['http/accounts.test.ts', 'store/sqlite.test.ts'],
    [
      ['revoked keys', "WHERE hash = $1 AND revoked_at IS NULL'", "WHERE hash = $1'"],
      [
        'keys of this environment',
        'WHERE id = $2 AND environment_id = $3 AND revoked_at IS NULL',
        'WHERE id = $2 AND $3 <> 0 AND revoked_at IS NULL',
        { tests: ['http/isolation.test.ts', 'store/sqlite.test.ts'] },
      ],
    ],
  ),
  ...guardsIn(
    'http/serve-endpoint.ts',
    ['http/requests.test.ts', 'http/isolation.test.ts'],
    [
      ['scopes', 'if (!hasScope(found.key.scopes, endpoint.scopes))', 'if (false)'],
      [
        'the inbox is of test alone',
        "  if (endpoint.isTestOnly && found.view.environment.mode !== 'test') throw new OstiaryError('not_found')\n",
        '',
      ],
      [
        'keys of ostiary dev',
        ' || (found.key.isDevelopment && !deps.acceptsDevelopmentKeys)',
        '',
        { tests: ['threats/codes.test.ts', 'threats/edges.test.ts', 'threats/sessions.test.ts'] },
      ],
      ['NUL in the URL', 'if (/%00/.test(c.req.url))', 'if (false)'],
      ['names that stand twice', 'if (more.length > 0 || !endpoint.query)', 'if (!endpoint.query)'],
      [
        'Idempotency-Key by API key',
        '[environmentId, call.key.id, endpoint.method, path, header]',
        '[environmentId, endpoint.method, path, header]',
        { tests: ['http/idempotency.test.ts'] },
      ],
      [
        'Idempotency-Key by path',
        '[environmentId, call.key.id, endpoint.method, path, header]',
        '[environmentId, call.key.id, endpoint.method, header]',
        { tests: ['http/idempotency.test.ts'] },
      ],
      [
        'Idempotency-Key of any length',
        'if (!/^[\\x20-\\x7e]{1,255}$/.test(header))',
        'if (false)',
        { tests: ['http/idempotency.test.ts'] },
      ],
      [
        'answers with tokens are kept shortly',
        'endpoint.holdsTokens ? KEPT_WITH_TOKENS_MS : KEPT_MS',
        'KEPT_MS',
        { tests: ['http/idempotency.test.ts'] },
      ],
      [
        'kept answers are sealed by the header',
        'sealed: deps.keyring.sealWith(header, JSON.stringify(endpoint.render(result, call, deps)), id),',
        'sealed: JSON.stringify(endpoint.render(result, call, deps)),',
        { tests: ['http/idempotency.test.ts'] },
      ],
    ],
  ),
  ...guardsIn(
    'http/link.ts',
    ['http/links.test.ts'],
    [
      [
        'no page for a link of the app',
        " && challenge.linkVia === 'ostiary'",
        '',
        { tests: ['http/links.test.ts', 'threats/links.test.ts', 'threats/sessions.test.ts'] },
      ],
      ['no page for a decoy', ' && !challenge.isVoid', '', GUARD_TESTS],
      [
        'the redirect list at press',
        "    return isAllowed ? null : end(c, found, 'misdirected', 409)",
        '    return isAllowed ? null : null',
      ],
      ['openings are counted up to a number', 'const MAX_OPENINGS = 20', 'const MAX_OPENINGS = 2000'],
      [
        'the page refers nobody',
        ", 'Referrer-Policy': 'no-referrer' },",
        ' },',
        { tests: ['http/links.test.ts', 'threats/links.test.ts', 'threats/sessions.test.ts'] },
      ],
      ['a press is a 303', '    status: 303,', '    status: 307,'],
    ],
  ),
  ...guardsIn(
    'http/pages/own-form.ts',
    ['http/links.test.ts', 'threats/links.test.ts', 'threats/sessions.test.ts'],
    [
      [
        'a press comes from our page',
        "  if (site !== undefined) return site === 'same-origin'\n",
        '  if (site !== undefined) return true\n',
      ],
      ['the field matches the cookie', "form?.get('press') === cookie", "form?.has('press')"],
      [
        'cookie and form are needed',
        "return Boolean(cookie) && form?.get('press') === cookie",
        'return !cookie || form?.get("press") === cookie',
      ],
      [
        'the cookie is of this host alone',
        "const COOKIE = '__Host-ostiary-press'",
        "const COOKIE = 'ostiary-press'",
      ],
      ['the cookie is for the server alone', ' httpOnly: true,', ''],
    ],
  ),
  ...guardsIn(
    'http/body.ts',
    ['http/requests.test.ts'],
    [
      ['64 KB by the header', "  if (declared > maxBytes) throw new OstiaryError('body_too_large')\n", ''],
      [
        '64 KB while it comes in',
        "      if (size > maxBytes) throw new OstiaryError('body_too_large')\n",
        '',
      ],
      [
        'media types',
        "if (type !== 'application/json' && type !== 'application/merge-patch+json')",
        'if (false)',
      ],
      ['bytes that are not UTF-8', '{ fatal: true }', '{ fatal: false }'],
      ['NUL and half pairs', "if (/\\\\u|__proto__/i.test(bytes.toString('latin1'))) ", 'if (false) '],
      ['depth', '  if (isTooDeep(value, 0))', '  if (false)'],
    ],
  ),
  ...guardsIn(
    'http/client-ip.ts',
    ['http/client-ip.test.ts'],
    [
      [
        'only trusted peers forward',
        'while (client !== null && proxies.includes(client) && hops.length > 0)',
        'while (client !== null && hops.length > 0)',
      ],
      ['the right-most hop', 'hops.pop()', 'hops.shift()'],
    ],
  ),
  ...guardsIn(
    'delivery/deliver.ts',
    ['delivery/outbox.test.ts', 'delivery/outbox-failures.test.ts', 'delivery/content.test.ts'],
    [
      [
        'decoys are dropped',
        'message.isVoid ? rehearse(transport, mail) : handOver(transport, mail)',
        'handOver(transport, mail)',
      ],
      [
        'late messages',
        "  if (clock.now() >= message.expiresAt) return { kind: 'failed', error: 'expired before it could be sent' }\n",
        '',
      ],
      ['time for the whole try', 'if (!hasTime || !(await', 'if (!(await'],
      [
        'the lease, just before sending',
        'if (!hasTime || !(await store.holdsLease(message.id, attempt, clock.now())))',
        'if (!hasTime)',
      ],
      ['a permanent failure ends', "kind: isPermanent ? 'failed' : 'again'", "kind: 'again'"],
      [
        'no code in what the provider says',
        'told(error instanceof Error ? error.message : String(error), content)',
        'error instanceof Error ? error.message : String(error)',
      ],
      [
        'test keeps its mail for a day, live does not',
        "if (home?.environment.mode === 'test' && !message.isVoid) keepMs",
        'if (home && !message.isVoid) keepMs',
      ],
    ],
  ),
  ...guardsIn(
    'store/sqlite/group-commit.ts',
    ['cli/copy.test.ts'],
    [['no write in a file that was left', 'retirementOf(db.one(MOVE))', 'null']],
  ),
  ...guardsIn(
    'store/sqlite/store.ts',
    ['cli/copy.test.ts'],
    [
      [
        'no judgement in a file that was left',
        '    await refuseRetired()\n    return writer.judgeAt(now)',
        '    return writer.judgeAt(now)',
      ],
      [
        'a session is not judged by a clock that is behind',
        'const at = await judgeAt(now)\n',
        'const at = now\n',
        { tests: ['http/sessions.test.ts', 'threats/sessions.test.ts', 'threats/refusals.test.ts'] },
      ],
      [
        'no mail from a file that was left',
        '      await refuseRetired()\n      return await shared.holdsLease',
        '      return await shared.holdsLease',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/move.ts',
    ['cli/copy.test.ts'],
    [
      [
        'no start on a file that was left',
        "  if (move?.state === 'retired')\n    throw",
        '  if (false)\n    throw',
      ],
      ['no start on half a copy', "  if (move?.state === 'copying')", '  if (false)'],
      [
        'no way back once it was started',
        "  if (move?.state === 'complete') await tx.run(\"UPDATE move SET state = 'started'\")\n",
        '',
      ],
    ],
  ),
  ...guardsIn(
    'store/copy.ts',
    ['cli/copy.test.ts'],
    [
      [
        'every value is compared',
        'if (here && there && columns.length === 0) return',
        'if (here && there) return',
      ],
      ['no copy over what is there', 'if (rows[0]?.is_used !== false)', 'if (false)'],
      ['no copy into what another copied', '  if (arrived) throw', '  if (false) throw'],
      ['no copy to a clock that is behind', 'if (behind > MAX_SKEW_MS)', 'if (false)'],
      ['no undo of what was started', "if (arrived.state === 'started')", 'if (false)'],
      ['no undo by another target', 'if (move.peer !== peer)', 'if (false)'],
      [
        'no copy from a file that an older version may serve',
        'if (applied.join() === known.join()) return',
        'return',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/actions.ts',
    ['http/actions.test.ts', 'races/actions.test.ts'],
    [
      [
        'only the challenge under way',
        '!before || underWay !== asked.proof.challengeId',
        '!before',
        { survives: 'a proof of another challenge is taken back when the action is advanced' },
      ],
      ['one result for a proof elsewhere', 'AND result_hash IS NULL AND validated_at IS NULL', ''],
      [
        'a result is for its own app',
        'if (input.appId !== null && row.app_id !== input.appId) return invalid\n',
        '\n',
        { tests: ['http/client.test.ts'] },
      ],
      ['a result is for its own action', 'row.name !== input.name || ', ''],
      ['a result is for its own user', '(input.userId !== null && row.user_id !== input.userId)', 'false'],
      [
        'a result lives 60 seconds',
        'row.validated_at === null ? row.result_expires_at : row.expires_at',
        'row.expires_at',
      ],
      ['five wrong verifiers', 'if (row.verifier_tries_left === 0) return invalid\n', '\n'],
      ['the verifier', 'if (row.code_challenge !== input.codeChallenge) {', 'if (false) {'],
      ['what ended the proof', 'const isOver = proof.ended_at !== null || ', 'const isOver = '],
      [
        'one session',
        "  if (action.validatedAt !== null)\n    return { kind: 'validated', action, user, authenticators, session: null, isDeviceNew: false }\n",
        '\n',
      ],
      ['no session by the id of what a browser began', 'action.isTracked && ', ''],
      ['no session by id past the verifier', 'action.codeChallenge === null && ', ''],
    ],
  ),
  ...guardsIn(
    'store/sql/approvals.ts',
    ['http/action-links.test.ts', 'races/actions.test.ts'],
    [
      ['the number', 'if (row.approval_number !== approval.number) {', 'if (false) {'],
      ['the browser that was asked', 'row.approval_hash !== approval.browserHash || ', ''],
      ['two minutes', 'row.approval_expires_at > now', 'true'],
      [
        'a wrong number ends the approval',
        "    await advance(tx, input, 'approval_number = NULL, approval_hash = NULL, approval_expires_at = NULL')\n",
        '',
      ],
      ['three wrong a day', '    await countHits(tx, [approval.wrongLimit], origin, now)\n', ''],
    ],
  ),
  ...guardsIn(
    'core/actions/work.ts',
    ['http/actions.test.ts'],
    [
      [
        'nobody else than the one who was named',
        "  if (action.isNamed) return refuse('state_conflict', 'The address of this action is set.')\n",
        '',
      ],
      ['the order of steps', "  guardStep(deps, work, ['code'])\n", ''],
    ],
  ),
  ...guardsIn(
    'core/actions/link.ts',
    ['http/action-links.test.ts'],
    [
      ['the browser that asked', 'if (isSameBrowser) return', 'if (true) return'],
      ['not from anywhere past the verifier', ' && action.codeChallenge === null', ''],
    ],
  ),
  ...guardsIn(
    'http/client/events.ts',
    ['http/waiting-pages.test.ts'],
    [['a stop waits for no waiting page', '[call.signal, call.leaving]', '[call.signal]']],
  ),
  ...guardsIn(
    'http/client/action-cookies.ts',
    ['http/tabs.test.ts'],
    [
      ['a cookie is for its own action', 'work?.action.id === held?.actionId ? work : null', 'work'],
      ['a browser holds few', 'older.slice(MAX_ACTION_COOKIES - 1)', 'older.slice(1000)'],
      ['an opening token leads back to its own', 'held.mark === mark', "held.mark !== ''"],
    ],
  ),
  ...guardsIn(
    'http/sign-in.ts',
    ['http/tabs.test.ts', 'http/sign-in-page.test.ts'],
    [
      ['what another tab has just opened', 'isNamed || (isTold && isGoingOn', 'isNamed || (isGoingOn'],
      ['another app, redirectUrl or state', ' || !isFor(work.action, app, query)', ''],
      ['what has ended', '(isTold && isGoingOn(deps, work.action))', 'isTold'],
      ['forms of other sites', 'if (!form || !isOwnForm(c, form)) throw', 'if (!form) throw'],
    ],
  ),
  ...guardsIn(
    'http/client/serve.ts',
    ['http/client.test.ts'],
    [
      ['the app’s origins', '    guardOrigin(deps, c, found.app, found.view)\n', ''],
      [
        'the app’s origins for its actions',
        '    guardOrigin(deps, c, app, view)\n    // A cookie',
        '    // A cookie',
      ],
      ['the cookie on our pages alone', '    if (bearer === null) guardOwnPage(deps, c)\n', ''],
      [
        'an answer that another page cannot read',
        "  c.set('corsOrigin', null)\n  throw new OstiaryError('origin_not_allowed')\n",
        "  throw new OstiaryError('origin_not_allowed')\n",
      ],
    ],
  ),
  ...guardsIn(
    'http/pages/popup.ts',
    ['http/popup.test.ts'],
    [
      ['an opener only where it was asked for', "display !== 'popup' || ", ''],
      ['a popup only with a verifier', ' || codeChallenge === undefined', ''],
      [
        'the result to the origin of the redirectUrl alone',
        '...told},origin),',
        "...told},'*'),",
        { tests: ['browser/popup.test.ts'] },
      ],
    ],
  ),
  ...guardsIn(
    '../../sdk/src/client/popup.ts',
    ['browser/popup.test.ts'],
    [
      ['a message of its own window', 'event.source !== popup || ', ''],
      ['a message of Ostiary', 'event.origin !== server || ', ''],
      [
        'an answer for another sign-in',
        "if (toldState !== state) reject(failed('popup_mismatch'))\n        else if",
        'if',
      ],
      ['one window at a time', 'if (standing && !standing.closed) {', 'if (false) {'],
    ],
  ),
  ...guardsIn('migrations/postgres/functions/1_common.sql', POSTGRES, [
    ['one at a time for a name', 'PERFORM pg_advisory_xact_lock(name) FROM', 'PERFORM name FROM'],
    [
      'a clock that is off',
      "IF abs(ahead) > (p ->> 'maxSkewMs')::bigint THEN",
      'IF false THEN',
      POSTGRES_STORE,
    ],
    [
      'the later instant',
      "SELECT greatest((p ->> 'now')::bigint, ostiary.clock(p))",
      "SELECT (p ->> 'now')::bigint",
    ],
    [
      'writing through behind a pooler',
      "PERFORM set_config('synchronous_commit', 'on', true), set",
      'PERFORM set',
      POSTGRES_STORE,
    ],
  ]),
  ...guardsIn('migrations/postgres/functions/2_limits.sql', POSTGRES, [
    ['a full window', 'IF counted >= (span', 'IF counted > (span'],
    [
      'all or none',
      'IF fired IS NOT NULL THEN',
      "PERFORM ostiary.count_hit(all_hits[n], p -> 'limits' -> (n - 1), now) FROM generate_series(1, cardinality(all_hits)) AS n;\n  IF fired IS NOT NULL THEN",
    ],
  ]),
  ...guardsIn('migrations/postgres/functions/3_exposure.sql', POSTGRES, [
    [
      'the bound of an hour',
      "added > (p -> 'exposure' -> 'perAddress' ->> 'hour')::integer",
      'added > 1000000',
    ],
    ['the bound of a day', "added > (p -> 'exposure' -> 'perAddress' ->> 'day')::integer", 'added > 1000000'],
    ['guesses count on', 'SELECT expires_at, exposure_spent + CASE', 'SELECT expires_at, CASE'],
    ['five guesses of a network', 'IF jsonb_array_length(counted) >= 5 THEN', 'IF false THEN'],
  ]),
  ...guardsIn('migrations/postgres/functions/4_send.sql', POSTGRES, [
    ['no send for a deleted app', "  PERFORM ostiary.hold_app(asked ->> 'app_id');\n", '', POSTGRES_STORE],
    ['a send by a clock that is off', '  PERFORM ostiary.check_clock(p);\n', '', POSTGRES_STORE],
    ['sends at a limit, one at a time', '  PERFORM ostiary.lock(names);\n', ''],
    ['limits before a send', 'IF refused IS NOT NULL THEN', 'IF false THEN'],
    [
      'decoys for blocked users',
      "      WHEN coalesce(requested.status, v_owner_status) = 'blocked' THEN true\n",
      '',
    ],
    ['decoys for another owner', 'THEN v_owner_id <> requested.id', 'THEN false'],
    ['decoys where sign-up is closed', " OR NOT (p ->> 'isSignUpOpen')::boolean", ''],
    ['decoys have no code', "WHEN v_void THEN repeat('*', 43) ", ''],
    [
      'a bound on guesses at an address',
      "ostiary.would_expose(p, mail, (asked ->> 'max_attempts')::integer, now)",
      'false',
    ],
    ['protection of an environment', ' OR ostiary.is_protected(p, now);', ';'],
  ]),
  ...guardsIn('migrations/postgres/functions/5_attempt.sql', POSTGRES, [
    ['no session of a deleted app', '    PERFORM ostiary.hold_app(it.app_id);\n', '', POSTGRES_STORE],
    ['an attempt by a clock that is off', '  PERFORM ostiary.check_clock(p);\n', '', POSTGRES_STORE],
    [
      'codes of this environment',
      "WHERE id = p ->> 'challengeId' AND environment_id = env AND purpose",
      "WHERE id = p ->> 'challengeId' AND purpose",
    ],
    ['codes for this purpose', " AND purpose = p ->> 'purpose'", ''],
    [
      'one at a time for an address',
      "    names := names || (env || ':address:' || it.address);\n",
      '    NULL;\n',
      POSTGRES_STORE,
    ],
    ['blocking and deleting come before or after', '\n  FOR UPDATE OF users;', ';', POSTGRES_STORE],
    [
      'the challenge itself, one at a time',
      'WHERE id = it.id FOR UPDATE;',
      'WHERE id = it.id;',
      POSTGRES_STORE,
    ],
    ['limits before judging', 'IF refused IS NOT NULL THEN', 'IF false THEN'],
    ['a link alone takes no code', ' OR it.code_length IS NULL', ''],
    [
      'a code of an action is answered there',
      ' OR it.action_id IS NOT NULL',
      '',
      { tests: ['http/actions.test.ts'] },
    ],
    ['a code works once', 'IF it.verified_at IS NOT NULL THEN', 'IF false THEN'],
    ['ended challenges', 'it.ended_at IS NOT NULL OR ', ''],
    ['expired codes', 'it.expires_at <= now OR ', ''],
    ['codes of this epoch', " OR it.epoch <> (p ->> 'epoch')::integer", ''],
    ['no attempt below nothing', '  IF it.attempts_left = 0 THEN\n    RETURN', '  IF false THEN\n    RETURN'],
    [
      'one more guess while protected',
      'is_up := it.is_strong = 0 AND ostiary.is_protected(p, now)',
      'is_up := false',
    ],
    ['an attempt is spent', 'THEN 0 ELSE attempts_left - 1 END', 'THEN 0 ELSE attempts_left END'],
    [
      'wrong answers count',
      "    PERFORM ostiary.count_hit(ostiary.hits_of(one), one, now) FROM jsonb_array_elements(p -> 'limits') AS one;\n",
      '',
    ],
    ['weak guesses count', 'PERFORM ostiary.count_weak_guess(p, now);', 'NULL;'],
    ['closed sign-up', "\n      OR NOT (p ->> 'isSignUpOpen')::boolean", ''],
    ['the owner is pinned at send', 'it.owner_id IS DISTINCT FROM owner.id OR ', ''],
  ]),
  ...guardsIn('migrations/postgres/functions/6_rotate.sql', POSTGRES, [
    ['a refresh by a clock that is off', '  PERFORM ostiary.check_clock(p);\n', '', POSTGRES_STORE],
    ['refresh in this environment', ' AND environment_id = env FOR UPDATE', ' FOR UPDATE'],
    [
      'one refresh at a time',
      ' AND environment_id = env FOR UPDATE',
      ' AND environment_id = env',
      POSTGRES_STORE,
    ],
    ['refresh of a revoked session', 'it.revoked_at IS NOT NULL OR ', ''],
    ['refresh of an older epoch', "it.epoch <> (p ->> 'epoch')::integer OR ", ''],
    ['idle end', 'it.refresh_expires_at <= now OR ', ''],
    ['repeats within the grace time', "\n    AND now < it.rotated_at + (p ->> 'graceMs')::bigint", ''],
    [
      'repeats by the same host',
      "\n    AND it.previous_ip_address IS NOT DISTINCT FROM p -> 'context' ->> 'ipAddress'",
      '',
    ],
    ['three repeats', " AND it.repeats < (p ->> 'maxRepeats')::integer", ''],
    ['made-up tokens revoke nothing', "ELSIF NOT (p ->> 'isGenuine')::boolean THEN", 'ELSIF false THEN'],
    ['reuse revokes', '    UPDATE sessions SET revoked_at = now WHERE id = it.id;\n', ''],
  ]),
  ...guardsIn('migrations/postgres/functions/7_outbox.sql', POSTGRES, [
    [
      'a failure of a lost lease',
      " AND attempt = (one ->> 'attempt')::integer\n      RETURNING",
      '\n      RETURNING',
    ],
    ['content is wiped', 'IS NULL THEN NULL ELSE sealed END', 'IS NULL THEN sealed ELSE sealed END'],
  ]),
  ...guardsIn('migrations/postgres/functions/8_find_session.sql', POSTGRES, [
    ['a look at a session by a clock that is off', '  PERFORM ostiary.check_clock(p);\n', '', POSTGRES_STORE],
    ['sessions of one environment', " AND environment_id = p ->> 'environmentId'", ''],
  ]),
  ...guardsIn(
    'core/account/account.ts',
    ['http/account.test.ts'],
    [
      [
        'a proof of ten minutes ago is not fresh',
        'at - session.authTime >= FRESH_MS',
        'at - session.authTime > FRESH_MS',
      ],
    ],
  ),
  ...guardsIn(
    'core/account/addresses.ts',
    ['http/account.test.ts'],
    [
      ['a challenge that another person began', ' && challenge.userId === user.id', ''],
      [
        'a challenge for another purpose',
        'challenge?.purpose === PURPOSE && ',
        'challenge && ',
        { survives: 'the purpose is part of the code’s hash and of the statement that judges' },
      ],
      [
        'an address that is there already',
        'one.value === email.identity && one.verifiedAt !== null',
        'false',
      ],
      ['twenty addresses', 'user.identifiers.length >= MAX_ADDRESSES', 'false'],
      ['codes by e-mail that are off', 'if (!view.settings.methods.emailCode)', 'if (false)'],
    ],
  ),
  ...guardsIn(
    'core/account/passkeys.ts',
    ['http/account.test.ts'],
    [
      [
        'a registration that another person began',
        'if (challenge?.userId !== call.user.id)',
        'if (!challenge)',
      ],
    ],
  ),
  ...guardsIn(
    'core/account/activity.ts',
    ['http/account.test.ts'],
    [
      [
        'what was there before an adoption',
        'adopted ? events.slice(0, events.indexOf(adopted)) : events',
        'events.filter(event => event !== adopted)',
      ],
      ['an address that another has proven', " && event.data.reason !== 'proven_by_another'", ''],
    ],
  ),
  ...guardsIn(
    'core/notices/notice.ts',
    ['http/notices.test.ts', 'http/account.test.ts'],
    [
      ['notices that are switched off', 'if (!view.settings.notices[SETTING[kind]]) return null', ''],
      ['addresses in notices are masked', "subject.includes('@') ? maskEmail(subject) : subject", 'subject'],
    ],
  ),
  ...guardsIn(
    'http/client/serve.ts',
    ['http/account.test.ts'],
    [['a fresh proof for what changes the ways in', "guardFresh(letIn as LetIn['session'])", '{}']],
  ),
  ...guardsIn(
    'http/client/refresh.ts',
    ['http/account.test.ts'],
    [['the cookie of Ostiary’s own pages', 'call.app.publicRefresh || call.isOwnPage', 'true']],
  ),
  ...guardsIn(
    'http/client/validate.ts',
    ['http/account.test.ts'],
    [['no cookie for pages of other origins', 'app.publicRefresh || isOwnPage', 'true']],
  ),
  ...guardsIn('store/sql/accounts.ts', STORE, [
    ['the last way in', 'if (isLast && !hasPasskey)', 'if (false)'],
    ['only what is proven leads in', 'one.verifiedAt !== null && input.addressTypes', 'input.addressTypes'],
    ['types that lead in', ' && input.addressTypes.includes(one.type)', ''],
    [
      'no unproven address is left beside passkeys alone',
      'of isProven ? [] : others)',
      'of [] as typeof others)',
      { tests: ['http/account.test.ts'] },
    ],
    [
      'an address added in a session adopts nothing',
      '    isOwn: true,\n',
      '',
      { tests: ['http/account.test.ts'] },
    ],
    [
      'an unproven address is not primary',
      "  if (chosen.verifiedAt === null) return { kind: 'unproven' }\n",
      '',
      { tests: ['http/account.test.ts'] },
    ],
    [
      'a notice goes to no unproven address',
      "removed.type === 'email' && removed.verifiedAt !== null ? removed",
      "removed.type === 'email' ? removed",
    ],
    ['sessions that are over are not shown', 'revoked_at IS NULL AND expires_at > $3', 'revoked_at IS NULL'],
    ['sessions of an older epoch are not shown', ' AND epoch = $4 ORDER', ' AND epoch >= 0 * $4 ORDER'],
  ]),
  ...guardsIn(
    'store/sql/accounts.ts',
    ['races/account.test.ts'],
    [
      [
        'of two ways in, removed at once, one stays',
        'const user = await lockUser(tx, origin.environmentId, userId)\n  const removed',
        'const user = await findUser(tx, origin.environmentId, userId)\n  const removed',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/attempts.ts',
    ['http/account.test.ts'],
    [
      [
        'a challenge that was begun for somebody is theirs alone',
        "  if (row.user_id !== null && row.user_id !== id) return { kind: 'stateConflict' }\n",
        '',
      ],
    ],
  ),
  ...guardsIn(
    'core/notices/notice.ts',
    ['http/account.test.ts'],
    [['no link by the name of a passkey', 'return unlinked(subject)', 'return subject']],
  ),
  ...guardsIn('store/sql/notices.ts', STORE, [
    ['no notice of a first sign-in', ' && user.lastSignInAt !== null', ''],
    ['no notice of what nobody told', ' && seenAs !== null', '', { tests: ['http/notices.test.ts'] }],
    ['no notice of what was seen', 'WHERE seen_as = ${seenAs} OR', 'WHERE'],
    ['no notice to an address that nobody has proven', ' && one.verifiedAt !== null', ''],
    [
      'no flood of an operator',
      'userId === null ? TOLD_OPERATOR_AN_HOUR : TOLD_AN_HOUR',
      'userId === null ? 1000 : TOLD_AN_HOUR',
    ],
    [
      'no flood of notices',
      '  if (Number(told?.n) >= most) return false\n',
      '',
      { tests: ['http/account.test.ts'] },
    ],
  ]),
  ...guardsIn('migrations/postgres/functions/9_notices.sql', POSTGRES, [
    [
      'no notice of a first sign-in',
      'OR owner.last_sign_in_at IS NULL OR EXISTS',
      'OR EXISTS',
      {
        tests: ['http/notices.test.ts'],
      },
    ],
    ['no notice of what was seen', "WHERE seen_as = p -> 'session' ->> 'seen_as'", 'WHERE false'],
    [
      'no notice to an address that nobody has proven',
      ' AND verified_at IS NOT NULL\n  ORDER',
      '\n  ORDER',
      {
        survives: 'the write is that of a proof of an address of this user, and a proven one comes first',
      },
    ],
  ]),
  ...guardsIn('store/sql/messages.ts', POSTGRES, [
    [
      'one worker for a message, where many take at once',
      "${tx.isShared ? 'FOR UPDATE SKIP LOCKED' : ''}",
      '',
    ],
  ]),
  ...guardsIn(
    'core/passkeys/client-data.ts',
    ['core/passkeys/ceremony.test.ts'],
    [
      ['the type of the ceremony', "  if (clientData.type !== type) return 'type'\n", ''],
      ['the challenge of the ceremony', ' || clientData.challenge !== expected.challenge', ''],
      ['an empty challenge', 'expected.challenge.length < 22 || ', ''],
      ['origins', "  if (!expected.origins.includes(clientData.origin)) return 'origin'\n", ''],
      ['frames', "  if (!isFrameExpected(clientData, expected.origins)) return 'crossOrigin'\n", ''],
      ['frames without a named page', 'topOrigin !== null && origins.includes(topOrigin)', 'true'],
      [
        'a named page without a frame',
        'if (!isCrossOrigin) return topOrigin === null',
        'if (!isCrossOrigin) return true',
      ],
      ['token binding', "  if (clientData.hasTokenBinding) return 'tokenBinding'\n", ''],
      ['a frame flag that is a flag', " && typeof crossOrigin !== 'boolean'", ' && false'],
    ],
  ),
  ...guardsIn(
    'core/passkeys/authenticator-data.ts',
    ['core/passkeys'],
    [
      ['the rp id', "  if (Buffer.compare(ours, rpIdHash) !== 0) return 'rpId'\n", ''],
      ['user presence', "  if (!flags.up) return 'userPresence'\n", ''],
      ['user verification', 'expected.isUserVerificationRequired && !flags.uv', 'false'],
      ['backed up but not eligible', "  if (flags.bs && !flags.be) return 'backupState'\n", ''],
      ['no key in an assertion', "flags.at ? 'malformed' : ", ''],
      ['known formats of attestation', ' || !FORMATS.has(format)', ''],
      ['nothing stated by none', "  if (format === 'none' && statement.size > 0) return 'attestation'\n", ''],
      [
        'one spelling of CBOR',
        'Buffer.compare(isoCBOR.encode(value as never), bytes) === 0 ? value : null',
        'value',
      ],
      ['three entries in an attestation', ' || object.size !== 3', ''],
      [
        'one spelling of a key',
        ' || Buffer.compare(written, publicKey) !== 0',
        '',
        { tests: ['core/passkeys/mutants.test.ts'] },
      ],
    ],
  ),
  ...guardsIn(
    'core/passkeys/public-key.ts',
    ['core/passkeys'],
    [
      ['points on the curve', "createPublicKey({ key: jwk, format: 'jwk' })", 'void jwk'],
      ['the parameters of an ES256 key', 'key.size !== 5 || ', ''],
      ['the curve of an ES256 key', ' || key.get(CRV) !== 1)', ')'],
      ['the length of a modulus', 'isWithin && ', ''],
      [
        'the exponent 65537',
        "value instanceof Uint8Array && Buffer.from(value).toString('hex') === '010001'",
        'true',
      ],
    ],
  ),
  ...guardsIn(
    'core/passkeys/ecdsa-signature.ts',
    ['core/passkeys/mutants.test.ts'],
    [
      ['nothing behind a signature', ' || bytes[1] !== bytes.length - 2', ''],
      ['integers in their shortest form', 'isNegative || isPadded ? null', 'isNegative ? null'],
      ['positive integers', 'isNegative || isPadded ? null', 'isPadded ? null'],
    ],
  ),
  ...guardsIn(
    'core/passkeys/ceremony.ts',
    ['core/passkeys/ceremony.test.ts'],
    [
      [
        'the credential id inside the attestation',
        '  const isSame = data.id === data.rawId && data.id === base64url(credentialId)\n',
        '  const isSame = true\n',
      ],
      ['short and long credential ids', 'isSame && isIdOfLength(credentialId.length)', 'isSame'],
      ['the credential of the passkey', ' || data.id !== stored.credentialId', ''],
      [
        'the user handle',
        'handle ? handle === Buffer.from(userHandle).toString',
        "handle ? '' !== Buffer.from(userHandle).toString",
      ],
      [
        'a handle where nobody was named',
        "toString('base64url') : isUserNamed",
        "toString('base64url') : true",
      ],
      [
        'eligibility for backup stays',
        "    if (flags.be !== stored.isBackupEligible) return refused('backupState')\n",
        '',
      ],
      ['the signature', "    if (!verified) return refused('signature')\n", ''],
      [
        'ECDSA in DER',
        "    if (!isSpelledRight) return refused('signature')\n",
        '',
        { tests: ['core/passkeys/mutants.test.ts'] },
      ],
      ['the counter', 'counter <= stored.signCount', 'false'],
      ['an equal counter', 'counter <= stored.signCount', 'counter < stored.signCount'],
      ['the counter after the signature', 'counter: -1', 'counter: stored.signCount'],
      [
        'what the library throws is a refusal',
        "    return refused('malformed')\n  }\n}",
        "    throw new Error('malformed')\n  }\n}",
        { tests: ['core/passkeys/mutants.test.ts'] },
      ],
      [
        'no statement is judged',
        'attestationObject: withoutStatement(attested.bytes),',
        'attestationObject: data.response.attestationObject,',
        { tests: ['core/passkeys/vectors.test.ts'] },
      ],
    ],
  ),
  ...guardsIn(
    'core/passkeys/shapes.ts',
    ['core/passkeys'],
    [['one spelling of base64url', "    .refine(isCanonical, 'base64url without padding')\n", '']],
  ),
  ...guardsIn(
    'core/passkeys/relying-party.ts',
    ['core/passkeys/relying-party.test.ts'],
    [
      ['an rp id of ours', 'hosts.some(host => isSameOrBelow(host, rpId))', 'hosts'],
      ['whole labels of a domain', 'host.endsWith(`.${domain}`)', 'host.endsWith(domain)'],
      ['no IP address for an rp id', 'if (isIP(rpId) !== 0)', 'if (rpId === null)'],
      ['related origins are origins', ' || new URL(origin).origin !== origin', ''],
    ],
  ),
  ...guardsIn(
    'core/settings/change.ts',
    ['http/relying-party.test.ts'],
    [['the rp id at a change', "    if ('passkey' in patch) guardRelyingParty(deps, view, settings)\n", '']],
  ),
  ...guardsIn(
    'store/sql/passkeys.ts',
    ['store/sqlite.test.ts', 'http/passkeys.test.ts', 'http/passkey-actions.test.ts'],
    [
      [
        'the challenge that was signed is the one of the row',
        "  if (row.challenge_hash !== proof.challengeHash) return 'challenge'\n",
        '',
      ],
      [
        'an answer is judged once',
        ' AND verified_at IS NULL AND ended_at IS NULL AND expires_at > $6 AND attempts_left > 0',
        ' AND verified_at IS NULL AND ended_at IS NULL AND expires_at > $6',
      ],
      [
        'an ended challenge takes no passkey',
        'AND verified_at IS NULL AND ended_at IS NULL AND expires_at > $6',
        'AND verified_at IS NULL AND expires_at > $6',
      ],
      [
        'a late challenge takes no passkey',
        'ended_at IS NULL AND expires_at > $6',
        'ended_at IS NULL AND $6 > 0',
      ],
      [
        'the passkey of the user who was asked',
        "  if (challenge.userId !== null && challenge.userId !== judged.userId) return 'otherUser'\n",
        '',
      ],
      ['the owner of the address that was named', "  return owner ? null : 'otherUser'\n", '  return null\n'],
      [
        'only who has proven the named address',
        '       AND verified_at IS NOT NULL`,\n    origin.environmentId,\n    proof.ownerOf,',
        '`,\n    origin.environmentId,\n    proof.ownerOf,',
      ],
      [
        'counters that fall back',
        '(sign_count < $1 OR sign_count = 0 AND CAST($1 AS BIGINT) = 0)',
        '(sign_count >= 0 OR CAST($1 AS BIGINT) = 0)',
      ],
      [
        'blocked users at a passkey',
        "  if (user.status === 'blocked') return await refuseBlocked(tx, challenge, input, now)\n\n",
        '\n',
      ],
      [
        'blocked users at enrolling',
        "  if (user.status === 'blocked') return await refuseBlocked(tx, challenge, input, now)\n  const authenticator",
        '  const authenticator',
      ],
      [
        'wrong passkeys count for their host',
        '  await countHits(tx, input.wrongLimits, input.origin, now)\n',
        '',
      ],
      [
        'a full limit of wrong answers',
        '  const limited = await checkLimits(tx, wrongLimits, origin, now)\n  if (limited) return limited\n',
        '',
      ],
      [
        'the limit on challenges',
        '  const limited = await takeLimits(tx, input.limits, origin, now)\n  if (limited) return limited\n',
        '',
      ],
      [
        'a credential leads to one user',
        "  if (added !== 'added') return await refuse(tx, challenge, added, input, now)\n",
        '',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/authenticators.ts',
    ['store/sqlite.test.ts'],
    [
      ['the last way in', "  if (all.length === 1 && !hasAddress) return { kind: 'lastWayIn' }\n", ''],
      ['an unproven address is no way in', 'one.verifiedAt !== null && addressTypes', 'addressTypes'],
      ['a bound on authenticators', "  if (Number(held?.n) >= MAX_AUTHENTICATORS) return 'tooMany'\n", ''],
    ],
  ),
  ...guardsIn(
    'store/sql/proofs.ts',
    ['store/sqlite.test.ts'],
    [
      [
        'adoption ends passkeys',
        "    events.push(...(await endAuthenticators(tx, user, origin, now, 'adopted')))\n",
        '',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/offers.ts',
    ['http/passkey-actions.test.ts'],
    [
      [
        'an offer has its time',
        'AND (passkey_offered_at IS NULL OR passkey_offered_at <= $3)',
        'AND ($3 > 0)',
      ],
      ['no offer to who has a passkey', "AND type = 'passkey')`", 'AND false)`'],
      [
        'enrolling after a proof that was ended',
        "  if (isOver) throw new OstiaryError('state_conflict')\n",
        '',
      ],
      [
        'enrolling where nothing is offered',
        "state = 'CHALLENGE_SUCCEEDED' AND offers_passkey = 1 AND",
        "state = 'CHALLENGE_SUCCEEDED' AND",
        { survives: 'the step of the action is judged first (guardStep)' },
      ],
      [
        'the latest challenge alone enrols',
        ' || before.passkey_challenge_id !== asked.proof.challengeId',
        '',
        { survives: 'the challenge that is read is the one of the row' },
      ],
    ],
  ),
  ...guardsIn('store/sql/offers.ts', ENROLMENT, [
    [
      'no passkey beside the one that somebody has',
      "if (await hasPasskey(tx, before.user_id, outcome.authenticator?.id))\n      throw new OstiaryError('state_conflict')\n",
      '',
    ],
    [
      'who has a passkey by now is asked for it',
      'if (isDue && (await hasPasskey(tx, before.user_id)))',
      'if (false)',
    ],
    [
      'enrolling where no rule takes it',
      'open && isEnrolmentDue(columns.actions.read(open)) ? open : undefined',
      'open',
      { survives: 'the step of the action is judged first (guardStep)' },
    ],
  ]),
  ...guardsIn('store/sql/steps.ts', DECISIONS.tests, [
    [
      'all proofs are of one person',
      'if (!user || isOther)',
      'if (!user)',
      { survives: 'a passkey, and a mail, are asked for of the person whose the first proof was' },
    ],
    [
      'of two proofs at once the second is judged anew',
      '`proofs = $16 AND ',
      "`$16 <> '' AND ",
      { survives: 'the first takes both challenges away in the same write, and the second asks for its own' },
    ],
    ['what was sent before somebody was proven', 'passkey_challenge_id = NULL, is_named = 1', 'is_named = 1'],
    ['nobody else is typed in after a proof', 'is_named = 1, ', ''],
    [
      'a proof after the end is taken back',
      "  if (!action) throw new OstiaryError('state_conflict')\n",
      '  if (!action) return columns.actions.read(before)\n',
      { tests: ['http/actions.test.ts', 'races/actions.test.ts'] },
    ],
  ]),
  ...guardsIn(
    'store/sql/steps.ts',
    ['http/devices.test.ts'],
    [
      [
        'where a link goes on, the browser that presses it is judged',
        "'presented' in input ? input.presented : presentedFor",
        'presentedFor',
      ],
    ],
  ),
  ...guardsIn('store/sql/steps.ts', ENROLMENT, [
    [
      'a proof of something that was theirs before',
      'isNewUser || challenge.ownerId === userId',
      "isNewUser || userId !== ''",
    ],
    [
      'a session stands on the proof and not on the enrolment',
      'const last = next.proofs.findLast(one => !one.isEnrolment)',
      'const last = next.proofs.at(-1)',
    ],
    ['an enrolment shows nothing to a session', 'rows.filter(row => !enrolments.has(row.id))', 'rows'],
  ]),
  ...guardsIn('core/actions/demands.ts', ENROLMENT, [
    [
      'an enrolment counts where the rule says so',
      'proofs.filter(one => !one.isEnrolment || demand.enrolmentCounts)',
      'proofs',
    ],
    ['an enrolment follows a proof', 'proofs.some(one => !one.isEnrolment) &&\n', ''],
    ['an enrolment is due where the rule takes it', 'demand.enrolmentCounts && takes', 'takes'],
  ]),
  ...guardsIn('core/actions/judge.ts', ENROLMENT, [
    ['an enrolment is for who has none', 'isOn && !hasOne && owner.mayEnrol', 'isOn && owner.mayEnrol'],
    ['an enrolment follows what was proven before', '!hasOne && owner.mayEnrol &&', '!hasOne &&'],
    [
      'who cannot enrol is for a person to look at',
      "canProve(asked, means) ? 'CHALLENGE' : 'REVIEW'",
      "'CHALLENGE'",
    ],
    [
      'whether an enrolment counts depends on who proves',
      '!isJudged || demands.some(one => one.enrolmentCounts)',
      '!isJudged',
    ],
  ]),
  ...guardsIn('core/actions/passkey.ts', ENROLMENT, [
    [
      'to enrol is a step that is due',
      "const ENROLLING = ['enroll', 'offer']",
      "const ENROLLING = ['enroll', 'offer', 'method']",
      { survives: 'the write reads an action where it is due' },
    ],
  ]),
  ...guardsIn('store/sql/actions.ts', NAMED_USERS, [
    [
      'one user for an externalId',
      "if (!(await makeUser(tx, input.newUser, input))) return { kind: 'userKnown' }",
      'await makeUser(tx, input.newUser, input)',
    ],
    ['no user for a reference that is taken', '    if (earlier) return earlier\n', ''],
  ]),
  ...guardsIn('core/actions/track.ts', NAMED_USERS, [
    [
      'nothing to prove by is for a person to look at',
      "hasMeans || told.state !== 'CHALLENGE_REQUIRED'",
      'true',
    ],
    ['an address that is told is not proven', 'verifiedAt: null,', 'verifiedAt: now,'],
  ]),
  ...guardsIn(
    'core/passkeys/begin.ts',
    ['http/passkeys.test.ts', 'http/passkey-actions.test.ts'],
    [
      [
        'passkeys that are off',
        "  if (!settings.methods.passkey)\n    throw fieldError('method', 'invalid_value', 'is not a method that the settings have on')\n",
        '',
      ],
      [
        'nobody is shown everybody’s passkeys',
        "  if (ceremony === 'authentication' && authenticators.length === 0)\n    return refuse('state_conflict', 'The user has no passkey.')\n",
        '',
      ],
      [
        'a registration opens no session',
        "input.ceremony === 'authentication' && input.opensSession",
        'input.opensSession',
        { survives: 'the write of a registration opens none' },
      ],
      ['limits on passkey challenges', 'limits: passkeyLimits(input.circumstances),', 'limits: [],'],
    ],
  ),
  ...guardsIn(
    'core/passkeys/finish.ts',
    ['http/passkeys.test.ts', 'http/passkey-actions.test.ts'],
    [
      ['user verification where it is asked for', "challenge.userVerification === 'required'", 'false'],
      [
        'a passkey that was not asked for by name says whose it is',
        'challenge.userId !== null && challenge.actionId === null',
        'challenge.userId !== null',
      ],
      [
        'the developer’s machine in test alone',
        "view.environment.mode === 'test' && isLocalhostOrigin(origin)",
        'isLocalhostOrigin(origin)',
      ],
      ['a synced key is not told as hardware', "judged.isBackupEligible ? 'swk' : 'hwk'", "'hwk'"],
      ['one factor is not told as two', "...(judged.isUserVerified ? ['mfa'] : [])", "'mfa'"],
    ],
  ),
  ...guardsIn(
    'core/challenges/verify.ts',
    ['http/passkeys.test.ts'],
    [
      [
        'a proof of one purpose',
        '&& challenge.purpose === purpose &&',
        '&&',
        { survives: 'the write asks for the purpose, too' },
      ],
    ],
  ),
  ...guardsIn(
    'core/authenticators/authenticators.ts',
    ['http/passkeys.test.ts'],
    [
      [
        'methods that are off are no way in',
        "methods.emailCode || methods.emailLink ? ['email'] : []",
        "['email']",
      ],
      ['keys that can never verify', '  if (!(await canBeStored(input)))', '  if (false)'],
    ],
  ),
  ...guardsIn(
    'core/actions/passkey.ts',
    ['http/passkey-actions.test.ts'],
    [
      ['whom a backend named', 'row: { ...asked.row, userId: action.userId }', 'row: { ...asked.row }'],
      [
        'whom a backend named by an address',
        'action.isNamed && action.userId === null ? action.address : null',
        'null',
      ],
      ['no offer where passkeys are off', 'settings.methods.passkey ? { everyMs', 'settings ? { everyMs'],
    ],
  ),
  ...guardsIn(
    'core/addresses/public-ip.ts',
    ['webhooks/targets.test.ts'],
    [
      [
        'special IPv4 addresses',
        "if (isIPv4(address)) return !specialV4.check(address, 'ipv4')",
        'if (isIPv4(address)) return true',
      ],
      ['IPv6 that is not handed out', "globalV6.check(address, 'ipv6') && ", ''],
      ['IPv6 that stands for something else', " && !specialV6.check(address, 'ipv6')", ''],
      [
        'link-local, where clouds keep credentials',
        "  '169.254.0.0/16', // link-local; metadata of most clouds\n",
        '',
      ],
      ['shared by carriers', "  '100.64.0.0/10', // shared by carriers; metadata of some clouds\n", ''],
      ['this network', "  '0.0.0.0/8', // this network\n", ''],
      ['6to4', "  '2002::/16', // carries IPv4 (6to4)\n", ''],
      ['Teredo', "  '2001::/23', // protocol assignments; 2001::/32 carries IPv4 (Teredo)\n", ''],
    ],
  ),
  ...guardsIn(
    'core/webhooks/target.ts',
    ['webhooks/targets.test.ts'],
    [
      [
        'schemes of a target',
        "if (url.protocol !== 'https:' && url.protocol !== 'http:') throw",
        'if (false) throw',
      ],
      ['no password in a target', "if (url.username !== '' || url.password !== '')", 'if (false)'],
      ['private addresses', '  if (!isPublicIp(address))\n', '  if (false)\n'],
      ['ports of a public target', 'if (!PORTS.includes(port)) return', 'if (false) return'],
      ['https in live', "protocol === 'http:' && mode === 'live' ? 'is not https' : null", 'null'],
      [
        'only listed private targets',
        'if (privateTargets.includes(address)) return null',
        'if (!privateTargets.isEmpty) return null',
      ],
      ['addresses at save', 'if (isIP(host) !== 0)', 'if (false)'],
      ['names of a private network', "|| !host.includes('.'))", '&& false)'],
    ],
  ),
  ...guardsIn(
    'webhooks/post.ts',
    ['webhooks/targets.test.ts'],
    [
      [
        'every address that a name leads to',
        'addresses.map(refusalOf).find(',
        'addresses.slice(0, 1).map(refusalOf).find(',
      ],
      ['the connection goes to what was judged', '      lookup: pinned,\n', ''],
      ['an answer is read to its bound', 'if (size >= MAX_ANSWER_BYTES) end()', ''],
      ['a resolver that hangs', 'await within(endsAt, timeoutMs, resolve(host))', 'await resolve(host)'],
      [
        'control characters of an answer',
        "return bytes.toString('utf8').replace(/[^\\P{Cc}\\t\\n]/gu, '')",
        "return bytes.toString('utf8')",
        { tests: ['http/webhooks.test.ts'] },
      ],
    ],
  ),
  ...guardsIn(
    'webhooks/attempt.ts',
    ['http/webhooks.test.ts'],
    [
      ['410 ends an endpoint', 'if (result.status === GONE)', 'if (false)'],
      [
        'only 2xx is taken',
        'if (result.status >= 200 && result.status < 300)',
        'if (result.status >= 200 && result.status < 400)',
      ],
      [
        'an event that is gone is not sent',
        'if (delivery.eventId !== null && !event) return',
        'if (false) return',
      ],
    ],
  ),
  ...guardsIn('store/sql/webhook-queue.ts', STORE, [
    ['a lease has its time', 'AND leased_until > $3\n', ''],
    [
      'a lease is of one attempt',
      'WHERE webhook_deliveries.id = $1 AND attempt = $2 AND',
      'WHERE webhook_deliveries.id = $1 AND $2 > 0 AND',
    ],
    [
      'a notice in the write that disables',
      '    await tellOf(tx, one, noticesOf(one))',
      '    await tellOf(tx, one, [])',
    ],
    ['a disabled endpoint is not called', "\n       AND webhook_endpoints.status = 'enabled'`", '`'],
    [
      'nothing is claimed for a disabled endpoint',
      " WHERE webhook_endpoints.id = $1 AND status = 'enabled'`",
      ' WHERE webhook_endpoints.id = $1`',
    ],
    [
      'a lost lease settles nothing',
      "WHERE id = $1 AND attempt = $2 AND status = 'pending' AND leased_until <> 0",
      "WHERE id = $1 AND $2 > 0 AND status = 'pending'",
    ],
    [
      'one event when an endpoint is disabled',
      "WHERE id = $1 AND status = 'enabled' AND (",
      'WHERE id = $1 AND (',
    ],
    [
      'our own faults disable nobody',
      "(one.kind === 'failed' && one.isReceiversFault)",
      "one.kind === 'failed'",
    ],
    [
      'a replay ends the try under way',
      'leased_until = 0, attempt = attempt + 1, failures = 0',
      'failures = 0',
    ],
    [
      'a delivery of this endpoint and environment',
      'WHERE id = $2 AND endpoint_id = $3 AND environment_id = $4 RETURNING',
      'WHERE id = $2 AND $3 <> $4 RETURNING',
      { tests: ['http/isolation.test.ts'] },
    ],
    [
      'one worker for a delivery, where many take at once',
      "${tx.isShared ? 'FOR UPDATE SKIP LOCKED' : ''}",
      '',
      { tests: ['store/postgres.test.ts'] },
    ],
  ]),
  ...guardsIn('store/sql/webhooks.ts', STORE, [
    ['twenty endpoints', 'if (Number(count?.count) >= max) return null', ''],
    [
      'nothing is enabled without a secret',
      "if (isEnabled && row.sealed_secret === null) return 'noSecret'",
      '',
    ],
    [
      'endpoints of one environment',
      "'SELECT * FROM webhook_endpoints WHERE id = $1 AND environment_id = $2', id, environmentId",
      "'SELECT * FROM webhook_endpoints WHERE id = $1 AND $2 > 0', id, environmentId.length",
      { tests: ['http/isolation.test.ts'] },
    ],
  ]),
  ...guardsIn('migrations/sqlite/0007_webhooks.sql', STORE, [
    [
      'an event is queued where it happened',
      'FROM webhook_endpoints\n  WHERE environment_id = NEW.environment_id AND',
      'FROM webhook_endpoints\n  WHERE',
    ],
    [
      'an event type is a whole name',
      `instr(event_types, '"' || NEW.type || '"') > 0`,
      'instr(event_types, NEW.type) > 0',
    ],
  ]),
  ...guardsIn('migrations/postgres/0007_webhooks.sql', POSTGRES, [
    ['an event is queued where it happened', 'ON endpoint.environment_id = event.environment_id AND', 'ON'],
    [
      'an event type is a whole name',
      `position('"' || event.type || '"' IN endpoint.event_types) > 0`,
      'position(event.type IN endpoint.event_types) > 0',
    ],
  ]),
  ...guardsIn(
    'http/account.ts',
    ['browser/account.test.ts'],
    [
      [
        'a way back on the list alone',
        '      guardRedirect(found, found.app, { redirectUrl: query.returnUrl, codeChallenge: undefined })\n',
        '',
      ],
    ],
  ),
  ...guardsIn(
    '../../sdk/src/passkeys/ceremony.ts',
    ['browser/passkey-sign-in.test.ts'],
    [['a passkey that counts is not forgotten', ' || counter.some(byte => byte !== 0)', '']],
  ),
  ...guardsIn(
    '../../sdk/src/passkeys/steps.ts',
    ['browser/passkey-sign-in.test.ts'],
    [['a window that gave way to a press', '    stopPasskeys()\n  }', '  }']],
  ),
  ...guardsIn(
    'core/hooks/before-sign-in.ts',
    ['http/before-sign-in.test.ts'],
    [
      [
        'a hook is asked',
        'view.settings.hooks.beforeSignIn.url === null ? consent({}) : null',
        'consent({})',
      ],
      ['a failure refuses', "if (onFailure === 'allow') return consent({})", 'return consent({})'],
      [
        'a no refuses',
        "if (decision.decision === 'allow') return consent(decision.claims)",
        'return consent({})',
      ],
      ['a no ends the proof', 'await deps.store.denySignIn({', 'await Promise.resolve({'],
      ['nothing is asked unsigned', 'url === null || keys === null', 'url === null'],
    ],
  ),
  ...guardsIn(
    'core/hooks/answer.ts',
    ['http/before-sign-in.test.ts'],
    [
      ['reserved claims', '.find(name => RESERVED_CLAIMS.has(name))', '.find(() => false)'],
      ['the size of claims', 'Buffer.byteLength(JSON.stringify(claims)) > MAX_CLAIMS_LENGTH', 'false'],
      ['unknown fields', 'const Answer = z.strictObject(', 'const Answer = z.object('],
      [
        'names that reach for a prototype',
        "name === '__proto__' ? refuseName() : part",
        'name === null ? refuseName() : part',
      ],
    ],
  ),
  ...guardsIn(
    'hooks/caller.ts',
    ['hooks/caller.test.ts'],
    [
      ['calls that are out', 'if (isOut >= MAX_CALLS)', 'if (isOut < 0)'],
      [
        'addresses in the URL',
        'isIP(host) === 0 ? null : refusalOf(host)',
        'isIP(host) === 0 ? refusalOf(host) && null : null',
      ],
      [
        'addresses that a name leads to',
        'addresses.map(({ address }) => refusalOf(address)).find(one => one !== null)',
        'addresses.map(({ address }) => refusalOf(address)).find(() => false)',
      ],
      ['live and test share no connection', 'agents[call.mode]', 'agents.test'],
      ['only 200', 'if (statusCode !== 200)', 'if (statusCode === 0)'],
      [
        'only JSON',
        "if (!/^application\\/json\\s*(;|$)/i.test(headers['content-type'] ?? ''))",
        "if (headers['content-type'] === '')",
        { tests: ['http/before-sign-in.test.ts'] },
      ],
      [
        'the size of an answer',
        'if (size > MAX_ANSWER_BYTES)',
        'if (size < 0)',
        { tests: ['http/before-sign-in.test.ts'] },
      ],
    ],
  ),
  ...guardsIn(
    'core/sessions/tokens.ts',
    ['http/before-sign-in.test.ts'],
    [['claims reach the session', '    claims,\n    device', '    claims: {},\n    device']],
  ),
  ...guardsIn(
    'core/sessions/access-token.ts',
    ['http/before-sign-in.test.ts'],
    [['claims reach each access token', '    ...session.claims,\n', '']],
  ),
  ...guardsIn(
    'store/sql/hooks.ts',
    ['http/before-sign-in.test.ts'],
    [
      [
        'a secret ends with its overlap',
        '(expires_at IS NULL OR expires_at > $2)',
        '($2 > 0 OR expires_at IS NULL)',
      ],
      [
        'a proof that opened a session stays as it is',
        ' AND session_opened_at IS NULL AND ended_at IS NULL',
        ' AND ended_at IS NULL',
        {
          survives:
            'openSession looks at session_opened_at before ended_at, and a session does not look back at its challenge',
        },
      ],
    ],
  ),
  ...guardsIn(
    'core/settings/change.ts',
    ['http/before-sign-in.test.ts'],
    [
      ['addresses of a hook at save', '  if (refusal) throw fieldError(', '  if (!url) throw fieldError('],
      ['no hook without a secret', 'if (!(await hookKeys(deps, environment.id)))', 'if (!url)'],
    ],
  ),
  ...guardsIn(
    'store/sql/users.ts',
    ['http/account.test.ts'],
    [
      [
        'no unproven address is put beside passkeys alone',
        "  if (verifiedAt === null && (await hasPasskeysAlone(tx, user))) return { conflict: 'passkeysAlone' }\n",
        '',
      ],
      [
        'a backend leaves no unproven address beside passkeys alone',
        'removed.verifiedAt === null || !(await hasPasskeysAlone(tx, left))',
        'left.id !== null',
      ],
    ],
  ),
  ...guardsIn(
    'core/addresses/address-list.ts',
    ['http/client-ip.test.ts'],
    [['a range of 0 bits by mistake', '/^([^/]*)(?:\\/(\\d{1,3}))?$/', '/^([^/]*)(?:\\/(\\d{0,3}))?$/']],
  ),
  ...guardsIn(
    'store/sql/devices.ts',
    ['http/devices.test.ts'],
    [
      [
        'a device that was ended for this user',
        'if (shown && known && known.ended_at === null) {',
        'if (shown && known) {',
      ],
      ['an ended device does not come back', 'const id = shown && !known ?', 'const id = shown ?'],
      [
        'a token that was planted',
        "'UPDATE devices SET token_hash = $2, last_seen_at",
        "'UPDATE devices SET last_seen_at",
      ],
      [
        'a device of its own environment',
        'token_hash = $1 AND environment_id = $2',
        'token_hash = $1 AND $2 = $2',
      ],
      [
        'a device of this epoch',
        ' AND epoch = $3 AND ended_at IS NULL',
        ' AND $3 = $3 AND ended_at IS NULL',
        { survives: 'the epoch is part of the hash of every token' },
      ],
      [
        'a device that is ended whole',
        'epoch = $3 AND ended_at IS NULL',
        'epoch = $3',
        { survives: 'its users are ended in the same write, and nobody else has signed in on it' },
      ],
      [
        'no list of ended ones without an end',
        '  if (rows.length > 0) await forgetEnded(tx, userId, environmentId)\n  return rows.map(row => deviceEnded(row.device_id, userId, reason',
        '  return rows.map(row => deviceEnded(row.device_id, userId, reason',
      ],
      ['what was ended after its proof stays so', '  if (known && known.ended_at !== null) return []\n', ''],
      [
        'no list without an end',
        'const events = await makeRoom(tx, user, origin, now)',
        'const events: Event[] = []',
      ],
      ['what is ended is not remembered', "  if (before.endedAt !== null) return 'stateConflict'\n", ''],
    ],
  ),
  ...guardsIn(
    'store/sql/actions.ts',
    ['http/devices.test.ts'],
    [
      [
        'no device by a proof that has ended',
        "  if (proof?.ended_at !== null || user.status === 'blocked') return { action, isDeviceNew: false }\n",
        '',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/sessions.ts',
    ['http/devices.test.ts'],
    [
      [
        'a new device is told of at its challenge',
        'rememberMs }, { ...challenge, circumstances }',
        'rememberMs }, { ...challenge, id: user.id, circumstances }',
      ],
      [
        'a device is known from the sign-in on, and not from the proof',
        '  const kept = action?.deviceId ?? null\n',
        '  const kept = null\n',
      ],
      [
        'signing out everywhere ends devices',
        "...(await endDevices(tx, user, origin, tx.judgeAt(now), 'signed_out'))",
        '',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/proofs.ts',
    ['http/devices.test.ts'],
    [['adoption ends devices', "...(await endDevices(tx, user, origin, now, 'adopted'))", '']],
  ),
  ...guardsIn(
    'http/client/me/sign-out.ts',
    ['http/account.test.ts'],
    [['signing out leaves the session of another tab', 'held.sessionId !== session.id', 'false']],
  ),
  ...guardsIn(
    'store/sql/proofs.ts',
    ['http/passkey-actions.test.ts'],
    [
      [
        'adoption forgets what a stranger was offered',
        "    await tx.run('UPDATE users SET passkey_offered_at = NULL WHERE id = $1', user.id)\n",
        '',
      ],
    ],
  ),
  ...guardsIn(
    'core/actions/link.ts',
    ['http/devices.test.ts'],
    [
      [
        'a link that is pressed where it was asked for notes its device',
        'isSameBrowser ? shown : undefined',
        'undefined',
      ],
    ],
  ),
  ...guardsIn(
    'core/devices/devices.ts',
    ['http/devices.test.ts'],
    [
      [
        'no token of another kind',
        "shown && isToken('odt', shown)",
        'shown',
        { survives: 'the hash of another text is no hash of a device token' },
      ],
      ['remembered for a bounded time', 'until <= now || until > now + 400 * DAY', 'until <= now'],
    ],
  ),
  ...guardsIn(
    'http/client/serve.ts',
    ['http/devices.test.ts'],
    [['no cookie of ours in pages of others', 'const kept = isOwn(deps, c)', 'const kept = jar']],
  ),
  ...guardsIn(
    'store/sql/past.ts',
    ['store/past.test.ts'],
    [
      [
        'a past is not looked for among all challenges of a day',
        'identifiers CROSS JOIN challenges',
        'identifiers JOIN challenges',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/past.ts',
    ['http/signals.test.ts'],
    [
      ['devices of this epoch are counted', '       AND epoch = $3`', '       AND $3 = $3`'],
      ['no failures of an address that is only claimed', ' AND coalesce(identifiers.verified_at, 0) > 0', ''],
    ],
  ),
  ...guardsIn(
    'store/sql/devices.ts',
    ['http/signals.test.ts', 'store/sqlite.test.ts'],
    [
      [
        'a token known to this user',
        'AND user_id = $4 AND device_users.ended_at',
        'AND $4 = $4 AND device_users.ended_at',
      ],
      [
        'a device that is not ended for the user',
        'user_id = $4 AND device_users.ended_at IS NULL',
        'user_id = $4',
      ],
      ['a device that is not ended', ' AND epoch = $3 AND devices.ended_at IS NULL\n', ' AND epoch = $3\n'],
      ['a device of its environment', 'AND devices.environment_id = $2', 'AND $2 = $2'],
      ['a device of its epoch', ' AND epoch = $3 AND devices', ' AND $3 = $3 AND devices'],
      [
        'a resend to a device that knows the owner no more',
        'user_id = $2 AND device_users.ended_at IS NULL AND devices.ended_at IS NULL',
        'user_id = $2 AND devices.ended_at IS NULL',
      ],
      [
        'a resend to a device that is ended whole',
        'device_users.ended_at IS NULL AND devices.ended_at IS NULL`',
        'device_users.ended_at IS NULL`',
        { survives: 'its users are ended in the same write' },
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/challenges.ts',
    ['store/sqlite.test.ts', 'http/known-devices.test.ts'],
    [
      [
        'a known device has its own limits',
        'takeLimits(tx, known?.limits ?? input.limits, origin, now)',
        'takeLimits(tx, input.limits, origin, now)',
      ],
      [
        'a known device knows the owner of the address',
        "const userId = (await holderOf(tx, environmentId, row.address))?.id ?? ''",
        "const userId = (await holderOf(tx, environmentId, 'a@x.test'))?.id ?? ''",
      ],
      [
        'the exposure of a known device is its own',
        'wouldExpose(tx, origin.environmentId, known ?? asked,',
        'wouldExpose(tx, origin.environmentId, asked,',
      ],
      [
        'guesses at what a known device began count there',
        'deviceId: known?.deviceId ?? null',
        'deviceId: null',
      ],
      [
        'a resend asks whether the device is still known',
        'device && (await isKnownTo(tx, device)) ?',
        'device ?',
      ],
      [
        'a resend is bounded with its device',
        'deviceOf(row) ?? { address: row.address },',
        '{ address: row.address },',
      ],
      [
        'a device that moved on while the bucket was waited for',
        'shown && isSame(await knownDevice(tx, input), shown) ? shown : null',
        'shown',
        POSTGRES_STORE,
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/exposure.ts',
    ['store/sqlite.test.ts'],
    [
      ['the device of somebody does not use up the exposure of the address', ' AND device_id IS NULL', ''],
      ['the exposure of a device is that of one user', ' AND owner_id = $7', ' AND $7 = $7'],
    ],
  ),
  ...guardsIn(
    'core/limits/limits.ts',
    ['http/known-devices.test.ts'],
    [
      [
        'a known device is not spared the limit of its IP',
        'windows }, limits: ipLimits(settings, circumstances) }',
        'windows }, limits: [] }',
      ],
      [
        'a bucket for each user of a device',
        'key: `${userId} ${deviceId}`',
        'key: deviceId',
        { tests: ['store/sqlite.test.ts'] },
      ],
    ],
  ),
  ...guardsIn('migrations/postgres/functions/4_devices.sql', POSTGRES, [
    [
      'PostgreSQL: a known device knows the owner of the address',
      'user_id = holder AND device_users.ended_at IS NULL',
      'device_users.ended_at IS NULL',
    ],
    [
      'PostgreSQL: a known device is not ended for the user',
      'user_id = holder AND device_users.ended_at IS NULL;',
      'user_id = holder;',
    ],
    ['PostgreSQL: the address is that of the holder', 'IF holds IS DISTINCT FROM mail THEN', 'IF false THEN'],
    [
      'PostgreSQL: a known device is of its environment',
      'devices.environment_id = env AND epoch = (p',
      'epoch = (p',
      { survives: 'a user belongs to one environment, and the device has to know that user' },
    ],
    ['PostgreSQL: a known device is of its epoch', " AND epoch = (p ->> 'epoch')::integer\n", '\n'],
    [
      'PostgreSQL: a known device is not ended whole',
      '    AND devices.ended_at IS NULL AND user_id = holder',
      '    AND user_id = holder',
      { survives: 'its users are ended in the same write' },
    ],
    [
      'PostgreSQL: a bucket for each user of a device',
      "(shown -> 'own' ->> 'id') || holder || ' ' || found)",
      "(shown -> 'own' ->> 'id') || found)",
    ],
  ]),
  ...guardsIn('migrations/postgres/functions/4_send.sql', POSTGRES, [
    ['PostgreSQL: the bucket of a device is held', "names := names || (known ->> 'id');", 'names := names;'],
    [
      'PostgreSQL: a known device that moved on while the bucket was waited for',
      'known IS NOT NULL AND ostiary.known_device(p, mail) IS DISTINCT FROM known',
      'false',
      POSTGRES_STORE,
    ],
    [
      'PostgreSQL: a known device has its own exposure',
      'IF known IS NULL THEN\n      v_strong',
      'IF true THEN\n      v_strong',
    ],
    [
      'PostgreSQL: guesses at what a known device began count there',
      "'device_id', known -> 'deviceId', ",
      '',
    ],
  ]),
  ...guardsIn('migrations/postgres/functions/3_exposure.sql', POSTGRES, [
    [
      'PostgreSQL: the device of somebody does not use up the exposure of the address',
      ' AND c.device_id IS NULL',
      '',
    ],
    ['PostgreSQL: the exposure of a device is that of one user', " AND owner_id = known ->> 'userId'", ''],
  ]),
  ...guardsIn(
    'core/signals/signals.ts',
    ['core/signals.test.ts'],
    [
      [
        'a device that nobody could show is not unknown',
        '  if (device === undefined) return { count: deviceCount }\n',
        '',
      ],
      ['remembered only so long', ' && device.rememberedUntil > now', ''],
      [
        'a network that is guessed',
        'one.ipAddress === null) ? undefined : true',
        'one.ipAddress === null) || true',
      ],
      ['countries that are guessed', '...(isAllKnown && {', '...({'],
      ['no speed without a bound', 'Math.max(LEAST_MS, now - last.at)', '(now - last.at)'],
    ],
  ),
  ...guardsIn(
    'network-list.ts',
    ['core/network-files.test.ts'],
    [
      ['no half of a list', '    if (!range) throw', '    if (false) throw'],
      ['no empty list', '  if (ranges.length === 0) throw', '  if (false) throw'],
      ['prefixes that fit', '  if (prefix > bits) return null\n', ''],
    ],
  ),
  ...guardsIn(
    'network-files.ts',
    ['core/network-files.test.ts'],
    [
      [
        'IPv6 in a file of IPv4',
        "  if (ipVersion === 4 && address.includes(':')) return {}",
        '  if (false) return {}',
      ],
    ],
  ),
  ...guardsIn(
    'core/actions/mail.ts',
    ['http/action-mails.test.ts'],
    [
      ['no intent in a sign-in', " || name === 'signIn'", ''],
      ['no intent to an address that was typed', '!isNamed || userId === null || ', ''],
      ['no intent to an unproven address', " || !isAddressProven) return ''", ") return ''"],
      [
        'no intent that looks like a link',
        "LINK_LIKE.test(intent.normalize('NFKC')) ? '' : intent",
        'intent',
      ],
      ['full-width dots', "intent.normalize('NFKC')", 'intent'],
      ['a template that is there', '      if (!template) {', '      if (!template && false) {'],
      ['a template that fits', 'of fitErrors(template, use)', 'of [] as FieldError[]'],
    ],
  ),
  ...guardsIn(
    'core/settings/texts.ts',
    ['http/action-mails.test.ts'],
    [
      [
        'no text of its own outside of mails',
        '  if (!DEFINITION_TEXTS.some(known => known === key)) {',
        '  if (false) {',
      ],
      ['nothing of the action on a lock screen', "isOutside ? ['intent', ", 'isOutside ? ['],
      ['no code on a lock screen', "...(key.endsWith('.code') ? [] : ['code'])", ''],
    ],
  ),
  ...guardsIn(
    'delivery/mail.ts',
    ['http/action-mails.test.ts'],
    [['no intent in a subject', "...(challenge.actionId ? ['intent'] : [])", '']],
  ),
  ...guardsIn(
    'delivery/mail-language.ts',
    ['http/action-mails.test.ts'],
    [['texts of a definition in actions only', '(actionId && ', '(']],
  ),
  ...guardsIn(
    'http/sign-in-form.ts',
    ['http/plain-actions.test.ts'],
    [
      [
        'the ways that the rules leave',
        'methods: sentMethodsLeft((body?.methods ?? []).map(name => ({ name }))),',
        "methods: ['emailCode', 'emailLink'],",
      ],
    ],
  ),
  ...guardsIn(
    'http/client/device-cookie.ts',
    ['http/devices.test.ts'],
    [
      [
        'nobody is remembered who was asked and did not say yes',
        "jar[REMEMBER_COOKIE] === '1'",
        'jar !== null',
      ],
      [
        'a device cookie for each environment',
        '-device-${environment.id}`',
        '-device${environment.id.slice(0, 0)}`',
      ],
    ],
  ),
  ...guardsIn(
    'store/sql/sessions.ts',
    ['http/devices.test.ts'],
    [
      [
        'what was answered on the page holds for the session',
        'action?.remembersDevice === false ? 0 : next.rememberMs',
        'next.rememberMs',
      ],
    ],
  ),
]
