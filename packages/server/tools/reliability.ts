import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { runCampaign } from '../test/crash/campaign.ts'
import { chanceOf } from '../test/crash/chance.ts'
import { checkCopies } from '../test/crash/copies.ts'
import { openFailingSink } from '../test/crash/failing-sink.ts'
import { endAll } from '../test/setup/process.ts'

/** Kills the server under load again and again while its SMTP server is slow and fails. Prints figures, writes nothing. */

const { values } = parseArgs({
  options: { kills: { type: 'string', default: '200' }, seed: { type: 'string' } },
})
const kills = Number(values.kills)
const seed = Number(values.seed ?? randomInt(2 ** 31))
if (!Number.isInteger(kills) || kills < 1 || kills > 10_000 || !Number.isInteger(seed)) {
  console.error('usage: npm run reliability -- [--kills 1-10000] [--seed N]')
  process.exit(2)
}

const sink = await openFailingSink(chanceOf(seed + 1_000_003))
const startedAt = performance.now()
try {
  const { world, faults, violations, ...done } = await runCampaign({
    kills,
    seed,
    provider: sink,
    calm: () => sink.calm(),
    maxListed: 20 * kills,
    onKill: kill => kill % 10 === 0 && process.stderr.write(`${kill} of ${kills} kills\n`),
  })
  const { copies, unexplained } = checkCopies(sink.mails, done.kills, () => {})
  const { counts, flows } = world
  const used = flows.filter(flow => flow.used === 'yes').length
  console.log(
    Object.entries({
      'kills (SIGKILL)': done.kills.length,
      'answered calls': counts.ok + counts.fail,
      'lost answers': counts.unknown,
      'sign-ins begun': flows.length,
      'sign-ins finished': used,
      'mails taken by the SMTP server': sink.mails.length,
      'of these never acknowledged by it': sink.mails.filter(mail => !mail.isAnswered).length,
      'copies of a mail': copies,
      'copies that nothing explains': unexplained,
      'misdeeds of the SMTP server': Object.entries(sink.misdeeds)
        .map(([name, count]) => `${name} ${count}`)
        .join(', '),
      'answers that do not hold': faults.length,
      'broken invariants': violations.length,
      seed,
      seconds: Math.round((performance.now() - startedAt) / 1000),
    })
      .map(([name, figure]) => `${name.padEnd(36)}${figure}`)
      .join('\n'),
  )
  for (const what of [...faults, ...violations].slice(0, 50)) console.log(`! ${what}`)
  if (faults.length + violations.length > 0) process.exitCode = 1
} finally {
  await sink.close()
  await endAll()
}
