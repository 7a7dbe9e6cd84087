// Postmark gives a mail a Message-ID of its own, and SendGrid's complaints name none: both hand back what these say.
const PROVIDERS: [host: RegExp, headers: (id: string) => Record<string, string>][] = [
  [/(^|\.)postmarkapp\.com$/, id => ({ 'X-PM-Metadata-ostiary-id': id })],
  [/(^|\.)sendgrid\.net$/, id => ({ 'X-SMTPAPI': JSON.stringify({ unique_args: { ostiary_id: id } }) })],
]

/** The headers by which the provider behind an SMTP host names our message in its reports; none for other hosts. */
export function providerHeaders(host: string, messageId: string): Record<string, string> {
  return PROVIDERS.find(([pattern]) => pattern.test(host.toLowerCase()))?.[1](messageId) ?? {}
}
