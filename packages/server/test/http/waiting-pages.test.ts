import { type AddressInfo, createServer } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { App } from '../../src/core/rows.ts'
import { type Listening, listen } from '../../src/http/server.ts'
import { PUBLIC_URL, type TestServer, testServer } from '../setup/server.ts'
import { appOf, begin, sendTo, type Tab } from './browser.ts'

const PAGES = 200

let server: TestServer
let app: App
let listening: Listening
let port: number
beforeAll(async () => {
  server = await testServer()
  app = await appOf(server)
  port = await freePort()
  listening = await listen(server.ostiary.fetch, port, ['127.0.0.1'])
})
afterAll(async () => {
  await listening.close(0)
  await server.stop()
})

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const { port: free } = probe.address() as AddressInfo
  await new Promise(resolve => probe.close(resolve))
  return free
}

async function open(tab: Tab): Promise<string> {
  const answer = await fetch(`http://127.0.0.1:${port}/client/v1/actions/events`, {
    headers: { Authorization: `Bearer ${tab.token}`, Host: new URL(PUBLIC_URL).host },
  })
  expect(answer.status).toBe(200)
  return await answer.text()
}

/** Ten sign-ins one after the other: the slowest, in ms. */
async function signIns(name: string): Promise<number> {
  let slowest = 0
  for (let at = 0; at < 10; at++) {
    const startedAt = performance.now()
    const tab = await begin(server, app)
    const { code } = await sendTo(server, tab, `${name}${at}@example.com`)
    expect((await tab.post('verify', { code })).body.step).toBe('done')
    slowest = Math.max(slowest, performance.now() - startedAt)
    await pause(100)
  }
  return Math.round(slowest)
}

test(`${PAGES} waiting pages hold nobody up, and the server stops at once with them`, async () => {
  const tabs: Tab[] = []
  for (let at = 0; at < PAGES; at++) tabs.push(await begin(server, app))
  const alone = await signIns('alone')
  const streams = tabs.map(open)
  await pause(1500)

  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const beside = await signIns('beside')
  const cpu = process.cpuUsage(cpuBefore)
  const share = (cpu.user + cpu.system) / 1e4 / (performance.now() - startedAt)
  console.log(
    `a sign-in takes ${alone} ms at most, ${beside} beside ${PAGES} streams; CPU ${(share * 1000).toFixed(0)} % of one core`,
  )
  // Generous: other work may run on the machine. A process that stalls would wait for minutes.
  expect(beside).toBeLessThan(10_000)

  // The one whose action ends hears of it; all others are let go when the server stops.
  await tabs[0]?.post('cancel')
  expect(await streams[0]).toContain('"step":"ended"')
  const stopAt = performance.now()
  server.ostiary.leave()
  await listening.close(30_000)
  const stopped = performance.now() - stopAt
  console.log(`stopped with ${PAGES} streams in ${stopped.toFixed(0)} ms`)
  expect(stopped).toBeLessThan(10_000)
  for (const text of await Promise.all(streams)) expect(text).toContain('event: state')
}, 90_000)
