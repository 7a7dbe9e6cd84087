import type { ServerResponse } from 'node:http'
import type { FaultyReceiver } from '../webhooks/receiver.ts'

/** Answers as a hook does. */
export const saying =
  (answer: unknown, status = 200, headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response
      .writeHead(status, { 'Content-Type': 'application/json', ...headers })
      .end(typeof answer === 'string' ? answer : JSON.stringify(answer))

export const allow = saying({ decision: 'allow' })
export const deny = saying({ decision: 'deny', reason: 'not on the list' })

/** Answers in JSON that never ends. */
export const endlessJson = (response: ServerResponse) => {
  response.writeHead(200, { 'Content-Type': 'application/json' })
  const timer = setInterval(() => response.write(' '.repeat(4096)), 2)
  response.on('close', () => clearInterval(timer))
}

/** Says yes, byte by byte, and never comes to the end. */
export const halfAnswer = (response: ServerResponse) => {
  response.writeHead(200, { 'Content-Type': 'application/json' })
  response.write('{"decision": "allow"')
}

/** Says more than it sends, and hangs up. */
export const hangUp = (response: ServerResponse) => {
  response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' })
  response.write('{"decision": "allow"}')
  setTimeout(() => response.destroy(), 10)
}

/** What was asked, of the n-th call. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever was posted
export const askedOf = (receiver: FaultyReceiver, index = -1): any =>
  JSON.parse(receiver.requests.at(index)?.body ?? 'null')
