import type { Keyring } from '../keys.ts'
import type { NoticeKind } from '../rows.ts'

/** What a message carries and nobody but its reader may see: plain code, and the whole URL of the link. */
export interface MessageContent {
  code: string | null
  link: string | null
  /** A security notice has neither of them, and tells this; */
  notice?: Notice
  /** and that of an endpoint this. */
  endpoint?: EndpointNotice
}

/** What happened to an account, as its mail tells it. */
export interface Notice {
  kind: NoticeKind
  at: number
  userAgent: string | null
  ipAddress: string | null
  /** The masked address or the name of the passkey that it is about. */
  subject: string | null
  /** Where the person can look, and end what is not theirs. */
  accountUrl: string
}

/** That a webhook endpoint was disabled, as its mail tells it. Of the URL the host: the rest may be a secret of the receiver. */
export interface EndpointNotice {
  endpointId: string
  host: string
  environment: string
  reason: 'gone' | 'failing'
  at: number
  /** Where it is enabled again. */
  url: string
}

/** Seals the content for the row of this message; it opens under no other environment or message id. */
export function sealContent(
  keyring: Pick<Keyring, 'seal'>,
  environmentId: string,
  messageId: string,
  content: MessageContent,
): string {
  return keyring.seal(JSON.stringify(content), aad(environmentId, messageId))
}

/** The content, or null when it was altered, belongs to another message, or its secret is not on the list. */
export function openContent(
  keyring: Pick<Keyring, 'open'>,
  environmentId: string,
  messageId: string,
  sealed: string,
): MessageContent | null {
  const plain = keyring.open(sealed, aad(environmentId, messageId))
  return plain === null ? null : (JSON.parse(plain) as MessageContent)
}

function aad(environmentId: string, messageId: string): string {
  return `${environmentId}/${messageId}`
}
