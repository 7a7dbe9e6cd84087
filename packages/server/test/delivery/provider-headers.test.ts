import { expect, test } from 'vitest'
import { providerHeaders } from '../../src/delivery/provider-headers.ts'

test.each([
  ['smtp.postmarkapp.com', { 'X-PM-Metadata-ostiary-id': 'msg_1' }],
  ['SMTP-broadcasts.Postmarkapp.com', { 'X-PM-Metadata-ostiary-id': 'msg_1' }],
  ['smtp.sendgrid.net', { 'X-SMTPAPI': '{"unique_args":{"ostiary_id":"msg_1"}}' }],
  ['smtp.eu.sendgrid.net', { 'X-SMTPAPI': '{"unique_args":{"ostiary_id":"msg_1"}}' }],
  ['notsendgrid.net', {}],
  ['sendgrid.net.example.com', {}],
  ['email-smtp.eu-west-1.amazonaws.com', {}],
])('%s is told our id as it hands it back', (host, headers) => {
  expect(providerHeaders(host, 'msg_1')).toEqual(headers)
})
