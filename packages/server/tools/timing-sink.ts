import type { AddressInfo } from 'node:net'
import { SMTPServer } from 'smtp-server'

/** A mail server in a process of its own, so that what it costs is not in the times that are taken: takes everything. */

const sink = new SMTPServer({
  authOptional: true,
  disabledCommands: ['STARTTLS'],
  disableReverseLookup: true,
  onData: (stream, _session, done) => void stream.resume().on('end', () => done()),
})
sink.listen(0, '127.0.0.1', () => process.send?.((sink.server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
