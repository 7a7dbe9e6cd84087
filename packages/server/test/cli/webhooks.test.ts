import { spawn } from 'node:child_process'
import { beforeAll, describe, expect, it } from 'vitest'
import { apiOf, BIN, type Call, type DevServer, ostiary, startDev } from '../setup/process.ts'
import { openFaultyReceiver, saying, verifyAt } from '../webhooks/receiver.ts'

let server: DevServer
let call: Call
beforeAll(async () => {
  server = await startDev()
  call = apiOf(server.url, server.facts.secretKey)
})

const run = (...args: string[]) => ostiary(['webhooks', ...args, '--data', server.folder])
const inTest = ['-e', 'test']

describe('listen', () => {
  it('posts events as they happen, signed with the secret that it prints, until Ctrl+C', {
    timeout: 60_000,
  }, async () => {
    const receiver = await openFaultyReceiver()
    const args = [
      'webhooks',
      'listen',
      '--data',
      server.folder,
      '--forward-to',
      receiver.url,
      '--type',
      'user.created',
    ]
    const child = spawn(process.execPath, [BIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (said += data))
    const ended = new Promise<number | null>(resolve => child.on('close', resolve))
    await expect.poll(() => said, { timeout: 15_000 }).toMatch(/whsec_\S+/)
    const secret = /whsec_\S+/.exec(said)?.[0] ?? ''
    await call('POST', '/v1/users', { externalId: 'a' })
    await call('POST', '/v1/users', { externalId: 'b' })
    await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(2)
    expect(receiver.verified(secret).map(({ type }) => type)).toEqual(['user.created', 'user.created'])
    receiver.answer = saying(500)
    await call('POST', '/v1/users', { externalId: 'c' })
    await expect.poll(() => said, { timeout: 20_000 }).toMatch(/user\.created {2}evt_\w+ {2}-> 500/)
    child.kill('SIGINT')
    expect(await ended).toBe(0)
    await receiver.close()
  })
})

describe('trigger', () => {
  it('sends a sample from here, and fails when it is not taken', { timeout: 60_000 }, async () => {
    const receiver = await openFaultyReceiver()
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
    const sent = await run('trigger', 'session.revoked', '--forward-to', receiver.url, '--secret', secret)
    expect([sent.code, sent.stderr]).toEqual([0, ''])
    const [{ headers, body } = { headers: {}, body: '' }] = receiver.requests
    expect(verifyAt(secret, headers, body)).toMatchObject({
      type: 'session.revoked',
      data: { data: { isTest: true } },
    })
    receiver.answer = saying(404)
    expect((await run('trigger', '--forward-to', receiver.url)).code).toBe(1)
    await receiver.close()
  })

  it('queues a sample for an endpoint, which the running server sends; replay sends again', {
    timeout: 120_000,
  }, async () => {
    const receiver = await openFaultyReceiver()
    const made = await call('POST', '/v1/webhooks', { url: receiver.url, eventTypes: ['user.created'] })
    const { id, secret } = made.body
    expect((await run('list', ...inTest)).stdout).toContain(`${id}  enabled  ${receiver.url}  user.created`)
    expect((await run('trigger', '--endpoint', id)).stdout).toMatch(/queued webhook.test as dlv_/)
    await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(1)
    await call('POST', '/v1/users', { externalId: 'd' })
    await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(2)
    const replayed = await run('replay', id, ...inTest, '--since', '1h', '--json')
    expect(JSON.parse(replayed.stdout).queued).toBeGreaterThan(0)
    await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBeGreaterThan(2)
    expect(
      JSON.parse((await run('replay', id, ...inTest, '--since', '1h', '--undelivered', '--json')).stdout),
    ).toMatchObject({
      queued: 0,
    })
    const { data } = (await call('GET', `/v1/webhooks/${id}/deliveries`)).body
    expect((await run('replay', id, ...inTest, '--delivery', data[0].id)).stdout).toMatch(
      /^queued 1 delivery/,
    )
    receiver.verified(secret)
    await receiver.close()
  })
})

describe('a wrong call is told with its remedy:', () => {
  it.each([
    [['trigger'], /either --endpoint/],
    [['trigger', 'user.made', '--endpoint', 'whk_x'], /not a type of event/],
    [['trigger', '--endpoint', 'whk_x'], /no such endpoint/],
    [['trigger', '--forward-to', 'ftp://x'], /neither https nor http/],
    [['trigger', '--forward-to', 'http://localhost:1', '--secret', 'x'], /--secret is not whsec_/],
    [['replay', 'whk_x'], /either --delivery/],
    [['replay', 'whk_x', '--since', 'yesterday'], /not an instant/],
    [['replay', 'whk_x', '--since', '1h'], /no such endpoint/],
    [['listen'], /--forward-to/],
  ])('%j', async (args, expected) => {
    const { code, stderr } = await run(...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(expected)
  })
})
