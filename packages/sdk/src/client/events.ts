import { lost, OstiaryClientError, refusalOf } from './errors.ts'
import { deadline, headersOf, pause, type Wire } from './request.ts'
import type { ActionNews } from './wire.ts'

export interface Watch {
  wire: Wire
  token: string | null
  actionId: string | null
  signal: AbortSignal
  /** How often to ask while there is no stream. */
  pollEveryMs: number
  /** A stream that has been silent for so long is dead: the server sends a comment each 15 s. */
  silenceMs: number
  /** The state as an ordinary GET tells it. */
  current(): Promise<ActionNews>
}

const POLLS_BEFORE_STREAM = 15
const FIRST_BYTE_MS = 5000

/**
 * The news of one action, until the caller stops reading or aborts: by server-sent events where they come through, by
 * asking where a proxy holds them back. The first news is the state as it is now. Lost answers are passed over; a
 * refusal (the action is gone, the token is not taken) is thrown.
 */
export async function* watchAction(watch: Watch): AsyncGenerator<ActionNews> {
  let last = ''
  const isNew = (news: ActionNews) => {
    const name = `${news.state} ${news.step}`
    if (name === last) return false
    last = name
    return true
  }
  for (let polls = 1; ; polls = POLLS_BEFORE_STREAM) {
    for (let round = 0; round < polls; round++) {
      if (round > 0) await pause(watch.pollEveryMs, watch.signal)
      const news = await asked(watch)
      if (news && isNew(news)) yield { state: news.state, step: news.step }
    }
    for await (const told of streamed(watch)) {
      const news = told === 'open' ? await asked(watch) : told
      if (news && isNew(news)) yield { state: news.state, step: news.step }
    }
    // Where a server stops, many streams end at once: their pages come back one after the other.
    await pause(watch.pollEveryMs * (1 + Math.random() / 2), watch.signal)
  }
}

async function asked(watch: Watch): Promise<ActionNews | null> {
  try {
    return await watch.current()
  } catch (error) {
    const status = error instanceof OstiaryClientError ? error.failure.status : null
    if (watch.signal.aborted) throw lost('aborted')
    if (status === null || status === 429 || status >= 500) return null
    throw error
  }
}

/**
 * One stream, to its end; whatever breaks it only ends it. `open` comes first: what happened before the server listened
 * is only told to those who ask.
 */
async function* streamed(watch: Watch): AsyncGenerator<ActionNews | 'open'> {
  // The server says something at once: where nothing comes, a proxy holds the stream back.
  const silence = deadline(Math.min(FIRST_BYTE_MS, watch.silenceMs), watch.signal)
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  try {
    const answer = await watch.wire.fetch(`${watch.wire.server}/client/v1/actions/events`, {
      headers: { ...headersOf(watch), Accept: 'text/event-stream' },
      credentials: 'same-origin',
      cache: 'no-store',
      redirect: 'error',
      signal: silence.signal,
    })
    if (!answer.ok || !answer.body) throw refusalOf(answer, null)
    yield 'open'
    const decoder = new TextDecoder()
    reader = answer.body.getReader()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return
      silence.extend(watch.silenceMs)
      const blocks = (rest + decoder.decode(value, { stream: true })).split(/\r?\n\r?\n/)
      rest = blocks.pop() ?? ''
      for (const block of blocks) {
        const news = newsOf(block)
        if (news) yield news
      }
    }
  } catch {
    if (watch.signal.aborted) throw lost('aborted')
  } finally {
    silence.clear()
    await reader?.cancel().catch(() => {})
  }
}

/** One event of a stream (WHATWG HTML 9.2.6); comments and events of other names are nothing. */
function newsOf(block: string): ActionNews | null {
  const fields = block.split(/\r?\n/).map(line => /^(event|data): ?(.*)$/.exec(line))
  const value = (name: string) => fields.filter(field => field?.[1] === name).map(field => field?.[2])
  if (value('event').at(-1) !== 'state') return null
  try {
    return JSON.parse(value('data').join('\n'))
  } catch {
    return null
  }
}
