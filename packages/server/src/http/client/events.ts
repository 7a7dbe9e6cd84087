import { stateOf, stepOf } from '../../core/actions/state.ts'
import type { AtWork } from '../../core/actions/work.ts'
import { type Deps, limitedError } from '../../core/deps.ts'
import { clientEndpoint } from './endpoint.ts'

const MAX_STREAMS = 3
const EVERY_MS = 1000
const COMMENT_EVERY = 15

// By the hash of the working token; of this process: a token whose calls are spread over nodes has three on each.
const streams = new Map<string, number>()

/**
 * Server-sent events (HTML, section 9.2), read by fetch with the token in a header: names of state and step, nothing else.
 * The row is read each second, because on PostgreSQL the change may come from another node; the stream ends with the action, and
 * when the server stops: a page that waits must not keep the next process from starting.
 */
export const eventsEndpoint = clientEndpoint({
  method: 'GET',
  path: '/client/v1/actions/events',
  summary: 'State and step as server-sent events, until the action ends',
  auth: 'action',
  load: 'wait',
  status: 200,
  answer: null,
  errors: ['rate_limited'],
  async act(deps, call) {
    const { workingHash } = call
    const open = streams.get(workingHash) ?? 0
    if (open >= MAX_STREAMS) throw limitedError({ limit: 'streamsPerToken', retryAfterMs: 5000 })
    streams.set(workingHash, open + 1)
    const leave = () => {
      const left = (streams.get(workingHash) ?? 1) - 1
      if (left > 0) streams.set(workingHash, left)
      else streams.delete(workingHash)
    }
    return new Response(streamOf(deps, call, [call.signal, call.leaving], leave), {
      // Proxies that collect an answer before they pass it on would hold a stream for ever.
      headers: { 'Content-Type': 'text/event-stream', 'X-Accel-Buffering': 'no' },
    })
  },
  render: () => null,
})

function streamOf(
  deps: Deps,
  work: AtWork,
  signals: AbortSignal[],
  leave: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let isOver = false
  let wake = () => {}
  const end = () => {
    if (isOver) return
    isOver = true
    for (const signal of signals) signal.removeEventListener('abort', end)
    wake()
    leave()
  }
  for (const signal of signals) signal.addEventListener('abort', end)
  if (signals.some(signal => signal.aborted)) end()

  async function run(controller: ReadableStreamDefaultController<Uint8Array>) {
    let told = ''
    for (let tick = 0; !isOver; tick++) {
      const now = await look(deps, work)
      if (isOver || now === null) break
      const data = JSON.stringify({ state: now.state, step: now.step })
      if (data !== told) controller.enqueue(encoder.encode(`event: state\ndata: ${data}\n\n`))
      else if (tick % COMMENT_EVERY === 0) controller.enqueue(encoder.encode(': still here\n\n'))
      told = data
      if (now.step === 'done' || now.step === 'ended') break
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, EVERY_MS)
        wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  return new ReadableStream({
    start(controller) {
      // A store that fails ends the stream; the page asks again.
      void run(controller)
        .catch(() => {})
        .finally(() => {
          end()
          try {
            controller.close()
          } catch {
            // The reader left first.
          }
        })
    },
    cancel: end,
  })
}

/** State and step at this moment; null when the token drives the action no more. */
async function look({ store, clock, epoch }: Deps, { workingHash }: AtWork) {
  const found = await store.findActionByToken(workingHash)
  if (!found) return null
  const { action, challenge } = found
  const now = clock.now()
  return { state: stateOf(action, now, epoch), step: stepOf(action, challenge, now, epoch) }
}
