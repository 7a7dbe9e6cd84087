import { lookup } from 'node:dns'
import { Agent as HttpAgent, type IncomingMessage, request as requestByHttp } from 'node:http'
import { Agent as HttpsAgent, request as requestByHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'
import type { CallHook, HookCall, HookFailure } from '../core/hooks/call.ts'
import type { Environment } from '../core/rows.ts'
import { parseTarget, refusalOfAddress, type TargetPolicy } from '../core/webhooks/target.ts'

/** Calls of one environment that are out at once: a dead hook holds so many sockets, and no more, for as long as it may. */
export const MAX_CALLS = 64
export const MAX_ANSWER_BYTES = 16 * 1024
const IDLE_MS = 4000

export interface HookCaller {
  call: CallHook
  close(): void
}

type Result = { answer: string } | HookFailure

/**
 * Calls hooks over connections that are kept, for somebody is waiting. An address is judged when it is connected to; a kept
 * connection leads where it led. Connections of `test` and `live` are apart: what one may call the other may not.
 */
export function createHookCaller(targets: TargetPolicy): HookCaller {
  const out = new Map<string, number>()
  const agentsOf = () => {
    const options = { keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' } as const
    return { 'http:': new HttpAgent(options), 'https:': new HttpsAgent(options) }
  }
  const agents: Record<Environment['mode'], ReturnType<typeof agentsOf>> = {
    test: agentsOf(),
    live: agentsOf(),
  }
  return {
    async call(call) {
      const { environmentId } = call
      const isOut = out.get(environmentId) ?? 0
      if (isOut >= MAX_CALLS) return { failure: 'busy', detail: `${MAX_CALLS} calls are out already` }
      out.set(environmentId, isOut + 1)
      try {
        return await post(call, agents[call.mode], targets)
      } catch (error) {
        return { failure: 'notCalled', detail: wordsOf(error) }
      } finally {
        const left = (out.get(environmentId) ?? 1) - 1
        if (left > 0) out.set(environmentId, left)
        else out.delete(environmentId)
      }
    },
    close() {
      for (const { 'http:': http, 'https:': https } of Object.values(agents)) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

class NotCalled extends Error {}

function post(
  call: HookCall,
  agents: { 'http:': HttpAgent; 'https:': HttpsAgent },
  targets: TargetPolicy,
): Promise<Result> {
  const { url, host, port } = parseTarget(call.url)
  const isTls = url.protocol === 'https:'
  const refusalOf = (address: string) =>
    refusalOfAddress({ address, port, protocol: url.protocol, mode: call.mode }, targets)
  // Node resolves no name that is an address; else it connects to what this gives, and to nothing else.
  const refusal = isIP(host) === 0 ? null : refusalOf(host)
  if (refusal !== null) return Promise.resolve({ failure: 'notCalled', detail: `the URL ${refusal}` })
  const bytes = Buffer.from(call.body)
  return new Promise(resolve => {
    let current: { destroy(): void } | null = null
    let isOver = false
    const finish = (result: Result) => {
      isOver = true
      clearTimeout(timer)
      resolve(result)
      if ('failure' in result) current?.destroy()
    }
    const timer = setTimeout(
      () => finish({ failure: 'timeout', detail: `no whole answer within ${call.timeoutMs} ms` }),
      call.timeoutMs,
    )
    const begin = (mayRepeat: boolean) => {
      const request = (isTls ? requestByHttps : requestByHttp)(url, {
        method: 'POST',
        agent: isTls ? agents['https:'] : agents['http:'],
        lookup: judgedLookup(refusalOf),
        headers: { ...call.headers, 'Content-Length': bytes.length },
      })
      current = request
      let isAnswered = false
      request.on('error', error => {
        if (error instanceof NotCalled) return finish({ failure: 'notCalled', detail: error.message })
        // The receiver closed a kept connection just as it was taken: it has seen nothing, and asking is safe to repeat.
        if (mayRepeat && request.reusedSocket && !isAnswered && !isOver) return begin(false)
        finish({ failure: 'unreachable', detail: wordsOf(error) })
      })
      request.on('response', response => {
        isAnswered = true
        readAnswer(response, finish)
      })
      request.end(bytes)
    }
    begin(true)
  })
}

/** Every address that the name leads to is judged; one that may not be called among them refuses the whole name. */
function judgedLookup(refusalOf: (address: string) => string | null): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { all: true, verbatim: true }, (error, addresses) => {
      if (error) return callback(error, '', 0)
      const refusal = addresses.map(({ address }) => refusalOf(address)).find(one => one !== null)
      if (refusal != null) return callback(new NotCalled(`the URL ${refusal}`), '', 0)
      const [first] = addresses
      if (!first) return callback(new NotCalled('the name has no address'), '', 0)
      if (options.all) callback(null, addresses)
      else callback(null, first.address, first.family)
    })
  }
}

/** Only a whole 200 in JSON counts: a redirect, an error page or half a body says nothing of the person. */
function readAnswer(response: IncomingMessage, finish: (result: Result) => void) {
  const { statusCode = 0, headers } = response
  if (statusCode !== 200) return finish({ failure: 'status', detail: `the answer is ${statusCode}, not 200` })
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? ''))
    return finish({ failure: 'malformed', detail: 'the answer is not application/json' })
  const chunks: Buffer[] = []
  let size = 0
  response.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > MAX_ANSWER_BYTES)
      return finish({ failure: 'tooLarge', detail: `the answer is longer than ${MAX_ANSWER_BYTES} bytes` })
    chunks.push(chunk)
  })
  response.on('error', error => finish({ failure: 'unreachable', detail: wordsOf(error) }))
  response.on('end', () => finish({ answer: Buffer.concat(chunks).toString('utf8') }))
}

const wordsOf = (error: unknown): string => {
  const { message, code } = error as { message?: string; code?: string }
  return (message || code || String(error)).replace(/\p{Cc}/gu, ' ').slice(0, 300)
}
