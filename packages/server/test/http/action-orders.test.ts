import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { softwareAuthenticator } from '../setup/authenticator.ts'
import { isOnPostgres, PUBLIC_URL, type TestServer, testServer } from '../setup/server.ts'
import * as model from './action-orders.ts'
import { APP_BACK, appOf, browse, cookieOf, hosted, S256, VERIFIER } from './browser.ts'
import { addRule, dropRules } from './rule-set.ts'
import { fresh, later, purge, wrongCode } from './world.ts'

/**
 * No order of calls reaches a proven action, a result token or a session without the right proof in that action: two tabs,
 * two mailboxes, two strangers who press what was mailed, an operator, and a clock, against a model of what is due.
 */

let server: TestServer
let app: App
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
  const many = { minute: 10_000, hour: 10_000, day: 10_000 }
  const { minute, hour, day } = many
  const limits = { sendsPerAddress: { hour, day }, sendsPerAddressUntold: { minute, hour } }
  expect((await server.call('PATCH', '/v1/settings', { limits })).status).toBe(200)
})
afterAll(async () => {
  await purge(server)
  expect(await server.violations()).toEqual([])
  await server.stop()
})

/** What a step is: a kind, which tab or person, and which of what there is to choose from. */
interface Step {
  act: keyof typeof ACTS
  who: 0 | 1
  which: number
}

interface World {
  tabs: { page: Awaited<ReturnType<typeof hosted>>; tab: model.Tab }[]
  people: model.Person[]
  proofs: model.Proof[]
  results: model.Result[]
  /** Cookie jars: those of the two tabs, then two strangers'. */
  jars: string[]
  linkBrowser: model.Link
  sessions: number
}

const now = () => server.clock.now()
const at = <T>(list: readonly T[], index: number): T | undefined =>
  list.length === 0 ? undefined : list[index % list.length]
const tabAt = ({ tabs }: World, index: number) => tabs[index] as World['tabs'][number]
const personAt = ({ people }: World, index: number) => people[index] as model.Person

/** The user of the mailbox, as the operator finds it. */
async function userOf({ to }: model.Person): Promise<string | null> {
  return (await server.get(`/v1/users?email=${to}`)).body.data[0]?.id ?? null
}

/** The mails to somebody, newest first: decoys are not among them. */
async function mailsTo({ to }: model.Person): Promise<{ id: string; code: string; link: string }[]> {
  return (await server.get(`/v1/messages?to=${to}`)).body.data.filter(
    (one: { code: string | null; link: string | null }) => one.code !== null || one.link !== null,
  )
}

async function proved(proof: model.Proof): Promise<void> {
  const userId = await userOf(proof.address)
  expect(userId).not.toBeNull()
  if (proof.owner !== null) expect(userId).toBe(proof.owner)
  Object.assign(proof.address, { userId })
  Object.assign(proof.tab, { userId })
}

function took(world: World, tab: model.Tab, token: string): void {
  const result = { token, tab, expiresAt: now() + 60_000, isRedeemed: false }
  tab.result = result
  world.results.push(result)
}

/** One browser on the page of a mailed link: looks, then presses, with a number where one is typed. */
async function pressed(world: World, path: string, browser: number, number: string | null) {
  const jar = () => ({ Cookie: world.jars[browser] ?? '' })
  const page = await server.ostiary.app.request(`${PUBLIC_URL}${path}`, { headers: jar() })
  await page.text()
  const cookie = cookieOf(page, '__Host-ostiary-press')
  if (cookie !== '' && !jar().Cookie.includes(cookie))
    world.jars[browser] = [world.jars[browser], cookie].filter(Boolean).join('; ')
  const answer = await server.ostiary.app.request(`${PUBLIC_URL}${path}`, {
    method: 'POST',
    headers: {
      ...jar(),
      'Sec-Fetch-Site': 'same-origin',
      'Content-Type': 'application/x-www-form-urlencoded',
    },
    body: number === null ? '' : `number=${number}`,
  })
  await answer.text()
  return answer.headers.get('location')
}

/** The press of a link of ours, by the browser at its own tab or elsewhere. */
async function press(world: World, which: number, type: 'nothing' | 'right' | 'wrong'): Promise<void> {
  const links = world.proofs.filter(one => one.kind === 'link' && one.answers.length > 0)
  const proof = at(links, which)
  if (!proof) return
  const browser = Math.floor(which / 7) % 4
  const { tab } = proof
  const approval = tab.approval && now() < tab.approval.expiresAt ? tab.approval : null
  const shown = approval?.number ?? '42'
  const number = type === 'nothing' ? null : type === 'right' ? shown : shown === '99' ? '98' : '99'
  const path = at(proof.answers, which) ?? ''
  const location = await pressed(world, path, browser, number)
  const token = location === null ? null : new URL(location).searchParams.get('token')
  const isLive = model.isLive(proof, now())
  const isOwn = world.tabs[browser]?.tab === tab
  const goesOn = isOwn || (world.linkBrowser === 'anywhere' && tab.hasRedirect && tab.codeChallenge === null)
  const isRightNumber =
    isLive && approval !== null && approval.browser === browser && proof.address.wrongNumbers < 3
  let isProven = false
  if (isLive && goesOn) isProven = model.prove(proof)
  else if (isLive && world.linkBrowser !== 'same') {
    if (number === null) await expectAsked(world, proof, browser)
    else if (isRightNumber && number === approval.number) isProven = model.prove(proof)
    else if (isRightNumber) {
      tab.approval = null
      proof.address.wrongNumbers++
    }
  }
  const isGiven = isProven && goesOn && tab.hasRedirect && tab.state === 'proven'
  expect(token !== null, 'a result in the redirect').toBe(isGiven)
  if (isProven) await proved(proof)
  if (token !== null) took(world, tab, token)
}

/** After a press elsewhere: the tab shows a number, unless three were wrong for this address. */
async function expectAsked({ tabs }: World, { tab, address }: model.Proof, browser: number): Promise<void> {
  if (address.wrongNumbers >= 3) return
  const page = tabs.find(one => one.tab === tab)?.page
  const { number } = (await page?.get('current'))?.body.challenge ?? {}
  expect(number).toMatch(/^\d\d$/)
  tab.approval = { number, browser, expiresAt: now() + 120_000 }
}

/** The operator's hand on somebody. */
async function operate(world: World, person: model.Person, path: string | null): Promise<void> {
  if (person.userId === null) return
  const of = `/v1/users/${person.userId}`
  const answer = await server.call(
    path === null ? 'DELETE' : 'POST',
    `${of}${path ?? ''}`,
    path === null ? undefined : {},
  )
  expect(answer.status).toBeLessThan(300)
  if (path === '/unblock') person.isBlocked = false
  else {
    const isRepeat = path === '/block' && person.isBlocked
    if (!isRepeat) model.end(world.proofs, person, path !== '/sessions/revoke')
  }
  if (path === '/block') person.isBlocked = true
  // What waits for a passkey of theirs is theirs.
  if (path === '/block' || path === null)
    for (const { tab } of world.tabs)
      if (tab.mail?.address === person && model.isOpen(tab, now())) tab.state = 'failed'
  if (path === null) Object.assign(person, { userId: null, isBlocked: false, hasPasskey: false })
}

const ACTS = {
  async identify(world: World, { who, which }: Step) {
    const { page, tab } = tabAt(world, who)
    const person = personAt(world, which % 2)
    const isDue = model.isOpen(tab, now()) && tab.mail === null
    expect((await page.post('identify', { to: person.to })).status).toBe(isDue ? 200 : 409)
    if (isDue) Object.assign(tab, { address: person, proof: null, approval: null })
  },

  async send(world: World, { who, which }: Step) {
    const { page, tab } = tabAt(world, who)
    const kind = which % 2 === 0 ? 'code' : 'link'
    const isDue = model.isOpen(tab, now()) && tab.address !== null && tab.mail === null
    const before = tab.address ? await mailsTo(tab.address) : []
    const sent = await page.post('send', { method: kind === 'code' ? 'emailCode' : 'emailLink' })
    // A mail counts no more where a passkey of theirs is due.
    expect(sent.status).toBe(isDue ? 200 : model.stepOf(tab, now()) === 'method' ? 400 : 409)
    if (!isDue || !tab.address) return
    const [mail, ...rest] = await mailsTo(tab.address)
    const isMailed = mail !== undefined && rest.length === before.length
    expect(isMailed, 'a mail went out').toBe(!tab.address.isBlocked)
    const answer = kind === 'code' ? mail?.code : new URL(mail?.link ?? PUBLIC_URL).pathname
    const proof: model.Proof = {
      tab,
      address: tab.address,
      kind,
      answers: isMailed && answer ? [answer] : [],
      attemptsLeft: sent.body.challenge.attemptsLeft,
      expiresAt: Date.parse(sent.body.challenge.expiresAt),
      owner: tab.address.userId,
      isEnded: false,
      isVerified: false,
    }
    world.proofs.push(proof)
    Object.assign(tab, { proof, approval: null })
  },

  async resend(world: World, { who }: Step) {
    const { page, tab } = tabAt(world, who)
    const { proof } = tab
    const before = tab.address ? await mailsTo(tab.address) : []
    const again = await page.post('resend')
    if (again.status !== 200 || !proof) return
    expect(model.isLive(proof, now())).toBe(true)
    const [mail, ...rest] = await mailsTo(proof.address)
    if (again.body.earlierCodes === 'replaced') proof.answers = []
    if (mail === undefined || rest.length !== before.length) return
    proof.answers.push(proof.kind === 'code' ? mail.code : new URL(mail.link).pathname)
  },

  /** A code out of all that were ever mailed in this world, or a wrong one. */
  async verify(world: World, { who, which }: Step) {
    const { page, tab } = tabAt(world, who)
    const { proof } = tab
    const codes = world.proofs.filter(one => one.kind === 'code').flatMap(one => one.answers)
    const own = proof?.kind === 'code' ? proof.answers : []
    const code =
      (which % 3 === 0 ? at(own, which) : which % 3 === 1 ? at(codes, which) : undefined) ??
      wrongCode(at(own, which) ?? '123456')
    const answer = await page.post('verify', { code })
    const isDue = model.stepOf(tab, now()) === 'code'
    const isJudged = isDue && proof !== null && model.isLive(proof, now())
    const isRight = isJudged && own.includes(code)
    const isProven = isRight && model.prove(proof)
    expect(answer.status, JSON.stringify(answer.body)).toBe(isProven ? 200 : isDue ? answer.status : 409)
    expect(answer.status === 200).toBe(isProven)
    if (isJudged && !isRight) {
      proof.attemptsLeft--
      expect(answer.body).toMatchObject({ code: 'code_incorrect', attemptsLeft: proof.attemptsLeft })
    }
    const isGiven = isProven && tab.state === 'proven'
    expect(Boolean(answer.body.result)).toBe(isGiven)
    if (!isProven) return
    await proved(proof)
    if (!isGiven) return
    took(world, tab, answer.body.result.token)
  },

  async finish(world: World, { who }: Step) {
    const { page, tab } = tabAt(world, who)
    const isDue = tab.state === 'proven' && tab.result === null && now() < tab.expiresAt
    const answer = await page.post('finish')
    expect(answer.status, JSON.stringify(answer.body)).toBe(isDue ? 200 : 409)
    if (isDue) took(world, tab, answer.body.result.token)
  },

  /** With a device of whoever sits there. */
  async enroll(world: World, { who }: Step) {
    const { page, tab } = tabAt(world, who)
    const begun = await page.post('enroll')
    const device = softwareAuthenticator({ origin: PUBLIC_URL })
    const { publicKey = { challenge: 'x'.repeat(43), rp: {}, user: { id: 'eA' } } } = begun.body
    const answer = await page.post('enroll/finish', { credential: device.register(publicKey) })
    const isProven = model.enrol(tab, now())
    expect(answer.status, JSON.stringify(answer.body)).toBe(isProven ? 200 : 409)
    if (!isProven) return
    reached.enrolled++
    took(world, tab, answer.body.result.token)
  },

  async cancel(world: World, { who, which }: Step) {
    // Not too often: most orders should come further.
    if (which % 4 !== 0) return
    const { page, tab } = tabAt(world, who)
    const isDue = model.isOpen(tab, now())
    expect((await page.post('cancel')).status).toBe(isDue ? 200 : 409)
    if (isDue) tab.state = 'failed'
  },

  press: (world: World, { which }: Step) => press(world, which, 'nothing'),
  type: (world: World, { which }: Step) => press(world, which, 'right'),
  mistype: (world: World, { which }: Step) => press(world, which, 'wrong'),
  wait: (_: World, { which }: Step) =>
    later(server, [31_000, 59_999, 60_000, 120_000, 300_000, 600_000][which % 6] ?? 0),

  block: (world: World, { who }: Step) => operate(world, personAt(world, who), '/block'),
  unblock: (world: World, { who }: Step) => operate(world, personAt(world, who), '/unblock'),
  remove: (world: World, { who }: Step) => operate(world, personAt(world, who), null),
  signOut: (world: World, { who }: Step) => operate(world, personAt(world, who), '/sessions/revoke'),

  async validate(world: World, { which }: Step) {
    const result = at(world.results, which)
    if (!result) return
    const { tab, token } = result
    const verifier = tab.codeChallenge === null ? {} : { codeVerifier: VERIFIER }
    const answer = await server.post('/v1/actions/validate', { token, action: 'signIn', ...verifier })
    const due = model.redeem(result, now())
    const told = answer.status !== 200 ? 'nothing' : answer.body.session === null ? 'again' : 'session'
    expect(told, JSON.stringify(answer.body)).toBe(due)
    if (due === 'nothing') return
    // Whoever the session is for has read the mail that proved it.
    expect(answer.body.user).toMatchObject({ id: tab.userId, email: (tab.mail ?? tab.proof)?.address.to })
    if (due === 'session') world.sessions++
    result.isRedeemed = true
  },

  /** What is no proof: ids, working tokens and mailed secrets at other doors. */
  async force(world: World, { who, which }: Step) {
    const { page } = tabAt(world, who)
    const mailed =
      at(
        world.proofs.flatMap(one => one.answers),
        which,
      ) ?? 'x'
    const token = page.cookie.split('=')[1] ?? ''
    const answers = [
      await server.post('/v1/sessions', { actionId: page.id }),
      await server.post('/v1/actions/validate', { token, action: 'signIn' }),
      await server.post('/v1/actions/validate', { token: mailed.replace('/l/', ''), action: 'signIn' }),
      await server.post('/v1/challenges/verify', { linkToken: mailed.replace('/l/', '') }),
      await browse(
        server,
        'POST',
        '/client/v1/actions/open',
        { token },
        { headers: { 'Sec-Fetch-Site': 'same-origin' } },
      ),
    ]
    for (const answer of answers)
      expect(answer.status, JSON.stringify(answer.body)).toBeGreaterThanOrEqual(400)
  },
} as const satisfies Record<string, (world: World, step: Step) => Promise<void>>

/** What comes often leads somewhere; what is rare ends it. */
const WEIGHTS: Record<keyof typeof ACTS, number> = {
  ...{
    identify: 4,
    send: 8,
    resend: 1,
    verify: 6,
    finish: 3,
    enroll: 3,
    cancel: 1,
    press: 7,
    type: 5,
    mistype: 1,
    wait: 3,
  },
  ...{ block: 1, unblock: 1, remove: 1, signOut: 1, validate: 4, force: 1 },
}
const step = fc.record({
  act: fc.oneof(
    ...Object.entries(WEIGHTS).map(([act, weight]) => ({
      weight,
      arbitrary: fc.constant(act as keyof typeof ACTS),
    })),
  ),
  who: fc.constantFrom(0 as const, 1 as const),
  which: fc.nat(1000),
})
/** Where a tab is when the order begins, so that most orders come further than to the first mail. */
const BEGUN: Record<string, (who: 0 | 1) => Step[]> = {
  identify: () => [],
  code: who => [
    { act: 'identify', who, which: who },
    { act: 'send', who, which: 0 },
  ],
  link: who => [
    { act: 'identify', who, which: who },
    { act: 'send', who, which: 1 },
  ],
  proven: who => [
    { act: 'identify', who, which: who },
    { act: 'send', who, which: 0 },
    { act: 'verify', who, which: 0 },
  ],
}
const begun = fc.constantFrom<keyof typeof BEGUN>('identify', 'code', 'link', 'proven')
const setting = fc.record({
  begun: fc.tuple(begun, begun),
  linkBrowser: fc.constantFrom<model.Link>('same', 'approve', 'approve', 'anywhere'),
  // Of the first tab and the second: whether there is somewhere to go, and whether a verifier binds it.
  redirects: fc.tuple(fc.boolean(), fc.boolean()),
  takesEnrolment: fc.boolean(),
  verifiers: fc.tuple(fc.boolean(), fc.boolean()),
})

/** How often it came that far: orders that lead nowhere would prove nothing. */
const reached = { proven: 0, sessions: 0, enrolled: 0 }

const approving = {
  linkBrowser: 'approve' as const,
  redirects: [true, false],
  verifiers: [false, false],
}
/** A stranger's press at a link of the first tab, which the number makes a proof for that tab. */
const APPROVED: Step[] = [
  { act: 'identify', who: 0, which: 0 },
  { act: 'send', who: 0, which: 1 },
  { act: 'press', who: 0, which: 14 },
  { act: 'type', who: 0, which: 14 },
]
const TEN_MINUTES: Step[] = [
  { act: 'wait', who: 0, which: 5 },
  { act: 'wait', who: 0, which: 0 },
]

test.each<[string, Step[]]>([
  ['signed out', [{ act: 'signOut', who: 0, which: 0 }]],
  [
    'blocked and let in again',
    [
      { act: 'block', who: 0, which: 0 },
      { act: 'unblock', who: 0, which: 0 },
    ],
  ],
  ['deleted', [{ act: 'remove', who: 0, which: 0 }]],
  ['left alone', []],
])('a result that is taken late stands for the person of now: %s', async (_, between) => {
  const late: Step[] = [
    { act: 'finish', who: 0, which: 0 },
    { act: 'validate', who: 0, which: 0 },
  ]
  await runOrder(approving, [...APPROVED, ...TEN_MINUTES, ...between, ...late])
})

test.each<[string, Step[], number]>([
  ['the mail, and then the passkey', [], 1],
  ['signed out in between', [{ act: 'signOut', who: 0, which: 0 }], 0],
  [
    'blocked and let in again in between',
    [
      { act: 'block', who: 0, which: 0 },
      { act: 'unblock', who: 0, which: 0 },
    ],
    0,
  ],
  ['too late', [...TEN_MINUTES, ...TEN_MINUTES], 0],
  ['given up in between', [{ act: 'cancel', who: 0, which: 0 }], 0],
])('a passkey that a rule takes: %s', async (_, between, enrolled) => {
  const before = reached.enrolled
  const [finish, validate] = [
    { act: 'finish', who: 0, which: 0 },
    { act: 'validate', who: 0, which: 0 },
  ] as const satisfies Step[]
  await runOrder({ ...approving, takesEnrolment: true }, [
    ...APPROVED,
    finish,
    ...between,
    finish,
    { act: 'enroll', who: 0, which: 0 },
    finish,
    validate,
  ])
  expect(reached.enrolled - before).toBe(enrolled)
})

test('no order of calls leads past the proof', { timeout: 240_000 }, async () => {
  const numRuns = Number(process.env.ORDERS ?? (isOnPostgres ? 25 : 60))
  await fc.assert(
    fc.asyncProperty(setting, fc.array(step, { minLength: 8, maxLength: 40 }), ({ begun, ...how }, steps) =>
      runOrder(how, [...begun.flatMap((name, who) => BEGUN[name]?.(who as 0 | 1) ?? []), ...steps]),
    ),
    {
      numRuns,
      ...(process.env.SEED !== undefined && { seed: Number(process.env.SEED) }),
    },
  )
  expect(reached.proven).toBeGreaterThan(numRuns / 4)
  expect(reached.sessions).toBeGreaterThan(numRuns / 20)
  expect(reached.enrolled).toBeGreaterThan(numRuns / 20)
})

async function runOrder(
  {
    linkBrowser,
    redirects,
    verifiers,
    takesEnrolment = false,
  }: { linkBrowser: model.Link; redirects: boolean[]; verifiers: boolean[]; takesEnrolment?: boolean },
  steps: Step[],
): Promise<void> {
  // Wrong codes of the runs before would raise the protection of the whole environment.
  await later(server, 3_600_000)
  await server.call('PATCH', '/v1/settings', { challenge: { linkBrowser } })
  await dropRules(server)
  if (takesEnrolment)
    await addRule(server, {
      actionName: 'signIn',
      condition: 'true',
      outcome: 'CHALLENGE',
      methods: ['passkey'],
      enrolmentCounts: true,
    })
  const world: World = { tabs: [], people: [], proofs: [], results: [], jars: [], linkBrowser, sessions: 0 }
  for (const index of [0, 1]) {
    const codeChallenge = verifiers[index] ? S256 : null
    const page = await hosted(server, app, {
      ...(redirects[index] && { redirectUrl: APP_BACK }),
      ...(codeChallenge && { codeChallenge }),
    })
    world.tabs.push({
      page,
      tab: model.newTab(now(), redirects[index] ?? false, codeChallenge, takesEnrolment),
    })
    world.jars.push(page.cookie)
    const person = {
      to: fresh(),
      userId: null as string | null,
      isBlocked: false,
      wrongNumbers: 0,
      hasPasskey: false,
    }
    // One is known, the other a newcomer.
    if (index === 0)
      person.userId = (await server.post('/v1/users', { email: person.to, emailVerified: true })).body.id
    world.people.push(person)
  }
  world.jars.push('', '')
  for (const one of steps) {
    await ACTS[one.act](world, one)
    await compare(world)
  }
  const { tabs } = world
  reached.proven += tabs.filter(({ tab }) => tab.state === 'proven').length
  reached.sessions += world.sessions
}

/** What the tabs say is what the model says. */
async function compare({ tabs }: World): Promise<void> {
  for (const { page, tab } of tabs) {
    const { state, step: shown } = (await page.get('current')).body
    expect(shown).toBe(model.stepOf(tab, now()))
    expect(state === 'CHALLENGE_SUCCEEDED').toBe(tab.state === 'proven')
  }
}
