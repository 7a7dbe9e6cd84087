import { lookup } from 'node:dns/promises'
import { type ClientRequest, type IncomingMessage, request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import { isIP, type LookupFunction } from 'node:net'

/** What came of one call: an answer, or why there was none. */
export type PostResult = { status: number; answer: string } | { error: string }

/** Finds the addresses of a name, in the order in which they are to be called. */
export type Resolve = (host: string) => Promise<string[]>

export interface PostInput {
  url: URL
  headers: Record<string, string>
  body: string
  /** For all of it: the name, the connection and the answer. */
  timeoutMs: number
  /** Why this address may not be called, or null. */
  refusalOf(address: string): string | null
  resolve?: Resolve
}

/** Nobody needs more of an answer: the rest is not read. */
const MAX_ANSWER_BYTES = 64 * 1024
const KEPT_BYTES = 1024

const resolveByDns: Resolve = async host =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address)

/**
 * Posts once. Never throws. The name is resolved once, every address that it leads to is judged, and the connection goes to
 * one of those and nowhere else: a name that leads elsewhere the next time it is asked changes nothing. Redirects are not
 * followed: they would lead to what nobody judged.
 */
export async function post(input: PostInput): Promise<PostResult> {
  const endsAt = performance.now() + input.timeoutMs
  try {
    const address = await addressOf(input, endsAt)
    return 'error' in address ? address : await postTo(address.address, input, endsAt)
  } catch (error) {
    return { error: wordsOf(error) }
  }
}

async function addressOf(
  { url, refusalOf, resolve = resolveByDns, timeoutMs }: PostInput,
  endsAt: number,
): Promise<{ address: string } | { error: string }> {
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const addresses = isIP(host) === 0 ? await within(endsAt, timeoutMs, resolve(host)) : [host]
  const [address] = addresses
  if (address === undefined) return { error: 'the name has no address' }
  // One that may not be called among them is a mistake or an attempt: which one the system would take is chance.
  const refusal = addresses.map(refusalOf).find(one => one !== null)
  return refusal === undefined || refusal === null ? { address } : { error: `not called: the URL ${refusal}` }
}

async function within<T>(endsAt: number, timeoutMs: number, task: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  try {
    return await Promise.race([
      task,
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(tooSlow(timeoutMs))), endsAt - performance.now())
      }),
    ])
  } finally {
    clearTimeout(timer)
  }
}

const tooSlow = (timeoutMs: number) => `no answer within ${timeoutMs / 1000} s`

function postTo(
  address: string,
  { url, headers, body, timeoutMs }: PostInput,
  endsAt: number,
): Promise<PostResult> {
  const pinned: LookupFunction = (_host, options, callback) => {
    const family = isIP(address)
    // Both forms in which Node asks.
    if (options.all) callback(null, [{ address, family }])
    else callback(null, address, family)
  }
  return new Promise(resolve => {
    const begin = url.protocol === 'https:' ? requestByHttps : requestByHttp
    const bytes = Buffer.from(body)
    const request: ClientRequest = begin(url, {
      method: 'POST',
      // No connection is kept: the next one is judged anew.
      agent: false,
      lookup: pinned,
      headers: { ...headers, 'Content-Length': bytes.length },
    })
    let endAnswer: (() => void) | null = null
    const fail = (error: Error) => {
      clearTimeout(timer)
      // The status is what counts: an answer whose body does not end, or cannot be read, is an answer.
      if (endAnswer) return endAnswer()
      resolve({ error: wordsOf(error) })
      request.destroy()
    }
    const timer = setTimeout(() => fail(new Error(tooSlow(timeoutMs))), endsAt - performance.now())
    request.on('error', fail)
    request.on('close', () => fail(new Error('hung up without an answer')))
    request.on('response', response => {
      endAnswer = read(response, answer => {
        clearTimeout(timer)
        request.destroy()
        resolve({ status: response.statusCode ?? 0, answer })
      })
    })
    request.end(bytes)
  })
}

/** Reads an answer up to its bound; the function that it gives ends the reading. */
function read(response: IncomingMessage, done: (answer: string) => void): () => void {
  const kept: Buffer[] = []
  let size = 0
  let isDone = false
  const end = () => {
    if (isDone) return
    isDone = true
    done(textOf(Buffer.concat(kept).subarray(0, KEPT_BYTES)))
  }
  response.on('data', (chunk: Buffer) => {
    if (size < KEPT_BYTES) kept.push(chunk)
    size += chunk.length
    if (size >= MAX_ANSWER_BYTES) end()
  })
  response.once('end', end).once('error', end).once('close', end)
  return end
}

/** As text that a database and a terminal take: without control characters, but for tabs and line ends. */
function textOf(bytes: Buffer): string {
  return bytes.toString('utf8').replace(/[^\P{Cc}\t\n]/gu, '')
}

function wordsOf(error: unknown): string {
  const { message, code } = error as { message?: string; code?: string }
  return textOf(Buffer.from(message || code || String(error))).slice(0, 300)
}
