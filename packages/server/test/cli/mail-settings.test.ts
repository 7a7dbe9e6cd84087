import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'
import { MAIL_SETTINGS } from '../../src/mail-config.ts'

const SMTP = 'smtp://user:pass@mail.example.com:587'
const OTHER = 'smtp://user:pass@other.example.com:587'
const HOOK = 'https://mail.example.com/send'
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`

const pem = (namedCurve: string) =>
  String(generateKeyPairSync('ec', { namedCurve }).publicKey.export({ type: 'spki', format: 'pem' }))
const flat = (text: string) => text.replaceAll(/-----[A-Z ]+-----|\n/g, '')

function problemsOf(env: Record<string, string>): string[] {
  try {
    readConfig(env, MAIL_SETTINGS)
    return []
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError)
    return (error as ConfigError).problems.map(({ name, problem, fix }) => {
      expect(fix.length).toBeGreaterThan(10)
      return `${name} ${problem}`
    })
  }
}

describe('the ways out', () => {
  it.each([
    [{ SMTP_URL: SMTP }],
    [{ SMTP_URL: SMTP, SMTP_FALLBACK_URL: OTHER }],
    [{ SMTP_URL: SMTP, MAIL_WEBHOOK_URL: HOOK, MAIL_WEBHOOK_SECRET: SECRET }],
    [{ MAIL_WEBHOOK_URL: 'http://127.0.0.1:8080/', MAIL_WEBHOOK_SECRET: `${SECRET}, ${SECRET}` }],
  ])('of %j are right', env => {
    expect(problemsOf(env)).toEqual([])
  })

  it.each([
    [{}, ['SMTP_URL is missing']],
    [{ SMTP_URL: '' }, ['SMTP_URL is missing']],
    [{ SMTP_FALLBACK_URL: OTHER }, ['SMTP_URL is missing', 'SMTP_FALLBACK_URL is set without']],
    [{ SMTP_URL: SMTP, SMTP_FALLBACK_URL: SMTP }, ['SMTP_FALLBACK_URL is the same']],
    [{ SMTP_URL: SMTP, SMTP_FALLBACK_URL: 'other.example.com' }, ['SMTP_FALLBACK_URL is not a URL']],
    [{ MAIL_WEBHOOK_URL: HOOK }, ['MAIL_WEBHOOK_SECRET is missing']],
    [{ SMTP_URL: SMTP, MAIL_WEBHOOK_SECRET: SECRET }, ['MAIL_WEBHOOK_URL is missing']],
    [
      { MAIL_WEBHOOK_URL: 'http://mail.example.com/', MAIL_WEBHOOK_SECRET: 'x' },
      ['MAIL_WEBHOOK_URL is not https', 'MAIL_WEBHOOK_SECRET is not whsec_'],
    ],
  ])('of %j are refused', (env, problems) => {
    const found = problemsOf(env as Record<string, string>)
    expect(found).toHaveLength(problems.length)
    for (const problem of problems) expect(found.join('\n')).toContain(problem)
  })
})

describe('the reports', () => {
  it.each([
    ['MAIL_EVENTS_SES_TOPIC_ARN', 'arn:aws:sns:eu-west-1:123456789012:mail-events', 'ses'],
    ['MAIL_EVENTS_POSTMARK_TOKEN', 'f'.repeat(24), 'postmark'],
    ['MAIL_EVENTS_RESEND_SECRET', SECRET, 'resend'],
    ['MAIL_EVENTS_SENDGRID_PUBLIC_KEY', flat(pem('P-256')), 'sendgrid'],
    ['MAIL_EVENTS_SENDGRID_PUBLIC_KEY', pem('P-256'), 'sendgrid'],
    ['MAIL_EVENTS_GENERIC_SECRET', SECRET, 'generic'],
  ])('%s of %j lets %s in and nobody else', (name, value, provider) => {
    const { mailEvents } = readConfig({ SMTP_URL: SMTP, [name]: value }, MAIL_SETTINGS)
    expect(Object.keys(mailEvents.sources)).toEqual([provider])
  })

  it.each([
    ['MAIL_EVENTS_SES_TOPIC_ARN', 'arn:aws:sqs:eu-west-1:123456789012:queue'],
    ['MAIL_EVENTS_SES_TOPIC_ARN', 'arn:aws:sns:eu-west-1.evil.example/:123456789012:x'],
    ['MAIL_EVENTS_POSTMARK_TOKEN', 'short'],
    ['MAIL_EVENTS_RESEND_SECRET', 'whsec_short'],
    ['MAIL_EVENTS_SENDGRID_PUBLIC_KEY', 'AAAA'],
    ['MAIL_EVENTS_SENDGRID_PUBLIC_KEY', pem('P-384')],
    ['MAIL_EVENTS_GENERIC_SECRET', SECRET.replace('whsec_', '')],
  ])('%s of %j is refused', (name, value) => {
    const [problem, ...more] = problemsOf({ SMTP_URL: SMTP, [name]: value })
    expect(more).toEqual([])
    expect(problem).toContain(name)
    expect(problem).not.toContain(value)
  })
})
