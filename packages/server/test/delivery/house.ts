import { afterEach, expect, vi } from 'vitest'
import type { Mail, Transport } from '../../src/core/ports.ts'
import { createOutbox, type Outbox, type OutboxDeps } from '../../src/delivery/outbox.ts'
import { fakeStore, handClock, keyring } from './fake-store.ts'
import { environment, MAIL_FROM, settings } from './samples.ts'

const running = new Set<Outbox>()
afterEach(async () => {
  const all = [...running]
  running.clear()
  for (const outbox of all) await outbox.stop()
})

/** Leaves an outbox running whose provider never answers: stopping would wait for it. */
export function abandon(outbox: Outbox): void {
  running.delete(outbox)
}

/** An outbox on a fake store; `send` is the provider. */
export function house(
  send: (mail: Mail) => Promise<{ reply: string }> = async () => ({ reply: '250 ok' }),
  own: Partial<OutboxDeps> = {},
) {
  const clock = handClock()
  const fake = fakeStore(clock)
  const sent: Mail[] = []
  const logged: string[] = []
  const record = (fields: object, text: string) => {
    logged.push(
      `${text} ${JSON.stringify(fields, (_, value) => (value instanceof Error ? value.stack : value))}`,
    )
  }
  const transport: Transport = {
    name: 'test',
    timeoutMs: 20_000,
    close: async () => {},
    send(mail) {
      sent.push(mail)
      return send(mail)
    },
  }
  const outbox: Outbox = createOutbox({
    store: fake.store,
    clock,
    keyring,
    log: { info: record, warn: record, error: record },
    transportFor: () => transport,
    directory: {
      environmentOf: async () => ({ environment: environment('live'), settings: settings(), templates: [] }),
    },
    mailFrom: MAIL_FROM,
    pollMs: 10,
    ...own,
  })
  running.add(outbox)
  return { ...fake, clock, sent, logged, outbox }
}

/** Waits until it is so; fails after two seconds. */
export const until = (isSo: () => boolean) =>
  vi.waitFor(() => expect(isSo()).toBe(true), { timeout: 2_000, interval: 3 })
export const hang = () => new Promise<never>(() => {})
