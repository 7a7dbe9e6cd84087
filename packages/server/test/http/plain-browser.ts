import { PUBLIC_URL, type TestServer } from '../setup/server.ts'

/** A browser without JavaScript: it keeps cookies and sends the forms of the page. */
export function plainBrowser(
  server: TestServer,
  { headers = {} as Record<string, string>, site = 'same-origin' as string | null } = {},
) {
  const jar = new Map<string, string>()
  async function request(method: string, path: string, body?: URLSearchParams) {
    const answer = await server.ostiary.app.request(`${PUBLIC_URL}${path}`, {
      method,
      headers: {
        ...headers,
        ...(jar.size > 0 && { Cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...(body && { 'Content-Type': 'application/x-www-form-urlencoded' }),
        ...(body && site !== null && { 'Sec-Fetch-Site': site }),
      },
      ...(body && { body: body.toString() }),
    })
    for (const set of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? []
      if (/max-age=0/i.test(set)) jar.delete(name)
      else jar.set(name, value)
    }
    return {
      status: answer.status,
      headers: answer.headers,
      location: answer.headers.get('location'),
      text: await answer.text(),
    }
  }
  return {
    jar,
    get: (path: string) => request('GET', path),
    /** Sends a form of the page, and follows to the page that it leads to, if that is one of ours. */
    async send(path: string, fields: Record<string, string>) {
      const answer = await request('POST', path, new URLSearchParams(fields))
      return answer.status === 303 && answer.location?.startsWith('/')
        ? request('GET', answer.location)
        : answer
    },
    post: (path: string, fields: Record<string, string>) =>
      request('POST', path, new URLSearchParams(fields)),
  }
}
