/** An address of this machine that a listener binds. */
export interface ListenAddress {
  host: string
  port: number
  /** Whether only this machine reaches it. */
  isLoopback: boolean
}

/** Reads `127.0.0.1:9464`, `[::1]:9464` or `localhost:9464`; null for anything else. */
export function parseListenAddress(text: string): ListenAddress | null {
  const match = /^(?:\[([0-9a-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text)
  if (!match) return null
  const host = (match[1] ?? match[2] ?? '').toLowerCase()
  const port = Number(match[3])
  if (port < 1 || port > 65_535) return null
  return {
    host,
    port,
    isLoopback: host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host),
  }
}
