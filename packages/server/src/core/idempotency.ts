import { type Once, Replayed } from './ports.ts'

/** An Idempotency-Key as the edge hands it to an operation: which record, and how its answer is sealed for keeping. */
export interface Keep<Result> {
  id: string
  environmentId: string
  bodyHash: string
  seal(result: Result): { sealed: string; keepMs: number }
  /** A record besides, for the first of two writes: what came of it, to go on from when the call is repeated. */
  first: {
    id: string
    seal(outcome: unknown): { sealed: string; keepMs: number }
    /** Throws `outcome_unknown` for what does not open. */
    open(sealed: string): unknown
  }
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

/**
 * The first of two writes of one call. With an Idempotency-Key an outcome that `isKept` is recorded with its effect, and is
 * the answer to each later call with the key, which so goes on with the second write.
 */
export async function firstOnce<Outcome>(
  keep: Pick<Keep<never>, 'environmentId' | 'bodyHash' | 'first'> | undefined,
  write: (once?: Once<Outcome>) => Promise<Outcome>,
  isKept: (outcome: Outcome) => boolean,
): Promise<Outcome> {
  if (!keep) return await write()
  const { environmentId, bodyHash, first } = keep
  try {
    return await write({
      id: first.id,
      environmentId,
      bodyHash,
      answer: async outcome => (isKept(outcome) ? first.seal(outcome) : null),
    })
  } catch (error) {
    if (error instanceof Replayed) return first.open(error.sealed) as Outcome
    throw error
  }
}
