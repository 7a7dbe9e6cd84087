import { parseEmail } from '../addresses/email.ts'
import type { Deps } from '../deps.ts'
import type { EnvironmentView } from '../environments/directory.ts'
import { newId } from '../ids.ts'
import { type EndpointNotice, sealContent } from '../messages/content.ts'
import type { DisabledEndpoint, OperatorNotice } from '../ports.ts'

const LIVES_MS = 24 * 3_600_000

/** The mails that a webhook endpoint was disabled, to all whom `webhooks.noticeTo` names: ready to be written with it. */
export function endpointNotices(
  { keyring, publicUrl }: Pick<Deps, 'publicUrl'> & { keyring: Pick<Deps['keyring'], 'seal'> },
  { environment, settings }: Pick<EnvironmentView, 'environment' | 'settings'>,
  { endpointId, url, reason, at }: DisabledEndpoint,
): OperatorNotice[] {
  const endpoint: EndpointNotice = {
    endpointId,
    host: new URL(url).host,
    environment: environment.slug,
    reason,
    at,
    url: `${publicUrl}/v1/webhooks/${endpointId}`,
  }
  // One mailbox once, however often and in whatever spelling it is named.
  const recipients = new Map(
    settings.webhooks.noticeTo
      .map(address => parseEmail(address))
      .filter(address => address !== null)
      .map(address => [address.identity, address]),
  )
  return [...recipients.values()].map(({ identity, spelling }) => {
    const messageId = newId('msg', at)
    return {
      kind: 'webhookDisabled',
      messageId,
      to: { value: identity, spelling },
      expiresAt: at + LIVES_MS,
      sealed: sealContent(keyring, environment.id, messageId, { code: null, link: null, endpoint }),
    }
  })
}
