import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BareTransaction } from '../../src/store/sql/transaction.ts'
import { createWriter, type Writer } from '../../src/store/sqlite/group-commit.ts'
import { openSqliteStore } from '../../src/store/sqlite/store.ts'

let folder: string
let file: string
let writer: Writer
let outside: DatabaseSync
let commits: number[]
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ostiary-commit-'))
  file = join(folder, 'test.db')
  commits = []
  writer = open()
  outside = new DatabaseSync(file)
  outside.exec(`
    CREATE TABLE instance (one INTEGER PRIMARY KEY, last_instant INTEGER NOT NULL);
    INSERT INTO instance VALUES (1, 0);
    CREATE TABLE move (id TEXT, state TEXT, peer TEXT, since INTEGER) STRICT;
    CREATE TABLE notes (text TEXT PRIMARY KEY) STRICT;
    -- A note that says so makes SQLite roll the whole transaction back, as a full disk or an I/O error may do.
    CREATE TRIGGER lost BEFORE INSERT ON notes WHEN NEW.text LIKE 'lose%' BEGIN SELECT RAISE(ROLLBACK, 'lost'); END;
    -- And this one makes the COMMIT itself fail: the reference is checked there.
    CREATE TABLE debts (note TEXT REFERENCES notes (text) DEFERRABLE INITIALLY DEFERRED);
    CREATE TRIGGER owes AFTER INSERT ON notes WHEN NEW.text LIKE 'owe%' BEGIN INSERT INTO debts VALUES ('nothing'); END;`)
})
afterEach(async () => {
  await writer.close()
  outside.close()
  rmSync(folder, { recursive: true, force: true })
})

function open(path = file): Writer {
  const opened = createWriter(path)
  opened.onCommit(operations => commits.push(operations))
  return opened
}

const add = (text: string) => async (tx: BareTransaction) => {
  await tx.run('INSERT INTO notes (text) VALUES ($1)', text)
  return text
}
const write = (text: string) => writer.write(0, add(text))
const notes = () =>
  outside
    .prepare('SELECT text FROM notes ORDER BY text')
    .all()
    .map(row => row.text)
const outcomes = async (promises: Promise<unknown>[]) =>
  (await Promise.allSettled(promises)).map(one =>
    one.status === 'fulfilled' ? one.value : (one.reason.code ?? one.reason.message),
  )

describe('group commit', () => {
  it('lets a failing operation undo only itself', async () => {
    const half = writer.write(0, async tx => {
      await add('half')(tx)
      throw new Error('changed my mind')
    })
    const told = await outcomes([write('a'), write('a'), half, write('b')])
    expect(told).toEqual(['a', 'ERR_SQLITE_ERROR', 'changed my mind', 'b'])
    expect(notes()).toEqual(['a', 'b'])
    expect(commits).toEqual([4])
  })

  it('lets what an operation tells after the commit untold when it fails', async () => {
    const told: string[] = []
    const telling = (text: string, fails: boolean) =>
      writer.write(0, async tx => {
        tx.afterCommit(() => told.push(text))
        if (fails) throw new Error('no')
      })
    await outcomes([telling('right', false), telling('wrong', true)])
    expect(told).toEqual(['right'])
  })

  it('answers 503 unavailable to the whole batch when the transaction is lost, and works again after', async () => {
    const told = await outcomes([write('a'), write('lose'), write('b')])
    expect(told).toEqual(['unavailable', 'unavailable', 'unavailable'])
    expect(notes()).toEqual([])
    // An operation that swallows the error does not save the batch, nor goes it on outside of a transaction.
    const swallows = writer.write(0, async tx => {
      await Promise.resolve(tx.run("INSERT INTO notes (text) VALUES ('lose')")).catch(() => {})
    })
    const hides = writer.write(0, async tx => {
      try {
        await tx.run("INSERT INTO notes (text) VALUES ('lose')")
      } catch {}
    })
    expect(await outcomes([write('c'), hides, swallows, write('d')])).toEqual(
      new Array(4).fill('unavailable'),
    )
    expect(notes()).toEqual([])
    expect(await write('e')).toBe('e')
    expect(notes()).toEqual(['e'])
    expect(commits).toEqual([1])
  })

  it('answers outcome_unknown to all when the COMMIT fails, and works again after', async () => {
    expect(await outcomes([write('a'), write('owe'), write('b')])).toEqual(
      new Array(3).fill('outcome_unknown'),
    )
    expect(commits).toEqual([])
    expect(await write('c')).toBe('c')
    expect(notes()).toEqual(['c'])
  })

  it('gives nothing of a lost batch to those who wait behind it', async () => {
    const lost = outcomes([write('lose'), write('a')])
    await new Promise(resolve => setImmediate(resolve))
    const behind = write('b')
    expect(await lost).toEqual(['unavailable', 'unavailable'])
    expect(await behind).toBe('b')
  })

  it('answers nothing before the commit: what is answered, another connection sees', async () => {
    let answered = 0
    // The first of the batch sleeps: meanwhile the others wait, nobody has an answer, and nothing is seen from outside.
    const slow = writer.write(0, async tx => {
      await add('slow')(tx)
      await new Promise(resolve => setTimeout(resolve, 30))
      return [answered, notes().length]
    })
    const all = Array.from({ length: 300 }, async (_, index) => {
      await write(`n${index}`)
      answered++
      expect(outside.prepare('SELECT 1 AS there FROM notes WHERE text = ?').get(`n${index}`)).toEqual({
        there: 1,
      })
    })
    expect(await slow).toEqual([0, 0])
    await Promise.all(all)
    expect(answered).toBe(300)
  })

  it('shares commits under load', async () => {
    await Promise.all(Array.from({ length: 1000 }, (_, index) => write(`n${index}`)))
    expect(commits.reduce((sum, count) => sum + count, 0)).toBe(1000)
    expect(commits.length).toBeLessThan(50)
    expect(Math.max(...commits)).toBeGreaterThan(100)
  })

  it('refuses when somebody else holds the file, without waiting for ever, and works again after', async () => {
    outside.exec('BEGIN IMMEDIATE')
    const refused = outcomes([write('a'), write('b')])
    expect(await refused).toEqual(['unavailable', 'unavailable'])
    outside.exec('ROLLBACK')
    expect(await write('c')).toBe('c')
  }, 15_000)

  it('finishes what is queued when it closes, and refuses afterwards', async () => {
    const queued = Promise.all(Array.from({ length: 600 }, (_, index) => write(`n${index}`)))
    await writer.close()
    expect(await queued).toHaveLength(600)
    expect(notes()).toHaveLength(600)
    await expect(write('late')).rejects.toMatchObject({ code: 'unavailable' })
  })

  it('does not judge by a clock what only records', async () => {
    await writer.write(10_000, add('late'))
    await expect(writer.write(7999, add('a'))).rejects.toMatchObject({ code: 'unavailable' })
    expect(await writer.write(8000, add('b'))).toBe('b')
    expect(await writer.write(null, add('c'))).toBe('c')
    expect(outside.prepare('SELECT last_instant FROM instance').get()).toEqual({ last_instant: 10_000 })
  })
})

describe('a full disk', () => {
  const small = () => {
    const mount = join(folder, 'small')
    mkdirSync(mount)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=300k', 'tmpfs', mount], { stdio: 'ignore' })
      return mount
    } catch {
      return null
    }
  }

  it('refuses what does not fit, keeps what was answered, and works again when there is room', async context => {
    const mount = small()
    if (!mount) return context.skip('needs the right to mount')
    try {
      const path = join(mount, 'test.db')
      await writer.close()
      writer = open(path)
      await writer.alone(db =>
        db.exec(`CREATE TABLE instance (one INTEGER PRIMARY KEY, last_instant INTEGER NOT NULL);
          INSERT INTO instance VALUES (1, 0); CREATE TABLE notes (text TEXT PRIMARY KEY) STRICT;
          CREATE TABLE move (id TEXT, state TEXT, peer TEXT, since INTEGER) STRICT;`),
      )
      const kept: string[] = []
      const told = new Set<unknown>()
      for (let round = 0; round < 12; round++) {
        const texts = Array.from({ length: 4 }, (_, index) => `${round}-${index}-${'x'.repeat(8000)}`)
        const answers = await outcomes(texts.map(write))
        for (const [index, answer] of answers.entries()) {
          if (answer === texts[index]) kept.push(answer as string)
          else told.add(answer)
        }
      }
      expect(kept.length).toBeGreaterThan(0)
      // A refusal that is neither of these would be a yes or an internal error.
      expect([...told].every(one => one === 'unavailable' || one === 'outcome_unknown')).toBe(true)
      expect(told.size).toBeGreaterThan(0)
      execFileSync('mount', ['-o', 'remount,size=4m', mount])
      const last = await write('room')
      expect(last).toBe('room')
      const there = new DatabaseSync(path, { readOnly: true })
      const found = there
        .prepare('SELECT text FROM notes')
        .all()
        .map(row => row.text)
      there.close()
      for (const text of kept) expect(found.includes(text), `${text.slice(0, 5)} was answered`).toBe(true)
      await writer.close()
    } finally {
      execFileSync('umount', ['-l', mount])
    }
  })
})

describe('the store over it', () => {
  it('reports the operations of each commit', async () => {
    const counted: number[] = []
    const path = join(folder, 'store.db')
    const store = openSqliteStore(path, { onCommit: operations => counted.push(operations) })
    await store.migrate()
    await store.begin({ now: 0, epoch: 1, keyIds: [] })
    await Promise.all(Array.from({ length: 100 }, () => store.ping(0)))
    expect(counted).toEqual([100])
    await store.close()
  })

  it('answers 503 unavailable to reads of a broken file, too', async () => {
    const path = join(folder, 'store.db')
    const store = openSqliteStore(path)
    await store.migrate()
    const checkpoint = new DatabaseSync(path)
    checkpoint.exec('PRAGMA wal_checkpoint(TRUNCATE)')
    checkpoint.close()
    writeFileSync(path, 'not a database '.repeat(1000))
    await expect(store.listEnvironments()).rejects.toMatchObject({ code: 'unavailable' })
    await expect(store.ping(0)).rejects.toMatchObject({ code: 'unavailable' })
    await store.close().catch(() => {})
  })

  it('leaves a file that is whole without its log when it closes', async () => {
    const path = join(folder, 'store.db')
    const store = openSqliteStore(path)
    await store.migrate()
    await store.begin({ now: 0, epoch: 7, keyIds: [] })
    await store.listEnvironments()
    await store.close()
    expect(existsSync(`${path}-wal`)).toBe(false)
    const there = new DatabaseSync(path, { readOnly: true })
    expect(there.prepare('SELECT epoch FROM instance').get()).toEqual({ epoch: 7 })
    there.close()
  })
})
