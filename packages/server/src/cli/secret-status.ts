import { createKeyring } from '../core/keys.ts'
import { inspectDatabase } from '../store/inspect.ts'
import type { SealedCount } from '../store/sql/secrets.ts'
import { type OperatorOptions, placeOf } from './operator.ts'
import { print, printJson, table } from './terminal.ts'

const STEPS = `To rotate:
  1. append a new secret (ostiary secret generate), deploy:  OSTIARY_SECRET=OLD,NEW
  2. move it to the front, deploy:                           OSTIARY_SECRET=NEW,OLD
  3. ostiary secret reseal; a day later take the old one out, deploy
After a leak: put a new one in front, ostiary secret replace --yes, take the leaked one out.`

interface SecretStatus extends SealedCount {
  role: 'writes' | 'reads' | 'missing'
}

/** `ostiary secret`: reads only, so that it answers when start refuses, too. */
export async function showSecretStatus(options: OperatorOptions): Promise<void> {
  const statuses = await readStatuses(options)
  if (options.json) return printJson(statuses)
  print(
    table(
      statuses.map(({ keyId, role, signingKeys, queuedMessages, keptMessages, webhookSecrets }) => [
        keyId,
        `${role.padEnd(7)}  signing keys ${signingKeys}, queued messages ${queuedMessages}, messages in inboxes ${keptMessages}, webhook secrets ${webhookSecrets}`,
      ]),
    ),
  )
  print(`\n${nextStep(statuses)}\n\n${STEPS}`)
}

/** How many signing keys are sealed under another secret than the first. */
export async function countOldSigningKeys(options: OperatorOptions): Promise<number> {
  const others = (await readStatuses(options)).filter(({ role }) => role !== 'writes')
  return others.reduce((sum, { signingKeys }) => sum + signingKeys, 0)
}

async function readStatuses(options: OperatorOptions): Promise<SecretStatus[]> {
  const { database, secrets } = placeOf(options)
  const { keyIds } = createKeyring(secrets, 1)
  const inspection = await inspectDatabase(database, Date.now())
  return secretStatuses(keyIds, inspection?.state?.sealed ?? [])
}

/** Sealed rows by secret: in the order of the list, then those whose secret is not on it. */
export function secretStatuses(keyIds: readonly string[], sealed: readonly SealedCount[]): SecretStatus[] {
  const ids = [...new Set([...keyIds, ...sealed.map(({ keyId }) => keyId)])]
  return ids.map(keyId => {
    const none = { keyId, signingKeys: 0, queuedMessages: 0, keptMessages: 0, webhookSecrets: 0 }
    const role = keyId === keyIds[0] ? 'writes' : keyIds.includes(keyId) ? 'reads' : 'missing'
    return { ...none, ...sealed.find(row => row.keyId === keyId), role }
  })
}

function nextStep(statuses: readonly SecretStatus[]): string {
  const isUsed = (one: SecretStatus) =>
    one.signingKeys + one.queuedMessages + one.keptMessages + one.webhookSecrets > 0
  const missing = statuses.find(
    one => one.role === 'missing' && one.signingKeys + one.queuedMessages + one.webhookSecrets > 0,
  )
  if (missing)
    return `Next: put the secret ${missing.keyId} back at the end of OSTIARY_SECRET; start refuses without it.`
  const old = statuses.filter(({ role }) => role === 'reads')
  if (old.some(isUsed))
    return 'Next: ostiary secret reseal, once the first secret is the new one on every server.'
  if (old.length > 0)
    return `Next: take ${old.map(({ keyId }) => keyId).join(', ')} out, a day after it stopped to write.`
  return 'Nothing to do: every row is sealed under the one secret.'
}
