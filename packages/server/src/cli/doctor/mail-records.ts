import { type Finding, ok, warn } from './finding.ts'
import type { Resolver } from './resolver.ts'

/**
 * What other mail servers look up before they believe a mail from `MAIL_FROM`. Never a failure: the records may be
 * right for a way of mail that nobody here can see.
 */
export async function checkMailRecords(
  domain: string,
  dkimSelector: string | null,
  resolver: Resolver,
): Promise<Finding[]> {
  try {
    if ((await resolver.texts(domain)) === null)
      return [
        warn(
          'mail from',
          `DNS does not know ${domain}: nobody takes mail from it`,
          'register it, change MAIL_FROM, or run this on a machine that reaches DNS',
        ),
      ]
    return await Promise.all([
      checkSpf(domain, resolver),
      checkDkim(domain, dkimSelector, resolver),
      checkDmarc(domain, resolver),
    ])
  } catch (error) {
    return [
      warn(
        'mail from',
        `the records of ${domain} could not be asked for (${(error as Error).message})`,
        'run it again on a machine that reaches DNS',
      ),
    ]
  }
}

/** SPF (RFC 7208): one record, and not one that lets everybody send. */
export async function checkSpf(domain: string, resolver: Resolver): Promise<Finding> {
  const records = ((await resolver.texts(domain)) ?? []).filter(text => /^v=spf1( |$)/i.test(text))
  const [record] = records
  if (record === undefined)
    return warn(
      'spf',
      `${domain} has no SPF record`,
      'add the TXT record that your mail provider names, like: v=spf1 include:… -all',
    )
  if (records.length > 1)
    return warn(
      'spf',
      `${domain} has ${records.length} SPF records, so none of them counts`,
      'join them to one',
    )
  if (/(^| )\+?all( |$)/i.test(record))
    return warn('spf', `the SPF record of ${domain} lets everybody send`, 'end it with -all or ~all')
  return ok('spf', `${domain} has an SPF record`)
}

/** DKIM (RFC 6376): the public key of a selector. Which selector the provider signs with, only the operator knows. */
export async function checkDkim(
  domain: string,
  selector: string | null,
  resolver: Resolver,
): Promise<Finding> {
  if (selector === null)
    return warn(
      'dkim',
      'not looked up: only you know the selector',
      'ask your mail provider for it, and run: ostiary doctor --dkim-selector NAME',
    )
  const name = `${selector}._domainkey.${domain}`
  const record = (await resolver.texts(name))?.find(text => /(^|;)\s*p\s*=/i.test(text))
  if (record === undefined)
    return warn('dkim', `${name} has no key`, 'add the TXT or CNAME record that your mail provider names')
  if (/(^|;)\s*p\s*=\s*(;|$)/i.test(record))
    return warn('dkim', `the key at ${name} is revoked`, 'add the record of the key that signs now')
  return ok('dkim', `${name} has a key`)
}

/** DMARC (RFC 7489): at the domain itself or, above it, at the domain that it belongs to. */
export async function checkDmarc(domain: string, resolver: Resolver): Promise<Finding> {
  const labels = domain.split('.')
  // Which of the parents is the registered one only a list would tell; a record on the way up is one that counts.
  for (let from = 0; from + 2 <= labels.length; from++) {
    const name = `_dmarc.${labels.slice(from).join('.')}`
    const record = (await resolver.texts(name))?.find(text => /^v=DMARC1/i.test(text))
    if (record === undefined) continue
    const policy = /;\s*p\s*=\s*(\w+)/i.exec(record)?.[1]?.toLowerCase()
    if (policy === 'quarantine' || policy === 'reject') return ok('dmarc', `${name} says ${policy}`)
    return warn(
      'dmarc',
      `${name} only watches (p=${policy ?? 'missing'})`,
      'when its reports are clean, say p=quarantine or p=reject: others mail in your name until then',
    )
  }
  return warn(
    'dmarc',
    `${domain} has no DMARC record`,
    `add a TXT record at _dmarc.${domain}: v=DMARC1; p=quarantine`,
  )
}
