import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'

const SDK = fileURLToPath(new URL('..', import.meta.url))
/** The one set of texts: mails read `mail.…` of it, the element `signIn.…`. */
export const WORDS = fileURLToPath(new URL('../../server/src/words', import.meta.url))

/**
 * `node packages/sdk/tools/build.ts`: what browsers load, in dist/: `element/v1.js` with Lit inside, one catalogue per
 * language beside it, and `browser.js` for pages without a bundler. The server ships `element/` as it is.
 */
export async function build(out: string): Promise<void> {
  rmSync(out, { recursive: true, force: true })
  await bundle(join(SDK, 'src/element.ts'), join(out, 'element/v1.js'))
  await bundle(join(SDK, 'src/browser.ts'), join(out, 'browser.js'))
  mkdirSync(join(out, 'element/words'), { recursive: true })
  for (const file of readdirSync(WORDS).filter(name => name.endsWith('.json')))
    writeFileSync(join(out, 'element/words', file), JSON.stringify(elementTexts(join(WORDS, file))))
}

async function bundle(input: string, file: string): Promise<void> {
  // The catalogue says which file of Lit is for production.
  const built = await rolldown({
    input,
    platform: 'browser',
    resolve: { conditionNames: ['browser', 'import', 'default'] },
  })
  await built.write({ file, format: 'esm', minify: true, codeSplitting: false })
  await built.close()
}

function elementTexts(file: string): Record<string, string> {
  const texts: Record<string, string> = JSON.parse(readFileSync(file, 'utf8'))
  return Object.fromEntries(Object.entries(texts).filter(([key]) => key.startsWith('signIn.')))
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: 'string' } } })
  await build(resolve(values.out ?? join(SDK, 'dist')))
}
