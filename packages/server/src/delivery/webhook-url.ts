/**
 * Reads `MAIL_WEBHOOK_URL`. Throws an Error that names the fault. The body holds codes: it goes over https, or to this
 * machine.
 */
export function parseWebhookUrl(text: string): URL {
  if (!URL.canParse(text)) throw new Error('is not a URL')
  const url = new URL(text)
  const isLoopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) throw new Error('is not https')
  if (url.username !== '' || url.password !== '')
    throw new Error('has a user or password; the signature tells who is calling')
  if (url.hash !== '') throw new Error('has a part after #')
  return url
}
