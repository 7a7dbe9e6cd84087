import { readFileSync, statSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { Reader, type Response } from 'mmdb-lib'
import { factsOf, type NetworkBook, type NetworkFacts } from './core/signals/networks.ts'
import type { Log } from './http/app.ts'
import { type NetworkList, parseNetworkList } from './network-list.ts'

/** The settings that name files about networks. */
export const NETWORK_FILES = ['GEOIP_FILE', 'ASN_FILE', 'ANONYMOUS_NETWORKS_FILE'] as const
export type NetworkFileName = (typeof NETWORK_FILES)[number]
export type NetworkFilePaths = Partial<Record<NetworkFileName, string>>

export interface NetworkFiles extends NetworkBook {
  /** Reads anew what has changed; a file that cannot be read stays as it was read before. */
  refresh(): Promise<void>
  /** What is in use, and from when its content is. */
  status(): { name: NetworkFileName; path: string; builtAt: number }[]
  close(): void
}

const EVERY_MS = 60_000

interface Loaded {
  name: NetworkFileName
  path: string
  /** Tells whether the file has changed. */
  mark: string
  builtAt: number
  facts(address: string): NetworkFacts
}

/**
 * Opens the files. Throws, with the name of the setting in front, when one cannot be read or is not what it should be. Once a
 * minute a changed file is read anew: put a new one in its place by renaming, so that no half of one is ever seen.
 */
export function openNetworkFiles(paths: NetworkFilePaths, log?: Pick<Log, 'info' | 'warn'>): NetworkFiles {
  const files = NETWORK_FILES.flatMap(name => {
    const path = paths[name]
    if (path === undefined) return []
    try {
      const mark = markOf(statSync(path))
      return [load(name, path, readFileSync(path), mark)]
    } catch (error) {
      throw new NetworkFileError(name, `cannot be used: ${(error as Error).message}`)
    }
  })
  const refresh = async () => {
    for (const [index, { name, path, mark }] of files.entries()) {
      try {
        const next = markOf(await stat(path))
        if (next === mark) continue
        files[index] = load(name, path, await readFile(path), next)
        log?.info({ setting: name, path }, 'a file about networks was read anew')
      } catch (error) {
        log?.warn({ setting: name, path, err: error }, 'a file about networks stays as it was read before')
      }
    }
  }
  const timer = setInterval(() => void refresh(), EVERY_MS)
  timer.unref()
  return {
    lookup: address => Object.assign({}, ...files.map(file => file.facts(address))),
    refresh,
    status: () => files.map(({ name, path, builtAt }) => ({ name, path, builtAt })),
    close: () => clearInterval(timer),
  }
}

export const NETWORK_FILE_FIX =
  'download it again: GEOIP_FILE and ASN_FILE are MMDB files, ANONYMOUS_NETWORKS_FILE has one CIDR range a line'

/** A file about networks that cannot be used. */
export class NetworkFileError extends Error {
  override name = 'NetworkFileError'
  readonly setting: NetworkFileName
  readonly problem: string
  constructor(setting: NetworkFileName, problem: string) {
    super(`${setting} ${problem}`)
    this.setting = setting
    this.problem = problem
  }
}

const markOf = ({ mtimeMs, size, ino }: { mtimeMs: number; size: number; ino: number }) =>
  `${mtimeMs} ${size} ${ino}`

function load(name: NetworkFileName, path: string, bytes: Buffer, mark: string): Loaded {
  if (name === 'ANONYMOUS_NETWORKS_FILE') {
    const list: NetworkList = parseNetworkList(bytes.toString('utf8'))
    const builtAt = Math.floor(Number(mark.split(' ')[0]))
    return { name, path, mark, builtAt, facts: address => ({ isAnonymous: list.includes(address) }) }
  }
  const reader = new Reader<Response>(bytes)
  const { nodeCount, ipVersion, buildEpoch } = reader.metadata
  if (!(nodeCount > 0) || !Number.isFinite(buildEpoch.getTime())) throw new Error('is no MMDB file')
  if (reader.metadata.searchTreeSize + 16 > bytes.length) throw new Error('is shorter than it says of itself')
  // One look, so that a file that cannot be searched is refused now and not by silence later.
  reader.get(ipVersion === 4 ? '192.0.2.1' : '2001:db8::1')
  return {
    name,
    path,
    mark,
    builtAt: buildEpoch.getTime(),
    facts(address) {
      if (ipVersion === 4 && address.includes(':')) return {}
      try {
        return factsOf(reader.get(address))
      } catch {
        // A damaged record says nothing, which is what a rule then learns.
        return {}
      }
    },
  }
}
