import { describe, expect, it } from 'vitest'
import { readConfig } from '../../src/config.ts'
import { parseListenAddress } from '../../src/listen-address.ts'
import { freePort, liveSettings, ostiary, startDev, startServer } from '../setup/process.ts'

const SMTP = 'smtp://127.0.0.1:9'
const TOKEN = 'a-token-for-scrapers'
const get = (url: string, token?: string) =>
  fetch(url, {
    headers: { Connection: 'close', ...(token !== undefined && { Authorization: `Bearer ${token}` }) },
  })

describe('ostiary start', () => {
  it('serves /metrics by token', async () => {
    const { env, port } = await liveSettings(SMTP)
    const server = await startServer(['start'], port, { env: { ...env, METRICS_TOKEN: TOKEN } })
    expect((await get(`${server.url}/metrics`)).status).toBe(401)
    const shown = await get(`${server.url}/metrics`, TOKEN)
    expect(shown.status).toBe(200)
    expect(await shown.text()).toContain('ostiary_build_info{version=')
    const { code, stdout, stderr } = await server.stop()
    expect(code).toBe(0)
    expect(stdout + stderr).not.toContain(TOKEN)
  })

  it('serves it on a loopback address of its own, and there nothing else', async () => {
    const { env, port } = await liveSettings(SMTP)
    const own = await freePort()
    const server = await startServer(['start'], port, {
      env: { ...env, METRICS_ADDRESS: `127.0.0.1:${own}` },
    })
    const shown = await get(`http://127.0.0.1:${own}/metrics`)
    expect(shown.status).toBe(200)
    const text = await shown.text()
    expect(text).toContain('ostiary_store_up 1')
    expect(text).toContain('ostiary_protection_raised{environment="live"} 0')
    expect((await get(`http://127.0.0.1:${own}/healthz`)).status).toBe(404)
    expect((await get(`${server.url}/metrics`)).status).toBe(404)
    expect((await server.stop()).code).toBe(0)
  })

  it('says nothing where neither is set, and says which port is taken', async () => {
    const { env, port } = await liveSettings(SMTP)
    const server = await startServer(['start'], port, { env })
    expect((await get(`${server.url}/metrics`)).status).toBe(404)
    const other = await liveSettings(SMTP)
    const { code, stderr } = await ostiary(['start'], {
      env: { ...other.env, METRICS_ADDRESS: `127.0.0.1:${port}` },
    })
    expect(code).toBe(2)
    expect(stderr).toContain(`port ${port} of METRICS_ADDRESS is taken`)
    await server.stop()
  })
})

it('ostiary dev serves /metrics on localhost', async () => {
  const dev = await startDev()
  expect(await (await get(`${dev.url}/metrics`)).text()).toContain('ostiary_sends_total')
  await dev.stop()
})

describe('the settings', () => {
  const problems = (env: Record<string, string>) => {
    try {
      readConfig(env, ['METRICS_TOKEN', 'METRICS_ADDRESS'])
      return []
    } catch (error) {
      return (error as { problems: { name: string }[] }).problems.map(({ name }) => name)
    }
  }

  it.each([
    [{ METRICS_TOKEN: 'too-short' }, ['METRICS_TOKEN']],
    [{ METRICS_TOKEN: 'with a space in the middle' }, ['METRICS_TOKEN']],
    [{ METRICS_ADDRESS: '9464' }, ['METRICS_ADDRESS']],
    [{ METRICS_ADDRESS: '127.0.0.1:0' }, ['METRICS_ADDRESS']],
    [{ METRICS_ADDRESS: '0.0.0.0:9464' }, ['METRICS_ADDRESS']],
    [{ METRICS_ADDRESS: '0.0.0.0:9464', METRICS_TOKEN: TOKEN }, []],
    [{ METRICS_ADDRESS: '[::1]:9464' }, []],
    [{ METRICS_ADDRESS: 'localhost:9464', METRICS_TOKEN: TOKEN }, []],
  ])('%j: %j', (env, expected) => {
    expect(problems(env)).toEqual(expected)
  })

  it.each([
    ['127.0.0.1:9464', true],
    ['127.9.9.9:1', true],
    ['[::1]:9464', true],
    ['LOCALHOST:9464', true],
    ['10.0.0.1:9464', false],
    ['127.0.0.1.example.com:9464', false],
    ['[::]:9464', false],
  ])('%s is loopback: %s', (text, isLoopback) => {
    expect(parseListenAddress(text)?.isLoopback).toBe(isLoopback)
  })
})
