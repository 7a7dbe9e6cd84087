import {
  NETWORK_FILE_FIX,
  NetworkFileError,
  type NetworkFilePaths,
  openNetworkFiles,
} from '../../network-files.ts'
import { type Finding, fail, ok, warn } from './finding.ts'

const DAY = 24 * 60 * 60_000
/** Networks change hands: after two months a twentieth of the answers are of the one before. */
const OLD_DAYS = 60

/** Whether the files about networks can be used, and how old they are. */
export function checkNetworks(paths: NetworkFilePaths, now: number): Finding[] {
  if (Object.keys(paths).length === 0)
    return [ok('networks', 'no file: rules learn no country, network or anonymiser of an address')]
  try {
    const files = openNetworkFiles(paths)
    files.close()
    return files.status().map(({ name, builtAt }) => {
      const days = Math.max(0, Math.floor((now - builtAt) / DAY))
      const told = `${name} is ${days} ${days === 1 ? 'day' : 'days'} old`
      return days <= OLD_DAYS
        ? ok('networks', told)
        : warn('networks', told, 'put a newer one in its place: it is read within a minute')
    })
  } catch (error) {
    if (error instanceof NetworkFileError) return [fail('networks', error.message, NETWORK_FILE_FIX)]
    throw error
  }
}
