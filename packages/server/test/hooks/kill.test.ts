import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { apiOf, startDev } from '../setup/process.ts'
import { openFaultyReceiver, silence } from '../webhooks/receiver.ts'
import { allow, deny } from './receiver.ts'

it('opens no session over kill -9 without a yes of the hook', { timeout: 120_000 }, async () => {
  const receiver = await openFaultyReceiver(silence)
  let server = await startDev()
  const { folder, port, facts } = server
  const call = apiOf(server.url, facts.secretKey)
  await call('POST', '/v1/hooks/before-sign-in/rotate-secret', {})
  const hooks = { beforeSignIn: { url: receiver.url, timeoutMs: 10_000 } }
  expect((await call('PATCH', '/v1/settings', { hooks })).status).toBe(200)
  const ask = async (to: string) => {
    const { id } = (await call('POST', '/v1/challenges', { to })).body
    const { data } = (await call('GET', `/v1/messages?to=${to}&wait=10`)).body
    return { id, code: data[0].code as string }
  }
  const look = (sql: string) => {
    const db = new DatabaseSync(`${folder}/ostiary.db`, { readOnly: true })
    const rows = db.prepare(sql).all()
    db.close()
    return rows
  }
  const people = await Promise.all(['a@example.com', 'b@example.com', 'c@example.com'].map(ask))
  const headers = { 'Idempotency-Key': 'the third' }
  const verifying = people.map(({ id, code }, index) =>
    call('POST', `/v1/challenges/${id}/verify`, { code }, index === 2 ? headers : {}).catch(() => null),
  )
  await expect.poll(() => receiver.requests.length, { timeout: 20_000 }).toBe(3)
  await server.kill()
  expect(await Promise.all(verifying)).toEqual([null, null, null])
  expect(look('SELECT id FROM sessions')).toEqual([])
  expect(look('SELECT id FROM challenges WHERE verified_at IS NOT NULL')).toHaveLength(3)

  server = await startDev({ folder, port })
  const [first, second, third] = people
  // The same call again finds its proof used; what opens it asks the hook.
  const again = await call('POST', `/v1/challenges/${first?.id}/verify`, { code: first?.code })
  expect(again.body.code).toBe('challenge_used')
  receiver.answer = deny
  const denied = await call('POST', '/v1/sessions', { challengeId: first?.id })
  expect(denied.body.code).toBe('hook_denied')
  expect(look('SELECT id FROM sessions')).toEqual([])
  receiver.answer = allow
  expect((await call('POST', '/v1/sessions', { challengeId: second?.id })).status).toBe(201)
  // By its Idempotency-Key the very call goes on.
  const repeated = await call('POST', `/v1/challenges/${third?.id}/verify`, { code: third?.code }, headers)
  expect(repeated).toMatchObject({
    status: 200,
    body: { isNewUser: true, session: { id: expect.any(String) } },
  })
  expect(receiver.requests).toHaveLength(6)
  expect(look('SELECT id FROM sessions')).toHaveLength(2)
  await server.stop()
  await receiver.close()
})
