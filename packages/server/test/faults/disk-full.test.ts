import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { checkInvariants } from '../setup/invariants.ts'
import type { Answer } from '../setup/server.ts'
import { type House, openHouse } from './house.ts'

const mounts: string[] = []
afterAll(() => {
  for (const mount of mounts) {
    execFileSync('umount', ['-l', mount])
    rmSync(mount, { recursive: true, force: true })
  }
})

/** A file system of its own size, or null where nobody may mount one. */
function smallDisk(size: string): string | null {
  const mount = mkdtempSync(join(tmpdir(), 'ostiary-small-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', mount], { stdio: 'pipe' })
  } catch (error) {
    rmSync(mount, { recursive: true, force: true })
    // Loudly: a run without this proves less. `faults.test.ts` meets a full file in any case.
    console.warn(`the disk-full test did not run: ${(error as Error).message}`)
    return null
  }
  mounts.push(mount)
  return mount
}

const send = (house: House, number: number): Promise<Answer> =>
  house.call(
    'POST',
    '/v1/challenges',
    { to: `d${number}@faults.example`, metadata: { filling: 'x'.repeat(1900) } },
    { 'Idempotency-Key': `send-${number}` },
  )

test('a full disk refuses with 503, loses nothing that was answered, and works again when there is room', async context => {
  const disk = smallDisk('3m')
  if (disk === null) return context.skip('needs the right to mount')
  const house = await openHouse(mkdtempSync(join(disk, 'data-')))
  try {
    const kept = new Map<number, string>()
    const refused: number[] = []
    const codes = new Set<string>()
    for (let number = 0; refused.length < 60 && number < 2000; number += 5) {
      const numbers = [0, 1, 2, 3, 4].map(index => number + index)
      const answers = await Promise.all(numbers.map(one => send(house, one)))
      for (const [index, { status, body, headers }] of answers.entries()) {
        const one = number + index
        if (status === 201) kept.set(one, body.id)
        else {
          expect([status, headers.has('retry-after')]).toEqual([503, true])
          codes.add(body.code)
          refused.push(one)
        }
      }
    }
    expect(refused.length).toBeGreaterThanOrEqual(60)
    expect(kept.size).toBeGreaterThan(20)
    for (const code of codes) expect(['unavailable', 'outcome_unknown']).toContain(code)
    // What needs no room goes on while the disk is full, and says no when it needs some.
    expect((await house.call('GET', `/v1/challenges/${[...kept.values()][0]}`)).status).toBe(200)
    expect([200, 503]).toContain((await house.call('GET', '/readyz')).status)

    execFileSync('mount', ['-o', 'remount,size=64m', disk])
    for (const one of refused) expect(await send(house, one)).toMatchObject({ status: 201 })
    for (const [one, id] of kept) {
      const again = await send(house, one)
      expect([again.status, again.body.id, again.headers.get('idempotency-replayed')]).toEqual([
        201,
        id,
        'true',
      ])
    }
    const { challenges, idempotency } = house.counts()
    expect([challenges, idempotency]).toEqual(new Array(2).fill(kept.size + refused.length))
    expect(checkInvariants(house.file)).toEqual([])
  } finally {
    await house.close()
  }
})
