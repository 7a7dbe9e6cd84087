import { RE2JS } from '@bufbuild/re2'

/** A pattern of `matches`, by RE2: the time it takes grows with the text and the pattern, and never beyond. */
export interface Pattern {
  test(text: string): boolean
  /** Instructions: how much one character can cost. */
  size: number
}

const MAX_LENGTH = 250
// `\pL{1000}` takes 400 ms to compile, eight characters long. These bounds leave 50 ms at the worst, once per process.
const MAX_REPEATS = 128
const MAX_INSTRUCTIONS = 500
const MAX_KEPT = 2000

let kept = new Map<string, Pattern>()

/** Compiles a pattern, once. Throws an `Error` that says what is wrong with it. */
export function patternOf(text: string): Pattern {
  const known = kept.get(text)
  if (known) return known
  if (text.length > MAX_LENGTH) throw new Error(`the pattern is longer than ${MAX_LENGTH} characters`)
  refuseRepeats(text)
  const compiled = compile(text)
  const size = compiled.re2().prog.numInst()
  if (size > MAX_INSTRUCTIONS) throw new Error('the pattern is too large; write it shorter or repeat less')
  const pattern = { test: (input: string) => compiled.test(input), size }
  if (kept.size >= MAX_KEPT) kept = new Map()
  kept.set(text, pattern)
  return pattern
}

/** `{2,5}` is written out five times, and in a group that is repeated itself as often again. */
function refuseRepeats(text: string): void {
  const counts = [...text.matchAll(/\{(\d+)(?:,(\d*))?\}/g)].map(([, least, most]) =>
    Math.max(1, Number(least), Number(most ?? 0)),
  )
  const written = text.includes('){')
    ? counts.reduce((all, one) => all * one, 1)
    : counts.reduce((all, one) => all + one, 0)
  if (written > MAX_REPEATS) throw new Error(`the pattern repeats more than ${MAX_REPEATS} times`)
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.replace(/^error parsing regexp: /, '') : 'not readable'
    throw new Error(`the pattern is not of RE2: ${why}`, { cause })
  }
}
