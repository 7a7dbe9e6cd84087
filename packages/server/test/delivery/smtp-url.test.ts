import { describe, expect, test } from 'vitest'
import { parseSmtpUrl } from '../../src/delivery/smtp-url.ts'

describe('SMTP_URL', () => {
  const accepted: [string, ReturnType<typeof parseSmtpUrl>][] = [
    [
      'smtps://u:p%40s@mail.example',
      { host: 'mail.example', port: 465, tls: 'implicit', auth: { user: 'u', pass: 'p@s' } },
    ],
    ['smtp://mail.example', { host: 'mail.example', port: 587, tls: 'starttls', auth: null }],
    ['smtp://10.0.0.9:25', { host: '10.0.0.9', port: 25, tls: 'starttls', auth: null }],
    ['smtp://mailpit:1025?tls=never', { host: 'mailpit', port: 1025, tls: 'none', auth: null }],
    ['smtp://localhost:1025', { host: 'localhost', port: 1025, tls: 'none', auth: null }],
    ['smtp://[::1]:1025', { host: '::1', port: 1025, tls: 'none', auth: null }],
    ['smtp://127.0.0.1:25/?tls=required', { host: '127.0.0.1', port: 25, tls: 'starttls', auth: null }],
  ]
  test.each(accepted)('%s is read', (text, server) => {
    expect(parseSmtpUrl(text)).toEqual(server)
  })

  test.each(['127.0.0.1.evil.example', 'localhost.evil.example', '128.0.0.1', 'mail'])(
    'the host %s is not loopback',
    host => {
      expect(parseSmtpUrl(`smtp://${host}`).tls).toBe('starttls')
    },
  )

  const refused: [string, RegExp][] = [
    ['mail.example:25', /smtp:\/\//],
    ['', /not a URL/],
    ['https://mail.example', /smtp:\/\//],
    ['smtp://', /host|URL/],
    ['smtps://mail.example?tls=never', /at once/],
    ['smtp://mail.example?tls=maybe', /tls=required or tls=never/],
    ['smtp://mail.example?ignoreTLS=true', /"ignoreTLS"/],
    ['smtp://mail.example/path', /after the port/],
    ['smtp://u:50%@mail.example', /%25/],
    // Read by the letter, the host would be "u", and the rest of the password a parameter.
    ['smtp://u:1?hush=2@mail.example', /^(?!.*hush).*%3F/],
  ]
  test.each(refused)('%j is refused with its remedy', (text, fault) => {
    expect(() => parseSmtpUrl(text)).toThrow(fault)
  })
})
