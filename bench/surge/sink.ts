import { SMTPServer } from 'smtp-server'
import { answerParent, freePort } from '../child.ts'

/** Takes every mail and remembers how often each address got one. */

const mails = new Map<string, number>()

const server = new SMTPServer({
  authOptional: true,
  disabledCommands: ['AUTH', 'STARTTLS'],
  disableReverseLookup: true,
  onData(stream, session, done) {
    stream.resume()
    stream.on('end', () => {
      for (const { address } of session.envelope.rcptTo) mails.set(address, (mails.get(address) ?? 0) + 1)
      done()
    })
  },
})

answerParent({
  async start() {
    const port = await freePort()
    await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
    return `smtp://127.0.0.1:${port}`
  },
  mails: () => [...mails],
})
