import type { Deps } from '../deps.ts'
import { isId } from '../ids.ts'
import type { DeliveryReport } from '../ports.ts'

const DETAIL_LENGTH = 500

/** Stores what a provider reported, each thing once; reports of messages that are not ours leave no trace. */
export async function recordReports(
  { store, clock }: Pick<Deps, 'store' | 'clock'>,
  reports: readonly DeliveryReport[],
): Promise<void> {
  const now = clock.now()
  await Promise.all(reports.map(report => store.recordDelivery({ ...report, now })))
}

/** The id of our message in a Message-ID (`<msg_…@domain>`), or the bare id; null when it is somebody else's. */
export function messageIdIn(text: string): string | null {
  const id = /^\s*<?(msg_[0-9a-z]{26})(?:@[^\s<>@]+)?>?\s*$/.exec(text)?.[1]
  return id !== undefined && isId('msg', id) ? id : null
}

/**
 * A provider's words as they may be stored (DESIGN promise 5): one line, cut, without anything that could be a code or a
 * token. What the mail held is gone by now, so every number of the length of a code is hidden.
 */
export function reportDetail(...parts: (string | null | undefined)[]): string | null {
  const text = parts.filter(part => part).join(': ')
  const safe = text
    .slice(0, 8 * DETAIL_LENGTH)
    .replaceAll(/=\r?\n/g, '')
    .replaceAll(/(?:osk|opk|olk|oht|oat|ort|odt|osl)_[\w-]+/g, '[hidden]')
    .replaceAll(/(?<!\d)(?:\d{6,10}|\d{5}(?:[\s\p{Pd}]|<[^<>]*>)\d{5})(?!\d)/gu, '[hidden]')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .toWellFormed()
    .trim()
    .slice(0, DETAIL_LENGTH)
    .toWellFormed()
  return safe === '' ? null : safe
}
