/** How soon after sending a person can have opened a link at the earliest. */
const FASTEST_PERSON_MS = 2_000

// Cubot is a make of telephone.
const NAMES = new RegExp(
  [
    String.raw`(?<!cu)bot\b|crawl|spider|slurp|scan|preview|headless|phantom|facebookexternalhit|whatsapp`,
    'proofpoint|mimecast|barracuda|safelinks|symantec|sophos|fortinet|fireeye|checkpoint|virustotal|netcraft',
    'googleimageproxy|google-safety|yahoomailproxy|feedfetcher|ms-office|microsoft office|exchange',
    String.raw`python|\bcurl\b|\bwget\b|go-http-client|\bjava\/|okhttp|axios|node-fetch|undici|httpclient|libwww|ruby|perl|php`,
  ].join('|'),
  'i',
)

/**
 * Whether a link seems to have been opened by a program that looks into mails, not by a person. A guess for the operator
 * who reads a timeline: nothing is decided by it, and a scanner that poses as a browser is not found.
 */
export function looksLikeScanner(opening: {
  userAgent: string | null
  method: string
  /** Time between the last mail of the challenge and the opening, in milliseconds. */
  sentMsAgo: number
}): boolean {
  const userAgent = opening.userAgent?.trim() ?? ''
  if (userAgent === '' || NAMES.test(userAgent)) return true
  return opening.method === 'HEAD' || opening.sentMsAgo < FASTEST_PERSON_MS
}
