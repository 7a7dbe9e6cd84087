import { afterEach, describe, expect, test } from 'vitest'
import { DeliveryError, type Mail, type Transport } from '../../src/core/ports.ts'
import { createSmtpTransport } from '../../src/delivery/smtp.ts'
import { LINK, mailOf } from './samples.ts'
import { openScripted, openSink, refusal, type Sink } from './smtp-sink.ts'

const open: { close(): Promise<void> }[] = []
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
})

async function sinkWith(own: Parameters<typeof openSink>[0] = {}): Promise<Sink> {
  const sink = await openSink(own)
  open.push(sink)
  return sink
}

async function scripted(speak: Parameters<typeof openScripted>[0]) {
  const server = await openScripted(speak)
  open.push(server)
  return server
}

function transportTo(url: string, timeoutMs = 5_000): Transport {
  const transport = createSmtpTransport({ url, timeoutMs })
  open.push(transport)
  return transport
}

async function failureOf(work: Promise<unknown>): Promise<DeliveryError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(DeliveryError)
  return error as DeliveryError
}

const mail = mailOf(
  { code: '481920', link: LINK },
  { challenge: { locale: 'de' }, message: { to: 'Mila.Ö@example.com'.replace('Ö', 'O') } },
)

test('a mail that is rehearsed goes nowhere, and one that no server could be given is refused', async () => {
  const sink = await sinkWith()
  const transport = transportTo(sink.url)
  await transport.rehearse?.(mail)
  await expect(transport.rehearse?.({ ...mail, to: 'two@example.com, mails@example.com' })).rejects.toThrow(
    'recipient',
  )
  expect(sink.connections()).toBe(0)
})

describe('a mail that is taken', () => {
  test('arrives whole, in two parts, with the headers of an automatic mail, at exactly one recipient', async () => {
    const sink = await sinkWith()
    const { reply } = await transportTo(sink.url).send({ ...mail, replyTo: 'help@acme.example' })
    expect(reply).toContain('queued as 4711')
    const [taken] = sink.mails
    expect(taken?.to).toEqual(['Mila.O@example.com'])
    expect(taken?.from).toBe('login@mail.acme.example')
    const { email } = taken!
    const header = (name: string) => email.headers.filter(({ key }) => key === name).map(({ value }) => value)
    expect(email.messageId).toBe(`<${mail.id}@mail.acme.example>`)
    expect(header('auto-submitted')).toEqual(['auto-generated'])
    expect(header('list-unsubscribe')).toEqual([])
    expect(header('x-mailer')).toEqual([])
    expect(email.from).toMatchObject({ name: 'Acme', address: 'login@mail.acme.example' })
    expect(email.replyTo).toMatchObject([{ address: 'help@acme.example' }])
    expect(email.subject).toBe('481920 ist Ihr Code für Acme')
    expect(email.text?.replaceAll('\r\n', '\n').trim()).toBe(mail.text.trim())
    expect(email.html?.replaceAll('\r\n', '\n').trim()).toBe(mail.html.trim())
    expect(taken!.raw.indexOf('text/plain')).toBeLessThan(taken!.raw.indexOf('text/html'))
  })

  test('leaves no header behind that a value tried to start', async () => {
    const sink = await sinkWith()
    const evil = 'x\r\nBcc: eve@evil.example\r\n\r\nbody'
    await transportTo(sink.url).send({
      ...mail,
      id: 'msg_1',
      subject: evil,
      from: { ...mail.from, name: evil },
    })
    const [taken] = sink.mails
    expect(taken?.to).toHaveLength(1)
    expect(taken?.email.headers.map(({ key }) => key)).not.toContain('bcc')
    expect(taken?.raw).not.toMatch(/^bcc:/im)
  })

  test('shares its connection with the next one', async () => {
    const sink = await sinkWith()
    const transport = transportTo(sink.url)
    for (let round = 0; round < 3; round++) {
      await transport.send(mail)
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    expect(sink.mails).toHaveLength(3)
    expect(sink.connections()).toBe(1)
  })
})

test.each([
  'two@a.example,eve@evil.example',
  '"a b"@example.com',
  'x@[127.0.0.1]',
  'a@example.com\r\nRCPT TO:<eve@evil.example>',
])('the recipient %j is refused for good before any connection is opened', async to => {
  const sink = await sinkWith()
  expect((await failureOf(transportTo(sink.url).send({ ...mail, to }))).isPermanent).toBe(true)
  expect(sink.connections()).toBe(0)
})

describe('a failure', () => {
  const cases: [name: string, own: Parameters<typeof openSink>[0], isPermanent: boolean, text: RegExp][] = [
    [
      'a 5xx reply to RCPT TO is permanent',
      { onRcptTo: (_, __, done) => done(refusal(550, 'no such user')) },
      true,
      /550.*no such user/,
    ],
    [
      'a 4xx reply to RCPT TO is not',
      { onRcptTo: (_, __, done) => done(refusal(451, 'greylisted')) },
      false,
      /451.*greylisted/,
    ],
    [
      'a 5xx reply to the message is permanent',
      { onData: (stream, _, done) => stream.resume().on('end', () => done(refusal(554, 'spam'))) },
      true,
      /554.*spam/,
    ],
    [
      'a 4xx reply to the message is not',
      { onData: (stream, _, done) => stream.resume().on('end', () => done(refusal(452, 'disk full'))) },
      false,
      /452.*disk full/,
    ],
    [
      'a 5xx reply to MAIL FROM is ours to mend',
      { onMailFrom: (_, __, done) => done(refusal(553, 'not your sender')) },
      false,
      /553/,
    ],
    [
      'a refusal to talk at all passes',
      { onConnect: (_, done) => done(refusal(554, 'go away')) },
      false,
      /554|go away/,
    ],
  ]
  test.each(cases)('%s', async (_, own, isPermanent, text) => {
    const sink = await sinkWith(own)
    const error = await failureOf(transportTo(sink.url).send(mail))
    expect(error.message).toMatch(text)
    expect(error.isPermanent).toBe(isPermanent)
  })

  test('to log in is ours to mend and tells no password', async () => {
    const sink = await sinkWith({
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: (_, __, done) => done(refusal(535, 'bad login')),
    })
    const error = await failureOf(transportTo(sink.url.replace('://', '://me:s3cret-pass@')).send(mail))
    expect(error).toMatchObject({ isPermanent: false, message: expect.stringContaining('535') })
    expect(error.message).not.toContain('s3cret')
  })

  test('to connect passes', async () => {
    const sink = await openSink()
    await sink.close()
    expect((await failureOf(transportTo(sink.url).send(mail))).isPermanent).toBe(false)
  })
})

describe('a server that does not play along', () => {
  test('and never greets is given up within the time-out', async () => {
    const { url } = await scripted(() => {})
    const error = await failureOf(transportTo(url, 300).send(mail))
    expect(error.isPermanent).toBe(false)
  })

  test('and drips its replies, so that no socket time-out fires, is given up within the time-out', async () => {
    const { url } = await scripted(socket => {
      const drip = setInterval(() => socket.write('220-wait\r\n'), 50)
      socket.on('close', () => clearInterval(drip))
    })
    const begun = performance.now()
    const error = await failureOf(transportTo(url, 400).send(mail))
    expect(error.isPermanent).toBe(false)
    expect(performance.now() - begun).toBeLessThan(1_500)
  })

  test('and hangs up before its greeting is called once; the next try is the outbox’s to time', async () => {
    let calls = 0
    const { url } = await scripted(socket => {
      calls++
      socket.end()
    })
    expect((await failureOf(transportTo(url).send(mail))).isPermanent).toBe(false)
    expect(calls).toBe(1)
  })

  test('and drops the connection after the message is not sent the message again behind our back', async () => {
    let messages = 0
    const { url } = await scripted(socket => {
      let isData = false
      socket.write('220 test\r\n')
      socket.on('data', chunk => {
        const text = chunk.toString()
        if (isData) {
          if (!text.includes('\r\n.\r\n')) return
          messages++
          socket.destroy()
        } else if (text.startsWith('DATA')) {
          isData = true
          socket.write('354 go on\r\n')
        } else socket.write('250 ok\r\n')
      })
    })
    const error = await failureOf(transportTo(url).send(mail))
    expect(error.isPermanent).toBe(false)
    await new Promise(resolve => setTimeout(resolve, 400))
    expect(messages).toBe(1)
  })

  test('by not offering STARTTLS where it is required gets no word of the mail, and the remedy is named', async () => {
    const sink = await sinkWith()
    const error = await failureOf(transportTo(`${sink.url}?tls=required`).send(mail))
    expect(error).toMatchObject({ isPermanent: false, message: expect.stringContaining('tls=never') })
    expect(sink.mails).toHaveLength(0)
  })

  test('by having a certificate that nobody vouches for gets no word of the mail', async () => {
    const sink = await openSink({ secure: true }, 'smtps')
    open.push(sink)
    const error = await failureOf(transportTo(sink.url).send(mail))
    expect(error.message).toMatch(/certificate/i)
    expect(sink.mails).toHaveLength(0)
  })
})

test('twenty mails at once are sent side by side, so that a slow one holds up nobody', async () => {
  const sink = await sinkWith({ onRcptTo: (_, __, done) => void setTimeout(done, 150) })
  const transport = transportTo(sink.url)
  const begun = performance.now()
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => transport.send({ ...mail, id: `msg_${index}` } satisfies Mail)),
  )
  expect(sink.mails).toHaveLength(20)
  expect(performance.now() - begun).toBeLessThan(1_200)
})
