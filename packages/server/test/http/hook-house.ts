import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { Webhook } from 'standardwebhooks'
import { expect } from 'vitest'
import { MAIL_EVENT_SETTINGS } from '../../src/http/hooks/sources.ts'
import { selfSigned } from '../setup/certificate.ts'
import { type Answer, type TestServer, testServer } from '../setup/server.ts'
import { fresh, send } from './world.ts'

export const TOPIC = 'arn:aws:sns:eu-west-1:123456789012:mail-events'
export const CERT_URL = 'https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-0123abcd.pem'
export const TOKEN = randomBytes(24).toString('hex')
export const GENERIC = `whsec_${randomBytes(32).toString('base64')}`
export const RESEND = `whsec_${randomBytes(24).toString('base64')}`
export const sendgridKeys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
export const snsKeys = generateKeyPairSync('rsa', { modulusLength: 2048 })
export const CERTIFICATE = selfSigned(snsKeys)

/** What the process would be set up with, read as it reads it. */
export const SETTINGS: Record<string, string> = {
  MAIL_EVENTS_SES_TOPIC_ARN: TOPIC,
  MAIL_EVENTS_POSTMARK_TOKEN: TOKEN,
  MAIL_EVENTS_RESEND_SECRET: RESEND,
  MAIL_EVENTS_SENDGRID_PUBLIC_KEY: sendgridKeys.publicKey
    .export({ type: 'spki', format: 'der' })
    .toString('base64'),
  MAIL_EVENTS_GENERIC_SECRET: GENERIC,
}

export interface Report {
  headers: Record<string, string>
  body: string
}

/** A server with every provider set up, and where its certificates come from. */
export async function hookServer() {
  const fetched: string[] = []
  const logged: string[] = []
  const certificates: { answer(url: string): Response | Promise<Response> } = {
    answer: url =>
      url === CERT_URL ? new Response(CERTIFICATE) : new Response('no such file', { status: 404 }),
  }
  const record = (fields: object, text: string) => void logged.push(`${text} ${JSON.stringify(fields)}`)
  const server = await testServer({
    log: { info: () => {}, warn: record, error: record },
    mailEvents: {
      sources: Object.assign({}, ...MAIL_EVENT_SETTINGS.map(({ name, read }) => read(SETTINGS[name] ?? ''))),
      fetch: async (url, init) => {
        expect(init.redirect).toBe('error')
        fetched.push(url)
        return await certificates.answer(url)
      },
    },
  })
  return { server, fetched, logged, certificates }
}

/** A message that was sent, and its challenge. */
export async function mailed(server: TestServer): Promise<{ id: string; challengeId: string }> {
  const { id: challengeId } = await send(server, { to: fresh() })
  await server.ostiary.drain()
  return { id: (await server.message({ challengeId })).id, challengeId }
}

export const post = (server: TestServer, provider: string, { headers, body }: Report): Promise<Answer> =>
  server.call('POST', `/hooks/mail/${provider}`, body, { key: null, headers })

/** The events of a challenge that providers caused. */
export async function told(server: TestServer, challengeId: string) {
  const { body } = await server.get(`/v1/challenges/${challengeId}`)
  const types = ['message.delivered', 'message.bounced', 'message.complained']
  return body.timeline.filter((event: { type: string }) => types.includes(event.type))
}

export function webhook(secret: string, payload: unknown, at: number, prefix = 'webhook'): Report {
  const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const id = `evt_${randomBytes(4).toString('hex')}`
  return {
    body,
    headers: {
      [`${prefix}-id`]: id,
      [`${prefix}-timestamp`]: String(Math.floor(at / 1000)),
      [`${prefix}-signature`]: new Webhook(secret).sign(id, new Date(at), body),
    },
  }
}

export function sendgrid(events: unknown, at: number, key = sendgridKeys.privateKey): Report {
  const body = typeof events === 'string' ? events : JSON.stringify(events)
  const timestamp = String(Math.floor(at / 1000))
  return {
    body,
    headers: {
      'X-Twilio-Email-Event-Webhook-Timestamp': timestamp,
      'X-Twilio-Email-Event-Webhook-Signature': sign('sha256', Buffer.from(timestamp + body), key).toString(
        'base64',
      ),
    },
  }
}

type Fields = Record<string, string>

export function sns(message: unknown, at: number, more: Fields = {}, key = snsKeys.privateKey): Report {
  const fields: Fields = {
    Type: 'Notification',
    MessageId: '22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324',
    TopicArn: TOPIC,
    Message: JSON.stringify(message),
    Timestamp: new Date(at).toISOString(),
    SignatureVersion: '2',
    SigningCertURL: CERT_URL,
    ...more,
  }
  const names = ['Message', 'MessageId', 'Subject', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type']
  const text = names
    .filter(name => fields[name] !== undefined)
    .map(name => `${name}\n${fields[name]}\n`)
    .join('')
  const algorithm = fields.SignatureVersion === '1' ? 'sha1' : 'sha256'
  const Signature = sign(algorithm, Buffer.from(text), key).toString('base64')
  return { headers: { 'Content-Type': 'text/plain' }, body: JSON.stringify({ ...fields, Signature }) }
}
