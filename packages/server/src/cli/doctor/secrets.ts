import type { SealedCount } from '../../store/sql/secrets.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

/** Whether every row can still be opened, and which secret has done its time. The first key id is the one that writes. */
export function checkSecrets(keyIds: readonly string[], sealed: readonly SealedCount[]): Finding[] {
  const [current = '', ...older] = keyIds
  const findings = [
    ok(
      'secrets',
      keyIds.length === 1
        ? `one secret (key id ${current})`
        : `${keyIds.length} secrets: ${current} writes, ${older.join(', ')} read${older.length === 1 ? 's' : ''}`,
    ),
  ]
  if (new Set(keyIds).size < keyIds.length)
    findings.push(warn('secrets', 'the same secret stands twice in OSTIARY_SECRET', 'take one of them out'))
  for (const row of sealed) {
    const isListed = keyIds.includes(row.keyId)
    if (!isListed && row.signingKeys + row.queuedMessages + row.webhookSecrets > 0)
      findings.push(
        fail(
          'secrets',
          `the secret ${row.keyId} is not in OSTIARY_SECRET, and ${needs(row)} it: start refuses`,
          'put it back at the end of the list; then ostiary secret reseal, and take it out',
        ),
      )
    else if (!isListed && row.keptMessages > 0)
      findings.push(
        warn(
          'secrets',
          `${needs(row)} the secret ${row.keyId}, which is gone`,
          'nothing: they are wiped in a day',
        ),
      )
    else if (older.includes(row.keyId)) findings.push(checkOld(row))
  }
  return findings
}

function checkOld(row: SealedCount): Finding {
  const isNeeded = row.signingKeys + row.queuedMessages + row.keptMessages + row.webhookSecrets > 0
  return isNeeded
    ? warn('secrets', `${needs(row)} the old secret ${row.keyId}`, 'run: ostiary secret reseal')
    : ok('secrets', `no row needs the old secret ${row.keyId}: it may go a day after it stopped to write`)
}

function needs({ signingKeys, queuedMessages, keptMessages, webhookSecrets }: SealedCount): string {
  const parts = [
    [signingKeys, 'signing key'],
    [queuedMessages, 'queued message'],
    [keptMessages, 'message in an inbox'],
    [webhookSecrets, 'webhook secret'],
  ] as const
  const counted = parts.filter(([count]) => count > 0)
  const total = counted.reduce((sum, [count]) => sum + count, 0)
  const words = counted.map(([count, noun]) =>
    count === 1
      ? `1 ${noun}`
      : `${count} ${noun.replace(/^(signing key|queued message|message|webhook secret)/, '$1s')}`,
  )
  return `${words.join(' and ')} ${total === 1 ? 'needs' : 'need'}`
}
