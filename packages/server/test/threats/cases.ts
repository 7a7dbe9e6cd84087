/** A case of the attack catalogue: what somebody tries, or what fails. */
export interface Case {
  id: number
  area: string
  tried: string
  /** The part of Ostiary that the case belongs to and comes with; none for what is there today. */
  comesWith?: string
}

/**
 * The catalogue, one case a line. Its numbers stand in brackets before the titles of the tests that try them; the
 * answers are those of the wire contract. Numbers are never given anew.
 */
export const CASES: Case[] = [
  {
    id: 1,
    area: 'address',
    tried: '`a@v.test,b@x.test`, semicolons, spaces, several recipients in one field',
  },
  {
    id: 2,
    area: 'address',
    tried: 'quoted local part holding an address: `"e@x.test"@v.test`, `"e@x.test y"@v.test`',
  },
  { id: 4, area: 'address', tried: 'RFC 5322 comments: `u@good.test(x)evil.test`, nested comments' },
  { id: 5, area: 'address', tried: 'IDN: U-label against A-label; mixed-script look-alike domain' },
  { id: 7, area: 'address', tried: '`Bob@`/`bob@`, domain case, trailing dot of domain' },
  { id: 8, area: 'address', tried: 'dots and plus tags (`a.b+x@` against `ab@`)' },
  {
    id: 10,
    area: 'address',
    tried:
      'CR, LF, NUL, tab, bidi and zero-width marks in address, display name, subject variable, envelope options',
  },
  {
    id: 11,
    area: 'address',
    tried: '1 MB address, 10,000 nested groups or quotes; local part 65, domain 256 octets',
  },
  {
    id: 13,
    area: 'address',
    tried: '`"Bob" <v@x.test>`, `mailto:`, IP literal, single label, localhost domain',
  },
  { id: 14, area: 'address', tried: 'attempts spread over user name, e-mail and phone of one person' },
  {
    id: 16,
    area: 'address',
    tried: 'phone as `+1 (415)...`, `001...`, fullwidth digits, `;ext=`, 16+ digits',
  },
  { id: 17, area: 'send', tried: '100 sends to one mailbox from 100 addresses in one hour' },
  { id: 19, area: 'sms', tried: 'sequential numbers of one prefix, many IPs', comesWith: 'SMS' },
  {
    id: 20,
    area: 'sms',
    tried: 'premium, shared-cost, satellite number; country not on the allow list',
    comesWith: 'SMS',
  },
  { id: 22, area: 'send', tried: 'resend every second for an hour' },
  {
    id: 23,
    area: 'send',
    tried: 'cookieless POST to send from a foreign Origin',
    comesWith: 'the browser API (publishable keys)',
  },
  {
    id: 25,
    area: 'send',
    tried: 'captcha service hangs or returns 500',
    comesWith: 'the browser API (bot check)',
  },
  { id: 26, area: 'send', tried: "attacker starts a new flow for the victim while victim's code is live" },
  { id: 28, area: 'otp', tried: '6th wrong guess, then the right code' },
  {
    id: 29,
    area: 'otp',
    tried: '200 parallel verifies of one flow, right code hidden at a random place, both databases',
  },
  { id: 31, area: 'otp', tried: '40 parallel flows for one identifier, 5 guesses each' },
  {
    id: 32,
    area: 'otp',
    tried: 'guesses split over e-mail code, TOTP, SMS, recovery code',
    comesWith: 'TOTP and recovery codes',
  },
  { id: 34, area: 'otp', tried: 'attacker logs in to own account between guesses at the victim' },
  { id: 35, area: 'otp', tried: 'code of flow A in flow B; other tenant, app, environment, user' },
  { id: 37, area: 'otp', tried: 'code 1 s after expiry with the cleaner stopped' },
  { id: 38, area: 'otp', tried: 'wrong, expired, used and unknown flow compared' },
  { id: 40, area: 'otp', tried: '`012345` as JSON number, spaces, hyphen, fullwidth digits, 1 MB code' },
  { id: 41, area: 'otp', tried: 'empty body, missing code, `""`, null, `[]`, `true`' },
  { id: 43, area: 'otp', tried: 'dump the database during a live flow' },
  { id: 44, area: 'otp', tried: 'spray: 10,000 accounts x 4 guesses from 10,000 IPs' },
  { id: 46, area: 'totp', tried: 'codes of steps -2, -1, 0, +1, +2; client-sent time', comesWith: 'TOTP' },
  {
    id: 47,
    area: 'totp',
    tried: 'secret shown again after enrolment; secret in URL, log or list API',
    comesWith: 'TOTP',
  },
  { id: 49, area: 'mfa', tried: 'expired MFA step with a valid TOTP', comesWith: 'TOTP' },
  {
    id: 50,
    area: 'mfa',
    tried: 'enrol TOTP, phone or e-mail factor without proving one code',
    comesWith: 'TOTP',
  },
  {
    id: 52,
    area: 'mfa',
    tried: 'user whose only first factor is a code, plus TOTP, where policy = highest available',
    comesWith: 'actions and rules',
  },
  {
    id: 53,
    area: 'mfa',
    tried: 'logout while half signed in; trusted-device cookie of user A sent for user B',
  },
  { id: 55, area: 'link', tried: 'scanner running JavaScript in headless Chromium' },
  { id: 56, area: 'link', tried: 'link opened in another browser than the one that asked' },
  {
    id: 58,
    area: 'link',
    tried: 'Host, X-Forwarded-Host, Forwarded, X-Forwarded-Proto, X-Original-URL, absolute request line',
  },
  { id: 59, area: 'link', tried: 'very first request after boot carries a false Host; base URL unset' },
  { id: 61, area: 'link', tried: 'caller-chosen base URL or template host' },
  {
    id: 62,
    area: 'link',
    tried: 'token cut by one char, lengthened, case-flipped, other base64 alphabet or padding',
  },
  { id: 64, area: 'link', tried: 'Referer, third-party asset, access log, browser history after opening' },
  {
    id: 65,
    area: 'link',
    tried:
      'link older than 10 min; superseded; after address change; after account deletion; after factor reset',
  },
  {
    id: 67,
    area: 'link',
    tried: 'attacker mails own link to victim (login CSRF); victim already signed in as another',
  },
  { id: 68, area: 'link', tried: 'token and session answers cached by proxy or browser' },
  {
    id: 70,
    area: 'enum',
    tried: 'known, unknown, blocked, deleted, unverified identifier at send, sign-up, recovery',
  },
  { id: 71, area: 'enum', tried: '20,000 timed requests, known against unknown' },
  {
    id: 73,
    area: 'enum',
    tried: 'code-check route: "no user" against "wrong code"; 429 only for real accounts',
  },
  { id: 74, area: 'enum', tried: 'change e-mail or phone to one owned by another' },
  {
    id: 76,
    area: 'hijack',
    tried: 'attacker opens account for `v@` unverified; owner later proves mailbox by code, link or IdP',
  },
  { id: 77, area: 'hijack', tried: 'attacker keeps a session from before the proof' },
  { id: 79, area: 'hijack', tried: 'pending e-mail change or link from before recovery' },
  {
    id: 80,
    area: 'hijack',
    tried: 'IdP says `email_verified` false, missing, or "true" as text',
    comesWith: 'sign-in with other providers',
  },
  { id: 82, area: 'hijack', tried: "proof by address marks whichever row holds it (attacker's)" },
  { id: 83, area: 'hijack', tried: 'mark own e-mail or phone verified through profile or management route' },
  {
    id: 85,
    area: 'hijack',
    tried: 'forced linking by GET or cross-site POST while signed in',
    comesWith: 'sign-in with other providers',
  },
  { id: 86, area: 'hijack', tried: 'delete user, register same address or id again' },
  {
    id: 88,
    area: 'hijack',
    tried: 'change e-mail or phone without fresh sign-in',
    comesWith: 'the browser API (own account)',
  },
  {
    id: 89,
    area: 'session',
    tried: 'session cookie set before sign-in',
    comesWith: 'the browser API (cookies)',
  },
  {
    id: 91,
    area: 'session',
    tried: 'disabled or deleted user: refresh, code, device grant, JWT grant, IdP login, API key',
  },
  { id: 92, area: 'refresh', tried: 'R0 used, then R0 again later' },
  {
    id: 94,
    area: 'refresh',
    tried: 'A marks R0 used and pauses before insert of R1; B replays R0 and revokes; A resumes',
  },
  { id: 95, area: 'refresh', tried: 'answer lost; client repeats R0 in 10 s, R1 not yet used' },
  { id: 97, area: 'refresh', tried: 'kill -9 between consuming R0 and storing R1' },
  { id: 98, area: 'refresh', tried: 'R0 from another client, app or tenant; no client authentication' },
  { id: 100, area: 'session', tried: 'cookie flags and size' },
  {
    id: 101,
    area: 'session',
    tried: 'same session as bearer instead of cookie',
    comesWith: 'the browser API (cookies)',
  },
  { id: 103, area: 'session', tried: 'missing key, broken provider config, store error during a check' },
  { id: 104, area: 'session', tried: 'default, short or sample secret in production mode' },
  { id: 106, area: 'session', tried: 'factor added, removed, reset', comesWith: 'authenticators' },
  { id: 107, area: 'session', tried: 'cookies of same name from a sibling subdomain' },
  {
    id: 109,
    area: 'jwt',
    tried: '`alg` none, HS256 signed with public key (PEM, whitespace-prefixed), other alg than key',
  },
  { id: 110, area: 'jwt', tried: '`jku`, `x5u`, `jwk` headers; `kid` as path, SQL, URL, unknown' },
  { id: 112, area: 'jwt', tried: 'wrong `aud`, `iss`, environment, tenant; `iss` as array' },
  { id: 113, area: 'jwt', tried: 'no `exp`, text `exp`, huge `exp`, future `nbf`, skew 59/61 s' },
  { id: 115, area: 'jwt', tried: '1 MB token, 100,000 dots, deep JSON, compressed bomb' },
  { id: 116, area: 'jwks', tried: 'rotation under load; client caches old set' },
  {
    id: 118,
    area: 'oidc',
    tried:
      'redirect_uri: extra path or query, port, case, slash, userinfo, `..;`, regex dot, wildcard; none registered',
    comesWith: 'OpenID Connect provider',
  },
  {
    id: 119,
    area: 'oidc',
    tried: 'register `javascript:`, `data:`, http (not loopback) redirect',
    comesWith: 'OpenID Connect provider',
  },
  {
    id: 121,
    area: 'oidc',
    tried: 'code of client A by client B, other redirect_uri, after 60 s',
    comesWith: 'OpenID Connect provider',
  },
  {
    id: 122,
    area: 'oidc',
    tried: 'PKCE: verifier omitted, wrong, `plain`; challenge stripped at authorise',
    comesWith: 'OpenID Connect provider',
  },
  {
    id: 124,
    area: 'rp',
    tried: 'id token for other `aud`, several audiences without `azp`, bad signature from discovery provider',
    comesWith: 'sign-in with other providers',
  },
  {
    id: 125,
    area: 'rp',
    tried: 'callback, IdP intent or id token sent twice',
    comesWith: 'sign-in with other providers',
  },
  {
    id: 127,
    area: 'rp',
    tried: 'user-supplied issuer, discovery or JWKS URL to private hosts',
    comesWith: 'sign-in with other providers',
  },
  {
    id: 128,
    area: 'oidc',
    tried:
      'device flow: approval by a session that did not enter the code; 6 wrong user codes; 20 parallel polls',
    comesWith: 'OpenID Connect provider',
  },
  {
    id: 130,
    area: 'oidc',
    tried: "revocation while store fails; other client's token",
    comesWith: 'OpenID Connect provider',
  },
  {
    id: 131,
    area: 'oidc',
    tried: 'logout without hint; foreign post-logout URI; forged back-channel logout token',
    comesWith: 'OpenID Connect provider',
  },
  {
    id: 133,
    area: 'oidc',
    tried: 'client assertion or DPoP `jti` replay in parallel, at clock tolerance edge',
    comesWith: 'OpenID Connect provider',
  },
  { id: 134, area: 'oidc', tried: 'form POST then redirect' },
  {
    id: 136,
    area: 'passkey',
    tried: 'challenge reused, expired, of other user; body copy differs from signed clientData',
  },
  {
    id: 137,
    area: 'passkey',
    tried: 'registration challenge at sign-in and the reverse',
  },
  {
    id: 139,
    area: 'passkey',
    tried: 'rpIdHash wrong; UP 0; UV 0 where required; BS 1 with BE 0; BE changed',
  },
  {
    id: 140,
    area: 'passkey',
    tried: 'credential id > 1023 bytes, or already held by another user',
  },
  { id: 142, area: 'passkey', tried: 'sign count equal or lower than stored' },
  {
    id: 143,
    area: 'passkey',
    tried: 'userHandle of other user, credential of other tenant, not in allow list',
  },
  {
    id: 145,
    area: 'passkey',
    tried: 'add, rename, delete without fresh proof; delete last factor',
    comesWith: 'account page',
  },
  {
    id: 146,
    area: 'passkey',
    tried: 'policy demands passkey; client claims none or asks for e-mail',
    comesWith: 'rules',
  },
  { id: 148, area: 'push', tried: 'approve without the shown number; wrong number', comesWith: 'push' },
  {
    id: 149,
    area: 'push',
    tried: 'approval from foreign, removed or cloned device; after expiry; replayed',
    comesWith: 'push',
  },
  {
    id: 151,
    area: 'action',
    tried: 'action data changed between approval and execution; approval used for second action',
  },
  { id: 152, area: 'risk', tried: 'IP, geo or agent unreadable (`X-Forwarded-For: a`)' },
  { id: 154, area: 'ip', tried: 'new X-Forwarded-For per request, no proxy configured' },
  {
    id: 155,
    area: 'ip',
    tried:
      'behind one trusted proxy: false left-most hops, X-Real-IP, header twice, underscore form, Connection-listed header',
  },
  { id: 157, area: 'limit', tried: '1,000 parallel requests at limit N; continued traffic' },
  { id: 158, area: 'limit', tried: 'restart, two processes, clock step' },
  { id: 160, area: 'limit', tried: 'limiter store down' },
  { id: 161, area: 'lockout', tried: 'attacker fails 1,000 times for the victim' },
  {
    id: 163,
    area: 'route',
    tried:
      '`/verify/`, `//verify`, case, `%76`, `;x`, HEAD, method override, query in path match, health User-Agent',
  },
  {
    id: 164,
    area: 'tenant',
    tried: 'every route x foreign user, org, app, env, session, key, webhook, template id',
  },
  {
    id: 166,
    area: 'tenant',
    tried: 'invitation: forged org or e-mail, replay, expired, other user accepts, inviter reads link by API',
    comesWith: 'organizations and invitations',
  },
  {
    id: 167,
    area: 'tenant',
    tried: 'two accepts at the last seat, in parallel',
    comesWith: 'organizations and invitations',
  },
  { id: 169, area: 'tenant', tried: 'decision cache shared by two tenants' },
  {
    id: 170,
    area: 'tenant',
    tried: 'deactivated org, project, grant, IdP, service user',
    comesWith: 'organizations and invitations',
  },
  { id: 172, area: 'key', tried: 'create API key unauthenticated with user_id in body' },
  {
    id: 173,
    area: 'key',
    tried: 'key in URL, in list answer, in log; after revoke; beyond scope; last use in parallel',
  },
  {
    id: 175,
    area: 'admin',
    tried: 'dashboard idle 31 min; reveal secret, impersonate, export',
    comesWith: 'the dashboard',
  },
  {
    id: 176,
    area: 'admin',
    tried: "admin sees or picks a user's code, link or recovery codes",
    comesWith: 'the dashboard',
  },
  { id: 178, area: 'web', tried: 'headers on every hosted page' },
  {
    id: 179,
    area: 'web',
    tried: 'widget postMessage from or to foreign origin; token to other "trusted" origin',
    comesWith: 'the widget',
  },
  {
    id: 181,
    area: 'web',
    tried: 'CSRF on every cookie route: text/plain JSON, form, no Origin, foreign Sec-Fetch-Site',
  },
  { id: 182, area: 'web', tried: 'stack trace, versions, debug route, metrics without auth' },
  { id: 184, area: 'mail', tried: 'HTML, link or URL-like text in user name, org name, invite text' },
  {
    id: 185,
    area: 'mail',
    tried:
      'tenant template: code execution, includes, endless loop, remote image, `javascript:` link, missing code',
  },
  {
    id: 187,
    area: 'hook',
    tried:
      'URL to loopback, 169.254.169.254, private v4/v6, mapped, decimal/octal, `localhost.`, DNS that changes, redirect to private, odd port',
    comesWith: 'webhooks and hooks',
  },
  {
    id: 188,
    area: 'hook',
    tried: 'altered body, old timestamp, reused id, rotated secret',
    comesWith: 'webhooks and hooks',
  },
  { id: 190, area: 'hook', tried: 'payload contents', comesWith: 'webhooks and hooks' },
  {
    id: 191,
    area: 'log',
    tried:
      'plant marked codes, tokens, keys in 1,000,000 requests at debug level, then search logs, traces, metrics, crash dumps, store',
  },
  { id: 193, area: 'log', tried: 'each success, failure, refusal, admin act' },
  { id: 194, area: 'crash', tried: 'kill -9 at every awaited step of send, 3,000 runs' },
  { id: 196, area: 'crash', tried: 'two workers, same row' },
  {
    id: 197,
    area: 'crash',
    tried: 'mail or SMS provider: 4xx, 5xx, time-out after DATA, TLS drop, 60 s slow, bad certificate',
  },
  {
    id: 199,
    area: 'crash',
    tried: 'PostgreSQL immediate stop and restart; fail-over to lagging copy',
    comesWith: 'PostgreSQL',
  },
  { id: 200, area: 'crash', tried: 'reads from a lagging replica after revoke', comesWith: 'PostgreSQL' },
  {
    id: 202,
    area: 'crash',
    tried: 'SQLite: two processes, long write, one-connection pool, nested transaction',
  },
  { id: 203, area: 'crash', tried: 'disk full at each write (store, WAL, log, temp)' },
  { id: 205, area: 'backup', tried: "restore last night's copy" },
  { id: 206, area: 'backup', tried: 'read a stolen backup' },
  { id: 208, area: 'crash', tried: 'throw or reject in handler, worker, event listener, hook' },
  { id: 209, area: 'crash', tried: 'SIGTERM with 100 requests in flight; SIGSTOP 30 s then CONT' },
  { id: 211, area: 'store', tried: 'adapter returns 0 affected rows, or delete error swallowed' },
  { id: 212, area: 'store', tried: 'same Idempotency-Key 20 times in parallel; other body with same key' },
  {
    id: 214,
    area: 'flow',
    tried: 'poll or exchange a sign-in with the flow id only (it stands in the mail, link or log)',
  },
  {
    id: 215,
    area: 'flow',
    tried: 'test codes, test numbers, mail viewer, disabled limits left on in live mode',
  },
  {
    id: 217,
    area: 'hook',
    tried: 'forged inbound bounce, complaint, delivery or SMS-status call',
  },
  {
    id: 218,
    area: 'tenant',
    tried:
      'auto-join by mail domain: unverified address, several `@`, two organisations claim one domain, DNS record gone',
    comesWith: 'organizations and invitations',
  },
  {
    id: 220,
    area: 'import',
    tried:
      'bulk import with clashing case, `verified:true`, foreign ids, old hashes, 1 million rows, stopped half-way',
    comesWith: 'import and export',
  },
  {
    id: 221,
    area: 'guest',
    tried: 'anonymous user upgraded while the address already has an account',
    comesWith: 'guests (actions)',
  },
  {
    id: 222,
    area: 'action',
    tried: 'attacker begins an action and the victim finishes it: url, link, code, result token',
  },
  {
    id: 223,
    area: 'action',
    tried:
      'a session without a proof in that action: allowed, reviewed, proven elsewhere or before the review',
  },
  {
    id: 224,
    area: 'rules',
    tried: 'a condition that errs, a signal that is missing, a proof that nobody can give',
  },
  {
    id: 225,
    area: 'device',
    tried: 'a known device by its id, by a token of another, planted or ended, or by a copied cookie value',
  },
  {
    id: 226,
    area: 'action',
    tried: 'the text of an action as bait: markup, links, a subject, mail to a stranger',
  },
  {
    id: 227,
    area: 'approval',
    tried: 'the number of another device: guessed, typed elsewhere, without a press, three times a day',
  },
]
