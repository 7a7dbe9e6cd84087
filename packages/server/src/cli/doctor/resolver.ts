import { Resolver as DnsResolver, lookup } from 'node:dns/promises'

/** Names as the checks ask for them; tests bring their own. */
export interface Resolver {
  /** The addresses of a host, as a browser on this machine would find them. Throws when there are none. */
  addresses(host: string): Promise<string[]>
  /** TXT records, each as one text; null for a name that DNS does not know. Throws when nobody could be asked. */
  texts(name: string): Promise<string[] | null>
}

const TIMEOUT_MS = 3000

/** The resolver of this machine. */
export function systemResolver(): Resolver {
  const dns = new DnsResolver({ timeout: TIMEOUT_MS, tries: 1 })
  return {
    addresses: async host => (await lookup(host, { all: true })).map(({ address }) => address),
    async texts(name) {
      try {
        return (await dns.resolveTxt(name)).map(parts => parts.join(''))
      } catch (error) {
        // An answer that there is nothing is an answer; a time-out or a refusal is not.
        const { code } = error as NodeJS.ErrnoException
        if (code === 'ENODATA') return []
        if (code === 'ENOTFOUND') return null
        throw error
      }
    },
  }
}
