import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'

export interface Receiver {
  url: string
  requests: { method: string; path: string; headers: IncomingHttpHeaders; body: string }[]
  close(): Promise<void>
}

/** A real HTTP server on loopback that keeps what it is posted and answers as the test says. */
export async function openReceiver(answer: (response: ServerResponse) => void): Promise<Receiver> {
  const requests: Receiver['requests'] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const { method = '', url = '', headers } = request
    requests.push({ method, path: url, headers, body: Buffer.concat(chunks).toString() })
    answer(response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}/send`,
    requests,
    close: () =>
      new Promise(resolve => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** Answers with a status, some words and headers. */
export const saying =
  (status: number, words = '', headers: Record<string, string> = {}) =>
  (response: ServerResponse) =>
    void response.writeHead(status, headers).end(words)
