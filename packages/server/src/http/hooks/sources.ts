import { createPublicKey, type KeyObject } from 'node:crypto'
import { webhookKeys } from '../../core/standard-webhooks.ts'

/** Which providers may report of mails, and how each proves itself. A provider that is not set up does not exist. */
export interface MailEventSources {
  ses?: { topicArn: string }
  postmark?: { token: string }
  resend?: { keys: Buffer[] }
  sendgrid?: { publicKey: KeyObject }
  generic?: { keys: Buffer[] }
}

/** How the setting of each provider is read: throws with what is wrong with it. `fix` says how to get a right one. */
export const MAIL_EVENT_SETTINGS: readonly {
  name: string
  fix: string
  read(text: string): MailEventSources
}[] = [
  {
    name: 'MAIL_EVENTS_SES_TOPIC_ARN',
    fix: 'set it to the ARN of the SNS topic, for example arn:aws:sns:eu-west-1:123456789012:mail-events',
    read: text => ({ ses: { topicArn: topicArnOf(text) } }),
  },
  {
    name: 'MAIL_EVENTS_POSTMARK_TOKEN',
    fix: 'set it to the output of: openssl rand -hex 24',
    read: text => ({ postmark: { token: tokenOf(text) } }),
  },
  {
    name: 'MAIL_EVENTS_RESEND_SECRET',
    fix: 'copy the signing secret (whsec_…) of the webhook at Resend',
    read: text => ({ resend: { keys: webhookKeys(text) } }),
  },
  {
    name: 'MAIL_EVENTS_SENDGRID_PUBLIC_KEY',
    fix: 'copy the verification key of the signed event webhook at SendGrid',
    read: text => ({ sendgrid: { publicKey: publicKeyOf(text) } }),
  },
  {
    name: 'MAIL_EVENTS_GENERIC_SECRET',
    fix: 'set it to whsec_ and the output of: openssl rand -base64 32',
    read: text => ({ generic: { keys: webhookKeys(text) } }),
  },
]

function topicArnOf(text: string): string {
  if (!/^arn:aws(-us-gov)?:sns:[a-z0-9-]+:\d{12}:[\w-]+(\.fifo)?$/.test(text))
    throw new Error('is not the ARN of an SNS topic')
  return text
}

function tokenOf(text: string): string {
  if (!/^[\x21-\x7e]{24,}$/.test(text)) throw new Error('is not 24 printable characters or more')
  return text
}

function publicKeyOf(text: string): KeyObject {
  const base64 = text.replaceAll(/-----(BEGIN|END) PUBLIC KEY-----|\s/g, '')
  let key: KeyObject
  try {
    key = createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' })
  } catch {
    throw new Error('is not a public key in base64')
  }
  if (key.asymmetricKeyDetails?.namedCurve !== 'prime256v1')
    throw new Error('is not a key of the curve P-256')
  return key
}
