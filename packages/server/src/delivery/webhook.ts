import { type ClientRequest, type IncomingMessage, request as requestByHttp } from 'node:http'
import { request as requestByHttps } from 'node:https'
import { parseEmail } from '../core/addresses/email.ts'
import { DeliveryError, type Mail, type Transport } from '../core/ports.ts'
import { webhookHeaders } from '../core/standard-webhooks.ts'
import { parseWebhookUrl } from './webhook-url.ts'

export interface WebhookOptions {
  /** `MAIL_WEBHOOK_URL`, see `parseWebhookUrl`. */
  url: string
  /** `MAIL_WEBHOOK_SECRET`: all of them sign. */
  keys: readonly Buffer[]
  /** For all of one delivery, from the connection to the end of the answer, in milliseconds. */
  timeoutMs?: number
  now?: () => number
}

/** Nobody needs more of an answer; the rest is not read. */
const MAX_ANSWER_BYTES = 2_048
const WORDS_LENGTH = 200
/** 4xx that speak of the moment, not of the mail. */
const PASSING = [408, 425, 429]

/**
 * Posts each mail as signed JSON (Standard Webhooks) to a service of the operator's, which sends it. A mail that is tried
 * again has the same `webhook-id`. 2xx is sent; 4xx is final but for 408, 425 and 429; all else passes. Redirects are
 * not followed: they would carry codes to a place that nobody configured.
 */
export function createWebhookTransport(options: WebhookOptions): Transport {
  const { keys, timeoutMs = 15_000, now = Date.now } = options
  const url = parseWebhookUrl(options.url)
  function signed(mail: Mail) {
    const body = Buffer.from(JSON.stringify(payloadOf(mail)))
    const headers = {
      'Content-Type': 'application/json',
      'Content-Length': body.length,
      'User-Agent': 'Ostiary',
      ...webhookHeaders(keys, mail.id, now(), body),
    }
    return { body, headers }
  }
  return {
    name: 'webhook',
    timeoutMs,
    async send(mail) {
      const { body, headers } = signed(mail)
      const { status, words } = await post(url, headers, body, timeoutMs)
      const reply = `${status} ${words}`.trim()
      if (status >= 200 && status < 300) return { reply }
      const isPermanent = status >= 400 && status < 500 && !PASSING.includes(status)
      const hint = status >= 300 && status < 400 ? ' (redirects are not followed)' : ''
      throw new DeliveryError(`the webhook answered ${reply}${hint}`, isPermanent)
    },
    async rehearse(mail) {
      signed(mail)
    },
    async close() {},
  }
}

function payloadOf({ id, to, from, replyTo, subject, text, html }: Mail) {
  const domain = parseEmail(from.address)?.domain
  // The Message-ID by which reports of bounces find the message again.
  const messageId = `<${id}@${domain}>`
  return { id, type: 'message.send', messageId, to, from, replyTo, subject, text, html }
}

interface Answer {
  status: number
  words: string
}

function post(
  url: URL,
  headers: Record<string, string | number>,
  body: Buffer,
  timeoutMs: number,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const begin = url.protocol === 'https:' ? requestByHttps : requestByHttp
    const request: ClientRequest = begin(url, { method: 'POST', headers, agent: false })
    let endAnswer: (() => void) | null = null
    const fail = (error: Error) => {
      clearTimeout(timer)
      // The status is what counts: an answer whose body does not end or cannot be read is an answer.
      if (endAnswer) return endAnswer()
      // Connected and all written: whether it was taken is not known.
      const mayHaveArrived = request.writableFinished
      reject(new DeliveryError(`${url.host}: ${error.message}`, false, { cause: error, mayHaveArrived }))
      request.destroy()
    }
    const timer = setTimeout(() => fail(new Error(`did not answer within ${timeoutMs / 1000} s`)), timeoutMs)
    request.on('error', fail)
    // A 101 that nobody asked for ends the connection without an error and without a response.
    request.on('close', () => fail(new Error('hung up without an answer')))
    request.on('response', response => {
      endAnswer = read(response, words => {
        clearTimeout(timer)
        request.destroy()
        resolve({ status: response.statusCode ?? 0, words })
      })
    })
    request.end(body)
  })
}

/** Reads the first words of an answer; the function that it gives ends the reading. */
function read(response: IncomingMessage, done: (words: string) => void): () => void {
  const chunks: Buffer[] = []
  let size = 0
  const end = () => done(wordsOf(Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES)))
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    size += chunk.length
    if (size >= MAX_ANSWER_BYTES) end()
  })
  response.once('error', end).once('close', end)
  return end
}

function wordsOf(bytes: Buffer): string {
  return bytes
    .toString('utf8')
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, WORDS_LENGTH)
}
