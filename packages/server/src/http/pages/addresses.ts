/** An address of the settings as a page may link to it: nothing that runs script. */
export function webAddress(address: string | null): URL | null {
  const url = address === null ? null : URL.parse(address)
  return url && /^https?:$/.test(url.protocol) ? url : null
}
