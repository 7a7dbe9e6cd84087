import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import type { HookCall } from '../../src/core/hooks/call.ts'
import { createHookCaller, type HookCaller, MAX_CALLS } from '../../src/hooks/caller.ts'
import { type FaultyReceiver, openFaultyReceiver, silence } from '../webhooks/receiver.ts'
import { allow, saying } from './receiver.ts'

let receiver: FaultyReceiver
let caller: HookCaller
beforeAll(async () => {
  receiver = await openFaultyReceiver()
  caller = createHookCaller({ privateTargets: parseAddressList('127.0.0.1') })
})
afterEach(() => {
  receiver.requests.length = 0
  receiver.answer = allow
})
afterAll(async () => {
  caller.close()
  await receiver.close()
})

const asked = (more: Partial<HookCall> = {}): HookCall => ({
  url: receiver.url,
  environmentId: 'env_a',
  mode: 'test',
  headers: { 'Content-Type': 'application/json' },
  body: '{}',
  timeoutMs: 500,
  ...more,
})
const inTime = async <T>(ms: number, task: () => Promise<T>): Promise<T> => {
  const began = performance.now()
  const result = await task()
  expect(performance.now() - began).toBeLessThan(ms)
  return result
}

describe('connections', () => {
  test('are kept for the next call, and one that was closed meanwhile is no failure', async () => {
    receiver.answer = allow
    const ports = new Set<number | undefined>()
    receiver.answer = response => {
      ports.add(response.req.socket.remotePort)
      allow(response)
    }
    for (let i = 0; i < 10; i++) expect(await caller.call(asked())).toHaveProperty('answer')
    expect(ports.size).toBe(1)
    await receiver.down()
    await receiver.up()
    expect(await caller.call(asked())).toEqual({ answer: '{"decision":"allow"}' })
    expect(ports.size).toBe(2)
  })

  test('of test are not taken for live', async () => {
    const ports: unknown[] = []
    receiver.answer = response => {
      ports.push(response.req.socket.remotePort)
      allow(response)
    }
    await caller.call(asked({ mode: 'test' }))
    await caller.call(asked({ mode: 'live' }))
    expect(new Set(ports).size).toBe(2)
  })
})

describe('a dead hook', () => {
  test(`holds ${MAX_CALLS} calls of its environment and none of another`, async () => {
    receiver.answer = silence
    const calls = Array.from({ length: MAX_CALLS + 36 }, () => caller.call(asked({ timeoutMs: 1500 })))
    await expect.poll(() => receiver.requests.length, { timeout: 1400 }).toBe(MAX_CALLS)
    receiver.answer = allow
    expect(await caller.call(asked({ environmentId: 'env_b' }))).toHaveProperty('answer')
    const results = await inTime(3000, () => Promise.all(calls))
    const tally = Object.groupBy(results, one => ('failure' in one ? one.failure : 'answer'))
    expect(tally.timeout).toHaveLength(MAX_CALLS)
    expect(tally.busy).toHaveLength(36)
    // And all of them are free again.
    expect(await caller.call(asked())).toHaveProperty('answer')
  })

  test('takes no longer than is said, whatever it sends', async () => {
    receiver.answer = response => {
      response.writeHead(200, { 'Content-Type': 'application/json' })
      const timer = setInterval(() => response.write(' '), 20)
      response.on('close', () => clearInterval(timer))
    }
    const result = await inTime(900, () => caller.call(asked({ timeoutMs: 200 })))
    expect(result).toMatchObject({ failure: 'timeout' })
  })
})

describe('what is called', () => {
  const strict = createHookCaller({ privateTargets: parseAddressList('') })
  afterAll(() => strict.close())

  test.each([
    'http://127.0.0.1',
    'http://localhost',
    'http://[::1]',
    'http://[::ffff:127.0.0.1]',
    'http://2130706433',
    'http://0177.0.0.1',
  ])('is not %s, at whatever port', async origin => {
    const url = `${origin}:${receiver.port}/hook`
    expect(await strict.call(asked({ url }))).toMatchObject({ failure: 'notCalled' })
    expect(receiver.requests).toEqual([])
  })

  test('is a name only where all of its addresses may be called', async () => {
    const url = `http://localhost:${receiver.port}/hook`
    const both = createHookCaller({ privateTargets: parseAddressList('127.0.0.1,::1') })
    expect(await both.call(asked({ url }))).toHaveProperty('answer')
    both.close()
  })

  test('is not where a redirect leads', async () => {
    receiver.answer = saying('', 302, { Location: `${receiver.url}2` })
    expect(await caller.call(asked())).toEqual({ failure: 'status', detail: 'the answer is 302, not 200' })
    expect(receiver.requests).toHaveLength(1)
  })

  test('is no URL that does not parse: a failure, and no throw', async () => {
    for (const url of ['', 'x', 'ftp://a.example/', 'http://u:p@127.0.0.1/'])
      expect(await caller.call(asked({ url }))).toMatchObject({ failure: 'notCalled' })
  })
})
