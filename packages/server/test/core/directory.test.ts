import { setTimeout as pause } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { testServer } from '../setup/server.ts'

test('a clock that stands still, or goes back, makes nothing older than a second live on', async () => {
  const server = await testServer()
  const { clock } = server
  expect((await server.get('/v1/settings')).status).toBe(200)
  // Revoked by another node: this one is not told.
  await server.tamper(`UPDATE api_keys SET revoked_at = ${clock.now()}`)
  expect((await server.get('/v1/settings')).status, 'it is remembered for a second').toBe(200)
  await pause(1100)
  expect((await server.get('/v1/settings')).status).toBe(401)
  await server.stop()
})
