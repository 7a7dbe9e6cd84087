import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { ERRORS, type ErrorCode } from '../src/core/errors.ts'
import { variablesTable } from '../src/core/rules/variables.ts'
import { WHAT_TO_DO } from '../src/http/error-guide.ts'
import { openApiDocument } from '../src/http/openapi.ts'
import { eventsPage } from './events-page.ts'
import { securityCasesPage } from './security-cases.ts'

/** Makes the generated pages of docs/ from the code; without --write it only says which of them are stale. */

const DOCS = new URL('../../../docs/', import.meta.url)

const pages: Record<string, string> = {
  'openapi.json': `${JSON.stringify(await openApiDocument('http://localhost:4545'), null, 2)}\n`,
  'errors.md': errorsPage(),
  'events.md': eventsPage(),
  'security-cases.md': securityCasesPage(),
  'rules.md': withTable('rules.md', 'variables', variablesTable()),
}

const stale = Object.entries(pages).filter(([name, text]) => {
  const url = new URL(name, DOCS)
  return !existsSync(url) || readFileSync(url, 'utf8') !== text
})

if (process.argv.includes('--write')) {
  for (const [name, text] of stale) writeFileSync(new URL(name, DOCS), text)
  console.log(
    stale.length === 0 ? 'docs are up to date' : `wrote ${stale.map(([name]) => `docs/${name}`).join(', ')}`,
  )
} else if (stale.length > 0) {
  console.error(`stale: ${stale.map(([name]) => `docs/${name}`).join(', ')}; run: npm run docs`)
  process.exit(1)
}

/** A page that is written by hand, with the table between its two marks made anew. */
function withTable(page: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}: made from the code by npm run docs -->`, `<!-- /${name} -->`]
  const [before, rest] = readFileSync(new URL(page, DOCS), 'utf8').split(begin)
  const after = rest?.split(end)[1]
  if (before === undefined || after === undefined) throw new Error(`docs/${page} has no place for ${name}`)
  return `${before}${begin}\n\n${table}\n\n${end}${after}`
}

function errorsPage(): string {
  const rows = (Object.entries(ERRORS) as [ErrorCode, readonly [number, string]][]).map(
    ([code, [status, title]]) => `## ${code}\n\n**${status}** · ${title}.\n\n${WHAT_TO_DO[code]}\n`,
  )
  return `<!-- Made from the code by: npm run docs -->
# Errors

Every refusal is \`application/problem+json\` (RFC 9457). Decide by \`code\`; \`detail\` is for people, and \`requestId\`
finds the request in the log. A running server shows this page at \`/docs/errors\`.

${rows.join('\n')}`
}
