import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { CASES } from '../test/threats/cases.ts'
import { COVERED, type Covered } from '../test/threats/covered.ts'

/**
 * Makes docs/security-cases.md from the catalogue, the titles of the tests and the registry.
 *
 *   node packages/server/tools/security-cases.ts [--report VITEST.json] [--mutations MUTATE.json]
 *
 * The results come from the report of `vitest run --reporter=json`; without one the page keeps those it has.
 */

const PAGE = new URL('../../../docs/security-cases.md', import.meta.url)
const TESTS = new URL('../test/', import.meta.url)
// A title in brackets: the case numbers, then what is tried.
const TITLE = /(['"`])((?:\[\d+\] )+)((?:(?!\1)[^\n\\]|\\.)+)\1/g

/** Every title under test/threats that begins with the number of a case. */
export function testedCases(): Covered[] {
  return readdirSync(new URL('threats/', TESTS))
    .filter(name => name.endsWith('.test.ts'))
    .sort()
    .flatMap(name => {
      const text = readFileSync(new URL(`threats/${name}`, TESTS), 'utf8')
      return [...text.matchAll(TITLE)].flatMap(([, , numbers = '', rest = '']) =>
        [...numbers.matchAll(/\d+/g)].map(([id]) => ({
          case: Number(id),
          file: `threats/${name}`,
          title: rest.replaceAll(/\\(.)/g, '$1').replaceAll(/\$\{'(%s)'\}/g, '$1'),
        })),
      )
    })
}

type Results = Map<string, string>

const keyOf = ({ file, title }: Pick<Covered, 'file' | 'title'>) => `${file} › ${title}`

interface Report {
  testResults: { name: string; assertionResults: { title: string; status: string }[] }[]
}

/** What a report says of each test: a title with a placeholder stands for all titles that it can become. */
function resultsOf(path: string, tests: readonly Covered[]): Results {
  const report = JSON.parse(readFileSync(path, 'utf8')) as Report
  const ran = report.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(({ title, status }) => ({
      file: name.replace(/^.*\/packages\/server\/test\//, ''),
      title: title.replace(/^(\[\d+\] )+/, ''),
      status,
    })),
  )
  const results: Results = new Map()
  for (const test of tests) {
    const pattern = new RegExp(
      test.title
        .replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
        .replaceAll(/%[sj]/g, '[^]*')
        .replaceAll(/\\\$\w+/g, '[^]*'),
    )
    // The sections of the store contract run from the file of each database.
    const file = test.file.startsWith('store/contract/') ? 'store/sqlite.test.ts' : test.file
    const found = ran.filter(one => one.file === file && pattern.test(one.title))
    const isBad = found.some(({ status }) => status === 'failed')
    const result =
      found.length === 0
        ? 'not run'
        : isBad
          ? 'failed'
          : found.every(one => one.status === 'passed')
            ? 'passed'
            : 'not run'
    results.set(keyOf(test), result)
  }
  return results
}

/** The results that stand on the page: the last column of the row of each test. */
function keptResults(): Results {
  const results: Results = new Map()
  if (!existsSync(PAGE)) return results
  for (const line of readFileSync(PAGE, 'utf8').split('\n')) {
    const cells = line.split(' | ')
    const result = cells.at(-1)?.replace(/ \|$/, '')
    const test = cells.at(-2)?.replace('`', '').replace('`', '')
    if (cells.length === 4 && test && result) results.set(test.replaceAll('\\|', '|'), result)
  }
  return results
}

const FOOT = '## Mutation check'

interface Mutated {
  file: string
  outcome: string
}

/** The figures of a run of `npm run mutate`. */
function footOf(path: string): string {
  const results = JSON.parse(readFileSync(path, 'utf8')) as Mutated[]
  const files = Map.groupBy(results, ({ file }) => file)
  const count = (rows: readonly Mutated[], ...outcomes: string[]) =>
    rows.filter(({ outcome }) => outcomes.includes(outcome)).length
  const line = (name: string, rows: readonly Mutated[]) =>
    `| ${name} | ${rows.length} | ${count(rows, 'killed', 'timed out')} | ${count(rows, 'argued')} | ${count(rows, 'survived', 'stale', 'argued, but killed')} |`
  return `${FOOT}

Each guard of the security core is taken away once, and the tests that should notice run: \`npm run mutate\` (parts of it
with \`-- --only TEXT\`). The guards, and the reasons for those that are argued, stand in
\`packages/server/test/mutations/guards.ts\`.

| file | guards | killed | argued | open |
|---|---|---|---|---|
${[...files].map(([file, rows]) => line(`\`${file}\``, rows)).join('\n')}
${line('**all**', results)}
`
}

/** The whole page; what no report is given for stays as it is. */
export function securityCasesPage(
  reports: { tests?: string | undefined; mutations?: string | undefined } = {},
): string {
  const tests = [...testedCases(), ...COVERED]
  const results = reports.tests ? resultsOf(reports.tests, tests) : keptResults()
  const kept = existsSync(PAGE) ? readFileSync(PAGE, 'utf8') : ''
  const foot = reports.mutations ? footOf(reports.mutations) : kept.slice(kept.indexOf(FOOT)).trimEnd()
  const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')
  const rows = CASES.flatMap(({ id, tried, comesWith }) => {
    const own = tests.filter(test => test.case === id)
    if (own.length === 0)
      return [`| ${id} | ${cell(tried)} | comes with: ${comesWith ?? 'nothing yet'} | later |`]
    return own.map((test, index) => {
      const result = results.get(cell(keyOf(test))) ?? results.get(keyOf(test)) ?? 'not run'
      return `| ${id} | ${index === 0 ? cell(tried) : '″'} | \`${test.file}\` › ${cell(test.title)} | ${result} |`
    })
  })
  const covered = CASES.filter(({ id }) => tests.some(test => test.case === id)).length
  return `<!-- Made from the tests by: node packages/server/tools/security-cases.ts -->
# Security cases

Every way in which systems like this one are known to go wrong, and the test that tries it here. ${covered} of ${CASES.length} cases
are tried today; the others come with the part that they attack. Where an answer of the catalogue and of the wire
contract differ, the contract holds.

| case | what is tried | test | result |
|---|---|---|---|
${rows.join('\n')}

${foot.trimEnd()}
`
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { report: { type: 'string' }, mutations: { type: 'string' } } })
  writeFileSync(PAGE, securityCasesPage({ tests: values.report, mutations: values.mutations }))
  console.log('wrote docs/security-cases.md')
}
