import type { Once } from './ports.ts'

/** An Idempotency-Key as the edge hands it to an operation: which record, and how its answer is sealed for keeping. */
export interface Keep<Result> {
  id: string
  environmentId: string
  bodyHash: string
  seal(result: Result): { sealed: string; keepMs: number }
}

/**
 * Runs a store write and makes its outcome the operation's result; `finish` throws a refusal. With an Idempotency-Key
 * the result is made inside the write, so that it is kept in the same commit as the effect; a refusal is not kept.
 */
export async function writeOnce<Outcome, Result>(
  keep: Keep<Result> | undefined,
  write: (once?: Once<Outcome>) => Promise<Outcome>,
  finish: (outcome: Outcome) => Promise<Result> | Result,
): Promise<Result> {
  if (!keep) return await finish(await write())
  let finished: { result: Result } | { refusal: unknown } | undefined
  await write({
    id: keep.id,
    environmentId: keep.environmentId,
    bodyHash: keep.bodyHash,
    async answer(outcome) {
      try {
        const result = await finish(outcome)
        finished = { result }
        return keep.seal(result)
      } catch (refusal) {
        finished = { refusal }
        return null
      }
    },
  })
  if (finished && 'result' in finished) return finished.result
  throw finished?.refusal ?? new Error('the write ended without an answer')
}
