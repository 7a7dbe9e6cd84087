/** A case of the catalogue that a test elsewhere covers whole. */
export interface Covered {
  case: number
  /** Path below `packages/server/test`. */
  file: string
  /** As it stands in the file. */
  title: string
}

type Row = [cases: number[], file: string, title: string]

const ROWS: Row[] = [
  [
    [185],
    'http/templates.test.ts',
    'that is not safe or shows no code is refused with what is wrong where, and nothing is written',
  ],
  [[185], 'core/templates.test.ts', 'so is an image that could tell who opens the mail, with the reason'],
  [[185], 'core/templates.test.ts', 'reading takes time by the size, whatever is written'],
  [
    [217],
    'http/hooks.test.ts',
    'is refused with every header and field that is missing or changed, and nothing is written',
  ],
  [[217], 'http/hooks.test.ts', 'changes nothing but events, and the code still signs in'],
  [[17], 'http/limits.test.ts', 'from everywhere: 15 an hour, 40 a day'],
  [[22], 'http/challenges.test.ts', 'is too early before resendAt, and each send waits longer'],
  [
    [22],
    'store/contract/challenges.ts',
    'wait longer each time, until no send is left; of many at once one passes',
  ],
  [
    [28],
    'http/challenges.test.ts',
    'spends an attempt for each wrong one, and the last one ends the challenge',
  ],
  [[29], 'races/codes.test.ts', 'the right code among wrong ones: never more judged than there are attempts'],
  [[37], 'http/challenges.test.ts', 'is too late at the instant of its end, and not a millisecond before'],
  [[37], 'store/contract/attempts.ts', 'are refused from the instant of expiry on, and in another epoch'],
  [[40], 'core/code.test.ts', 'spaces and dashes anywhere never change the code'],
  [[40], 'http/requests.test.ts', 'a code of a megabyte is refused'],
  [[43, 191, 206], 'e2e/start.test.ts', 'leaves no code, link, token, key or secret in log or database'],
  [[53], 'http/devices.test.ts', 'is not known by a proof that ended before its result was taken'],
  [[53], 'http/devices.test.ts', 'that another user shows gets a new token, and knows both by it'],
  [[53], 'http/known-devices.test.ts', 'of another user'],
  [
    [17],
    'http/known-devices.test.ts',
    'uses up the victim’s mails; the victim on a known device still gets one, and signs in by it',
  ],
  [[55], 'browser/link.test.ts', 'still works after everybody has looked at it'],
  [
    [56],
    'browser/link.test.ts',
    'pressed in another browser, it signs nobody in there, and the code still works where it began',
  ],
  [[59, 104], 'cli/start.test.ts', 'tells all that is missing at once, each with its fix'],
  [
    [61],
    'http/challenges.test.ts',
    'a redirect URL that is not on the list, and says what is wrong with one that could never be',
  ],
  [[64], 'http/links.test.ts', 'shows a page that is not stored, framed or referred from, with a button'],
  [[65, 79], 'http/challenges.test.ts', 'blocking, deleting, and moving an address end what is open for it'],
  [
    [67],
    'pages/link-page.test.ts',
    'says who asked, when, where and for which address, and how long the link works',
  ],
  [[67, 181], 'browser/link.test.ts', 'cannot be framed or pressed by another origin'],
  [
    [70, 73],
    'http/enumeration.test.ts',
    'known, unknown, blocked, deleted and unproven addresses look the same',
  ],
  [[70], 'http/enumeration.test.ts', 'a decoy never succeeds, by code or by link, and the operator is told'],
  [
    [76, 77, 79],
    'store/contract/proofs.ts',
    'adopts a user with nothing proven, and ends all that hung on it',
  ],
  [
    [76, 77],
    'http/accounts.test.ts',
    'that was unproven is adopted by its first proof, which ends what hung on the account',
  ],
  [
    [79],
    'store/contract/proofs.ts',
    'leaves an address that was asked for by userId no way in after the adoption by another',
  ],
  [
    [82],
    'store/contract/proofs.ts',
    'pins its owner: an address that came to somebody else since the send is worth nothing',
  ],
  [[86], 'http/accounts.test.ts', 'that is deleted is gone, and its address and externalId are free'],
  [[91], 'http/accounts.test.ts', 'that is blocked can prove nothing, and may again when it is let in'],
  [[92], 'http/sign-in.test.ts', 'a refresh token is rotated, and the old one revokes the session'],
  [
    [94],
    'races/sessions.test.ts',
    'a refresh token by two places at once: one goes on or the session is revoked, never two lines of tokens',
  ],
  [
    [95],
    'http/sessions.test.ts',
    'within ten seconds is answered again to the same client, three times at most',
  ],
  [[97, 194], 'crash/faults.test.ts', 'nothing that was answered is lost, nothing works twice'],
  [[98], 'http/sessions.test.ts', 'in the other environment is 401 and revokes nothing'],
  [[104], 'cli/start.test.ts', 'tells all that is unsafe at once, as JSON too, and never repeats a secret'],
  [
    [109, 112, 113],
    'http/sessions.test.ts',
    'that is forged, foreign, expired or for somebody else is not active',
  ],
  [[134], 'http/links.test.ts', 'leads to the app with token and state behind its own query'],
  [[152], 'http/challenges.test.ts', 'two IP addresses'],
  [[154], 'http/client-ip.test.ts', 'is the peer’s where the peer is not trusted'],
  [[154, 155], 'http/client-ip.test.ts', 'cannot be chosen by what a browser puts in front'],
  [[155], 'http/client-ip.test.ts', 'is the right-most hop that is not trusted'],
  [[157], 'http/limits.test.ts', 'of which N + 1 come at once let exactly N pass'],
  [
    [157],
    'store/contract/limits.ts',
    'slide: never more than N in any window, and the wait that is told is enough',
  ],
  [[164], 'http/isolation.test.ts', 'answers like nothing, and nothing is written: %s'],
  [[169], 'http/sessions.test.ts', 'of one environment is nothing in the other'],
  [[172], 'http/isolation.test.ts', '%s is unauthorized'],
  [[173], 'http/endpoint-answers.test.ts', 'API keys: the secret is in the first answer alone'],
  [[173], 'http/accounts.test.ts', 'is dead at the instant of its revocation, and is revoked once'],
  [[173], 'http/accounts.test.ts', 'never makes another one unless it may do everything'],
  [
    [178],
    'pages/link-page.test.ts',
    'starts from nothing and lets the form lead to its own and the redirect origin only',
  ],
  [
    [182],
    'http/socket.test.ts',
    'answers over a socket as it does without one, and names neither server nor version',
  ],
  [[184], 'delivery/mail.test.ts', 'are text in the HTML part, wherever they come from'],
  [[193], 'store/contract/attempts.ts', 'tell challenge, user and session of the proof, and write the same'],
  [[193], 'store/contract/challenges.ts', 'are written with message, link and events in one'],
  [[196], 'store/contract/messages.ts', 'due are each given to one of many workers'],
  [[197], 'e2e/start.test.ts', 'a 4xx is tried again, and one mail arrives'],
  [[197], 'e2e/start.test.ts', 'a 5xx is final, and the timeline says why'],
  [
    [197],
    'delivery/smtp.test.ts',
    'by not offering STARTTLS where it is required gets no word of the mail, and the remedy is named',
  ],
  [
    [202],
    'store/group-commit.test.ts',
    'refuses when somebody else holds the file, without waiting for ever, and works again after',
  ],
  [
    [203],
    'store/group-commit.test.ts',
    'refuses what does not fit, keeps what was answered, and works again when there is room',
  ],
  [[205], 'store/contract/clocks.ts', 'a lower epoch is refused'],
  [
    [208],
    'http/requests.test.ts',
    'a store that does not answer is unavailable, and what nobody expected is an internal error',
  ],
  [[208], 'delivery/outbox-failures.test.ts', 'by anything that a broken transport throws is tried again'],
  [
    [209],
    'e2e/start.test.ts',
    'SIGTERM answers what is under way, delivers what is being sent, and exits with 0',
  ],
  [
    [209],
    'delivery/outbox-failures.test.ts',
    'that ran out while the provider is slow does not lead to a second send by this process',
  ],
  [
    [211],
    'store/contract/attempts.ts',
    'of many right answers verify exactly one, with one user and one session',
  ],
  [[212], 'races/idempotency.test.ts', 'send: one challenge, one message'],
  [[212], 'http/idempotency.test.ts', 'is refused with another body, and answered anew under another header'],
  [
    [136],
    'http/passkeys.test.ts',
    'when it is late, replayed, for another purpose, or for a challenge that a code answers',
  ],
  [[136], 'http/passkey-actions.test.ts', 'counts the latest challenge alone, of its own action, once'],
  [[136], 'races/passkeys.test.ts', 'of fifty that present one answer at once one gets the session'],
  [[137], 'http/passkeys.test.ts', 'in the other ceremony'],
  [[139], 'http/passkeys.test.ts', 'for another relying party'],
  [[139], 'http/passkeys.test.ts', 'without the person being there'],
  [[139], 'http/passkeys.test.ts', 'of a key that is suddenly copied'],
  [[139], 'http/passkeys.test.ts', 'of a key that is copied and cannot be'],
  [[139], 'http/passkeys.test.ts', 'without the person being verified, where that is asked for'],
  [[140], 'http/passkeys.test.ts', 'when its credential id has more than 1023 bytes'],
  [[140], 'http/passkeys.test.ts', 'when another user has its credential id'],
  [[140], 'races/passkeys.test.ts', 'of two users who register one credential at once one has it'],
  [
    [142],
    'http/passkeys.test.ts',
    'when its counter does not rise, with an event; passkeys that do not count pass',
  ],
  [[143], 'http/passkeys.test.ts', 'with another’s user handle'],
  [[143], 'http/passkeys.test.ts', 'in another environment, whose passkeys are its own'],
  [[143], 'http/passkeys.test.ts', 'is asked for by its user’s name: only theirs answers'],
  [[143], 'http/passkey-actions.test.ts', 'is proven by a passkey of that user, and by no other'],
]

/** Cases and the tests outside of this folder that cover them; `registry.test.ts` holds it against the files. */
export const COVERED: Covered[] = ROWS.flatMap(([cases, file, title]) =>
  cases.map(id => ({ case: id, file, title })),
)
