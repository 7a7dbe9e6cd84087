import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { createClient } from '../src/browser.ts'
import { createFlow, type Flow, type FlowDeps } from '../src/element/flow.ts'
import { type Double, startDouble } from './setup/double.ts'

let double: Double
beforeAll(async () => {
  double = await startDouble()
})
afterAll(() => double.close())
const fresh = () => structuredClone(double.plan)
let plan: Double['plan']
beforeEach(() => {
  plan ??= fresh()
  double.plan = structuredClone(plan)
  double.faults = {}
  double.calls = []
  double.action = null
})

interface Tried {
  flow: Flow
  told: string[]
}

/** A flow as the element makes it, and all that it tells the page. */
function tryFlow(change: Partial<FlowDeps> = {}, token: string | null = null): Tried {
  const told: string[] = []
  const server = { server: double.url, key: 'opk_test_1', token, repeatAfterMs: 1, pollEveryMs: 20 }
  const flow = createFlow({
    client: createClient(server),
    now: Date.now,
    begin: {},
    resumes: false,
    passkeys: null,
    offers: true,
    onChange() {},
    onStep: name => told.push(`step ${name}`),
    onSuccess: ({ token }) => told.push(`success ${token}`),
    onFailure: ({ code }) => told.push(`error ${code}`),
    onCancel: redirectTo => told.push(`cancel ${redirectTo}`),
    ...change,
  })
  onTestFinished(() => flow.stop())
  return { flow, told }
}

async function toCode(): Promise<Tried> {
  const tried = tryFlow()
  await tried.flow.start()
  await tried.flow.identify('ada@example.com')
  return tried
}
const countOf = (name: string) => double.calls.filter(call => call.name === name).length

async function until(isTrue: () => boolean): Promise<void> {
  for (let round = 0; round < 200 && !isTrue(); round++) await new Promise(resolve => setTimeout(resolve, 10))
  if (!isTrue()) throw new Error('it did not come')
}

describe('the way through a sign-in', () => {
  it('leads from the address over the code to the result', async () => {
    const { flow, told } = await toCode()
    expect(flow.view).toMatchObject({ screen: 'code', busy: null, failure: null })
    await flow.verify('123456')
    expect(flow.view).toMatchObject({ screen: 'done', result: { token: 'oht_result' } })
    expect(told).toEqual(['step identify', 'step code', 'step done', 'success oht_result'])
  })

  it('lets the person choose where there are several methods, and passes over those it does not know', async () => {
    double.plan.methods = ['passkey', 'emailCode', 'emailLink']
    const { flow } = await toCode()
    expect(flow.view.screen).toBe('method')
    await flow.send('emailLink')
    expect(flow.view.screen).toBe('link')
    double.plan.methods = ['passkey', 'emailCode']
    expect((await toCode()).flow.view.screen).toBe('code')
  })

  it('takes one press at a time', async () => {
    const { flow } = await toCode()
    double.faults.verify = { delayMs: 50 }
    await Promise.all([flow.verify('123456'), flow.verify('123456'), flow.resend()])
    expect([countOf('POST verify'), countOf('POST resend')]).toEqual([1, 0])
  })

  it('goes back to another address and on to where it was', async () => {
    const { flow } = await toCode()
    flow.otherAddress()
    expect(flow.view).toMatchObject({ screen: 'identify', action: { address: 'ada@example.com' } })
    flow.back()
    expect(flow.view.screen).toBe('code')
    flow.otherAddress()
    await flow.identify('bob@example.com')
    expect(flow.view).toMatchObject({ screen: 'code', action: { address: 'bob@example.com' } })
  })

  it('stays at a wrong code, and says how many are left', async () => {
    const { flow, told } = await toCode()
    await flow.verify('000000')
    expect(flow.view).toMatchObject({ screen: 'code', failure: { code: 'code_incorrect', attemptsLeft: 4 } })
    await flow.verify('000000')
    expect(flow.view).toMatchObject({ failure: { attemptsLeft: 4 } })
    expect(countOf('POST verify')).toBe(1)
    await flow.verify('123456')
    expect(flow.view).toMatchObject({ screen: 'done', failure: null })
    expect(told).toContain('error code_incorrect')
  })

  it('sends a new challenge where the old one has no message left, without a word', async () => {
    const { flow, told } = await toCode()
    double.faults.resend = { refuse: { status: 409, code: 'resend_too_late' } }
    await flow.resend()
    expect(flow.view).toMatchObject({ screen: 'code', notice: 'sent', failure: null })
    expect(countOf('POST send')).toBe(2)
    expect(told).not.toContain('error resend_too_late')
  })

  it('cancels, and tells where to go', async () => {
    double.plan.redirectTo = 'https://app.example/back'
    const { flow, told } = await toCode()
    await flow.cancel()
    expect(flow.view).toMatchObject({ screen: 'ended', ending: 'cancelled' })
    expect(told.at(-1)).toBe('cancel https://app.example/back?error=cancelled&state=s1')
  })
})

describe('a lost answer', () => {
  it('of a send that took effect leads on', async () => {
    const tried = tryFlow()
    await tried.flow.start()
    double.faults.send = { loseAnswer: true }
    await tried.flow.identify('ada@example.com')
    expect(tried.flow.view).toMatchObject({ screen: 'code', failure: null })
    expect(countOf('POST send')).toBe(1)
    expect(tried.told).toEqual(['step identify', 'step code'])
  })

  it('of a resend is not asked for again: one mail goes out', async () => {
    const { flow } = await toCode()
    double.faults.resend = { loseAnswer: true }
    await flow.resend()
    expect(flow.view.failure).toBeNull()
    expect(countOf('POST resend')).toBe(1)
  })

  it('of a wrong code stays at the code', async () => {
    const { flow } = await toCode()
    double.faults.verify = { loseAnswer: true }
    await flow.verify('000000')
    expect(flow.view).toMatchObject({ screen: 'code', failure: { code: 'network_failed' } })
  })

  it('of the right code: the result went to nobody, so the page says so rather than hang', async () => {
    const { flow } = await toCode()
    double.faults.verify = { loseAnswer: true }
    await flow.verify('123456')
    expect(flow.view).toMatchObject({ screen: 'done', result: null, busy: null })
  })

  it('without any connection is told, and the same press works later', async () => {
    const { flow } = await toCode()
    double.faults.verify = { loseAnswer: true }
    double.faults.current = { loseAnswer: true }
    await flow.verify('000000')
    expect(flow.view).toMatchObject({ screen: 'code', failure: { code: 'network_failed' } })
    double.faults = {}
    await flow.verify('123456')
    expect(flow.view.screen).toBe('done')
  })
})

describe('a link that is opened elsewhere', () => {
  const toLink = async () => {
    double.plan.methods = ['emailLink']
    const tried = await toCode()
    expect(tried.flow.view.screen).toBe('link')
    return tried
  }

  it('lets the waiting page go on by itself', async () => {
    const { flow, told } = await toLink()
    await until(() => double.streams.size === 1)
    double.move({ step: 'done', state: 'CHALLENGE_SUCCEEDED' })
    await until(() => flow.view.screen === 'done')
    expect(told.at(-1)).toBe('success oht_result')
    await until(() => double.streams.size === 0)
  })

  it('shows the number, and goes on once it was typed', async () => {
    const { flow } = await toLink()
    const challenge = double.action?.challenge ?? null
    double.move({ step: 'approve', challenge: challenge && { ...challenge, number: '47' } })
    await until(() => flow.view.screen === 'approve')
    expect(flow.view.action?.challenge?.number).toBe('47')
    double.move({ step: 'done', state: 'CHALLENGE_SUCCEEDED' })
    await until(() => flow.view.screen === 'done')
  })

  it('says so where another tab took the result', async () => {
    const { flow, told } = await toLink()
    double.faults.finish = { refuse: { status: 409, code: 'state_conflict' } }
    double.move({ step: 'done', state: 'CHALLENGE_SUCCEEDED' })
    await until(() => flow.view.screen === 'done')
    expect(flow.view.result).toBeNull()
    expect(told).not.toContain('success oht_result')
  })

  it('leaves a person in peace who is about to type another address', async () => {
    const { flow } = await toLink()
    flow.otherAddress()
    await until(() => double.streams.size === 0)
    await flow.refresh()
    expect(flow.view.screen).toBe('identify')
  })
})

describe('an end', () => {
  it.each([
    ['sign_up_closed', 403],
    ['user_blocked', 403],
    ['hook_denied', 403],
  ])('%s is final', async (code, status) => {
    const { flow, told } = await toCode()
    double.faults.verify = { refuse: { status, code } }
    await flow.verify('123456')
    expect(flow.view).toMatchObject({ screen: 'ended', ending: 'refused' })
    expect(told.at(-1)).toBe(`error ${code}`)
  })

  it('of an action nobody has used yet is mended without a word', async () => {
    const { flow, told } = tryFlow()
    await flow.start()
    double.faults.identify = { refuse: { status: 409, code: 'state_conflict' }, times: 1 }
    await flow.identify('ada@example.com')
    expect(flow.view.screen).toBe('code')
    expect(countOf('POST begin')).toBe(2)
    expect(told.filter(line => line.startsWith('error'))).toEqual([])
  })

  it('of an action that expired later is said', async () => {
    const { flow } = await toCode()
    double.faults.verify = { refuse: { status: 401, code: 'unauthorized' } }
    await flow.verify('123456')
    expect(flow.view).toMatchObject({ screen: 'ended', ending: 'expired' })
  })

  it('that the server tells is followed', async () => {
    const { flow } = await toCode()
    double.move({ step: 'ended', state: 'BLOCK' })
    await flow.refresh()
    expect(flow.view).toMatchObject({ screen: 'ended', ending: 'blocked' })
  })
})

describe('a review', () => {
  const toReview = async () => {
    const tried = await toCode()
    double.move({ step: 'review', state: 'REVIEW_REQUIRED', challenge: null })
    await tried.flow.refresh()
    await until(() => double.streams.size === 1)
    return tried
  }

  it('is waited for, and the page goes on to the proof by itself', async () => {
    const { flow } = await toReview()
    double.move({ step: 'method', state: 'REVIEW_SUCCEEDED' })
    await until(() => flow.view.screen === 'method')
    expect(flow.view.ending).toBeNull()
    await until(() => double.streams.size === 0)
  })

  it.each([
    ['REVIEW_FAILED', 'blocked'],
    // Nobody has decided in the life of the action.
    ['REVIEW_REQUIRED', 'review'],
  ] as const)('that ends in %s is said to be %s', async (state, ending) => {
    const { flow } = await toReview()
    double.move({ step: 'ended', state })
    await until(() => flow.view.screen === 'ended')
    expect(flow.view.ending).toBe(ending)
  })

  it('is gone on with after a reload, also where the page could begin anew', async () => {
    await toReview()
    const { flow } = tryFlow({ resumes: true })
    await flow.start()
    expect(flow.view.screen).toBe('review')
  })
})

describe('a start', () => {
  it('goes on with the action of the cookie', async () => {
    await toCode()
    const { flow } = tryFlow({ resumes: true, begin: null })
    await flow.start()
    expect(flow.view).toMatchObject({ screen: 'code', action: { address: 'ada@example.com' } })
  })

  it('begins anew where there is none to go on with', async () => {
    const { flow } = tryFlow({ resumes: true })
    await flow.start()
    expect(flow.view.screen).toBe('identify')
  })

  it('that fails says so, and works at the second try', async () => {
    double.faults.begin = { refuse: { status: 403, code: 'origin_not_allowed' }, times: 1 }
    const { flow, told } = tryFlow()
    await flow.start()
    expect(flow.view).toMatchObject({ screen: 'failed', failure: { code: 'origin_not_allowed' } })
    expect(told).toEqual(['error origin_not_allowed'])
    await flow.start()
    expect(flow.view.screen).toBe('identify')
  })

  it('measures the clock of the server', async () => {
    const { flow } = tryFlow({ now: () => Date.now() - 3_600_000 })
    await flow.start()
    expect(flow.view.skewMs).toBeGreaterThan(3_590_000)
  })

  it('that is stopped tells nothing more', async () => {
    const { flow, told } = tryFlow()
    const starting = flow.start()
    flow.stop()
    await starting
    expect(told).toEqual([])
  })
})
