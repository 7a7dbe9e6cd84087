import type { Ask, Reopening } from './aftermath.ts'
import { reopened } from './aftermath.ts'
import type { Flow, World } from './client.ts'
import type { Entry } from './history.ts'

/** When the copy was taken: what had been answered before is in it, what began after is not. */
export interface CopiedAt {
  from: number
  until: number
}

type Tell = (what: string) => void

/**
 * After an old copy was put back **without** raising the epoch. Not promised: that what came after the copy is
 * remembered (PROTOCOL section 6; docs/backup.md). Promised: the store is whole, what had been used or ended by then
 * stays so, what was answered by then is there, and people can sign in.
 */
export async function checkRestored(
  reopening: Reopening,
  { flows, history }: World,
  copied: CopiedAt,
): Promise<string[]> {
  const found: string[] = []
  const tell: Tell = what => found.push(`restored, same epoch: ${what}`)
  const before = history.filter(({ returnedAt }) => returnedAt < copied.from)
  const touched = history.filter(({ invokedAt }) => invokedAt < copied.until)
  const proven = new Set(before.filter(entry => entry.op === 'prove' && isOk(entry)).map(({ on }) => on))
  const over = sessionsOf(before.filter(entry => isEnd(entry) && isOk(entry)))
  const mayBeOver = sessionsOf(touched.filter(entry => isEnd(entry) || isRepeat(touched, entry)))
  const opened = sessionsNamed(before)
  await reopened(reopening, 0, async call => {
    for (const flow of flows) {
      if (flow.challengeId && proven.has(flow.challengeId)) await refusesCode(call, flow, tell)
      if (flow.sessionId === null || !opened.has(flow.sessionId)) continue
      const { body } = await call('POST', '/v1/sessions/verify', { accessToken: flow.accessToken })
      if (over.has(flow.sessionId) && body.isActive)
        tell(`${flow.sessionId} was ended before the copy and lives`)
      if (!mayBeOver.has(flow.sessionId) && !body.isActive)
        tell(`${flow.sessionId} was answered before the copy and is gone`)
    }
    for (const { on } of before.filter(entry => entry.op === 'revokeKey' && isOk(entry)))
      await refusesKey(call, on, tell)
    await signsIn(call, tell)
  })
  return found
}

/**
 * After an old copy was put back **with** a higher epoch: nothing that was handed out before works, whether the copy
 * knows it or not; and people can sign in. Afterwards the old epoch is refused.
 */
export async function checkRaised(reopening: Reopening, { flows }: World): Promise<string[]> {
  const found: string[] = []
  const tell: Tell = what => found.push(`restored, epoch raised: ${what}`)
  await reopened({ ...reopening, epoch: 2 }, 0, async call => {
    for (const flow of flows) {
      await refusesCode(call, flow, tell)
      if (flow.link !== null) {
        const { status } = await call('POST', new URL(flow.link).pathname)
        if (status < 400) tell(`an old link answers ${status}`)
      }
      for (const linkToken of flow.handovers) {
        const { status } = await call('POST', '/v1/challenges/verify', { linkToken })
        if (status < 300) tell('an old hand-over token works')
      }
      for (const refreshToken of flow.refreshTokens) {
        const { status } = await call('POST', '/v1/sessions/refresh', { refreshToken })
        if (status !== 401) tell(`an old refresh token answers ${status}`)
      }
      if (flow.accessToken === null) continue
      const { body } = await call('POST', '/v1/sessions/verify', { accessToken: flow.accessToken })
      if (body.isActive !== false) tell('an old access token is active')
    }
    const keyed = flows.find(({ sendKey }) => sendKey !== null)
    if (keyed?.sendKey) {
      const body = { to: keyed.to, credential: 'codeAndLink', redirectUrl: 'http://localhost:9/callback' }
      const { headers } = await call('POST', '/v1/challenges', body, { 'Idempotency-Key': keyed.sendKey })
      if (headers.get('idempotency-replayed') !== null) tell('an old answer was replayed')
    }
    await signsIn(call, tell)
  })
  const isRefused = await reopened(reopening, 0, async () => {}).then(
    () => false,
    () => true,
  )
  if (!isRefused) tell('the old epoch is taken again')
  return found
}

const isOk = (entry: Entry) => entry.outcome === 'ok'
const isEnd = ({ op, code }: Entry) => op === 'revoke' || op === 'block' || code === 'refresh_reused'
const isRepeat = (history: readonly Entry[], entry: Entry) =>
  entry.op === 'refresh' &&
  history.some(other => other !== entry && other.op === 'refresh' && other.on === entry.on)
const sessionsOf = (entries: readonly Entry[]) => new Set(entries.map(({ session }) => session))
const sessionsNamed = (entries: readonly Entry[]) =>
  new Set(entries.filter(entry => entry.op === 'prove' && isOk(entry)).map(({ named }) => named))

async function refusesCode(call: Ask, { challengeId, code }: Flow, tell: Tell): Promise<void> {
  if (challengeId === null || code === null) return
  const { status } = await call('POST', `/v1/challenges/${challengeId}/verify`, { code })
  if (status < 300) tell(`the code of ${challengeId} works again`)
}

async function refusesKey(call: Ask, secret: string, tell: Tell): Promise<void> {
  const { status } = await call('GET', '/v1/settings', undefined, { Authorization: `Bearer ${secret}` })
  if (status !== 401) tell(`a key that was revoked before the copy answers ${status}`)
}

async function signsIn(call: Ask, tell: Tell): Promise<void> {
  const sent = await call('POST', '/v1/challenges', { to: 'after@restored.example' })
  const read = await call('GET', `/v1/messages?challengeId=${sent.body.id}`)
  const code = read.body.data?.[0]?.code
  const { status } = await call('POST', `/v1/challenges/${sent.body.id}/verify`, { code })
  if (status !== 200) tell(`nobody can sign in (${sent.status}, ${status})`)
}
