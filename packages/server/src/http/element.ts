import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { brotliCompress, gzip } from 'node:zlib'
import { type Context, Hono } from 'hono'
import { OstiaryError } from '../core/errors.ts'
import type { AppVariables } from './app.ts'

/** The sign-in element as browsers load it: its script and one catalogue per language. */
export interface ElementFiles {
  /** Changes with any of the files: a URL that names it (`?v=`) can be kept for ever. */
  version: string
  /** By path below `/element/`. */
  files: ReadonlyMap<string, ElementFile>
}

type Encoding = 'br' | 'gzip' | 'identity'

interface ElementFile {
  type: string
  hash: string
  bytes: Record<Encoding, Buffer<ArrayBuffer>>
}

const TYPES: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  json: 'application/json; charset=utf-8',
}
const FOR_EVER = 'public, max-age=31536000, immutable'
const FOR_A_WHILE = 'public, max-age=300, stale-while-revalidate=86400'

/**
 * `GET /element/v1.js`, the files that it loads when they are needed (`passkeys.js`, `watch.js`), `account.js`, and
 * `/element/words/{locale}.json`, for pages of any origin. An answer whose URL names the version is
 * kept for ever; any other is asked after by its ETag.
 */
export function elementRoutes(): Hono<AppVariables> {
  const app = new Hono<AppVariables>()
  app.get('/:file', c => serve(c, c.req.param('file')))
  app.get('/words/:file', c => serve(c, `words/${c.req.param('file')}`))
  return app
}

async function serve(c: Context, path: string): Promise<Response> {
  const { version, files } = await elementFiles()
  const file = files.get(path)
  if (!file) throw new OstiaryError('not_found')
  const encoding = encodingFor(c.req.header('accept-encoding') ?? '')
  const etag = `"${file.hash}-${encoding}"`
  const headers = {
    ETag: etag,
    Vary: 'Accept-Encoding',
    'Cache-Control': c.req.query('v') === version ? FOR_EVER : FOR_A_WHILE,
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
  }
  const known = c.req.header('if-none-match')?.split(',') ?? []
  if (known.some(one => one.trim().replace(/^W\//, '') === etag)) return c.body(null, 304, headers)
  return c.body(file.bytes[encoding], 200, {
    ...headers,
    'Content-Type': file.type,
    ...(encoding !== 'identity' && { 'Content-Encoding': encoding }),
  })
}

function encodingFor(accepted: string): Encoding {
  const isTaken = (name: string) =>
    accepted.split(',').some(one => one.trim().split(';')[0] === name && !/;\s*q=0(\.0*)?$/.test(one.trim()))
  return (['br', 'gzip'] as const).find(isTaken) ?? 'identity'
}

let loaded: Promise<ElementFiles> | undefined

/** Read once: they are part of the program. */
export function elementFiles(): Promise<ElementFiles> {
  loaded ??= load().catch(error => {
    loaded = undefined
    throw error
  })
  return loaded
}

async function load(): Promise<ElementFiles> {
  const built = fileURLToPath(new URL('../element', import.meta.url))
  if (existsSync(built)) return await filesIn(built)
  // A checkout runs its sources: the element is bundled when it is first asked for.
  const out = mkdtempSync(join(tmpdir(), 'ostiary-element-'))
  try {
    const { build } = await import(new URL('../../../sdk/tools/build.ts', import.meta.url).href)
    await build(out)
    return await filesIn(join(out, 'element'))
  } finally {
    rmSync(out, { recursive: true, force: true })
  }
}

async function filesIn(folder: string): Promise<ElementFiles> {
  const paths = [
    ...readdirSync(folder).filter(name => name.endsWith('.js')),
    ...readdirSync(join(folder, 'words')).map(name => `words/${name}`),
  ].sort()
  const files = new Map(
    await Promise.all(
      paths.map(async path => [path, await fileOf(path, readFileSync(join(folder, path)))] as const),
    ),
  )
  const version = hashOf(Buffer.from([...files.values()].map(file => file.hash).join()))
  return { version, files }
}

// On the threads of libuv: at its best quality brotli would hold up everybody's requests.
const compress = { br: promisify(brotliCompress), gzip: promisify(gzip) }

async function fileOf(path: string, bytes: Buffer<ArrayBuffer>): Promise<ElementFile> {
  const [br, gz] = await Promise.all([compress.br(bytes), compress.gzip(bytes, { level: 9 })])
  return {
    type: TYPES[path.split('.').at(-1) ?? ''] ?? 'application/octet-stream',
    hash: hashOf(bytes),
    bytes: { br, gzip: gz, identity: bytes },
  }
}

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('base64url').slice(0, 22)
