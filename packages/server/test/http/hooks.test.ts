import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/core/ids.ts'
import { testServer } from '../setup/server.ts'
import { expectRefusal } from './answers.ts'
import {
  CERT_URL,
  CERTIFICATE,
  GENERIC,
  hookServer,
  mailed,
  post,
  RESEND,
  type Report,
  sendgrid,
  sns,
  TOKEN,
  told,
  webhook,
} from './hook-house.ts'
import { dump } from './world.ts'

let house: Awaited<ReturnType<typeof hookServer>>
beforeAll(async () => {
  house = await hookServer()
})
afterAll(() => house.server.stop())

const at = (ms = 0) => house.server.clock.now() + ms
const messageIdOf = (id: string) => `<${id}@mail.acme.example>`
const basic = (password: string) => ({
  Authorization: `Basic ${Buffer.from(`postmark:${password}`).toString('base64')}`,
})

type Kind = 'delivered' | 'bounced' | 'complained'

/** How each provider tells each kind, and the words that the timeline then shows. */
const PROVIDERS: Record<
  string,
  { report(kind: Kind, id: string, ms?: number): Report; detail: Record<Kind, string | null> }
> = {
  generic: {
    report: (kind, id, ms) =>
      webhook(GENERIC, { type: kind, messageId: messageIdOf(id), detail: `it ${kind}` }, at(ms)),
    detail: { delivered: 'it delivered', bounced: 'it bounced', complained: 'it complained' },
  },
  resend: {
    report: (kind, id, ms) =>
      webhook(
        RESEND,
        {
          type: `email.${kind}`,
          created_at: '2026-11-21T12:00:00.000Z',
          data: {
            email_id: 'x',
            // By either way, and a header of theirs before ours.
            ...(kind === 'complained'
              ? {
                  headers: [
                    { name: 'Message-ID', value: '<0100@email.amazonses.com>' },
                    { name: 'X-Entity-Ref-ID', value: id },
                  ],
                }
              : { message_id: messageIdOf(id) }),
            ...(kind === 'bounced' && {
              bounce: { type: 'Permanent', subType: 'General', message: 'no such user' },
            }),
          },
        },
        at(ms),
        'svix',
      ),
    detail: { delivered: null, bounced: 'Permanent: General: no such user', complained: null },
  },
  sendgrid: {
    report: (kind, id, ms) =>
      sendgrid(
        [
          { event: 'open', 'smtp-id': messageIdOf(id) },
          { event: 'processed', 'smtp-id': messageIdOf(id) },
          kind === 'delivered'
            ? { event: 'delivered', 'smtp-id': messageIdOf(id), response: '250 OK' }
            : kind === 'bounced'
              ? {
                  event: 'bounce',
                  'smtp-id': messageIdOf(id),
                  type: 'bounce',
                  status: '5.1.1',
                  reason: '550 no',
                }
              : { event: 'spamreport', ostiary_id: id },
          'junk',
        ],
        at(ms),
      ),
    detail: { delivered: '250 OK', bounced: 'bounce: 5.1.1: 550 no', complained: null },
  },
  ses: {
    report: (kind, id, ms) =>
      sns(
        {
          ...(kind === 'delivered'
            ? { eventType: 'Delivery', delivery: { smtpResponse: '250 ok' } }
            : kind === 'bounced'
              ? {
                  notificationType: 'Bounce',
                  bounce: {
                    bounceType: 'Permanent',
                    bounceSubType: 'General',
                    bouncedRecipients: [{ emailAddress: 'a@x.test', diagnosticCode: 'smtp; 550 5.1.1 no' }],
                  },
                }
              : { notificationType: 'Complaint', complaint: { complaintFeedbackType: 'abuse' } }),
          mail: {
            messageId: '0000015',
            headersTruncated: false,
            headers: [
              { name: 'From', value: 'a@x.test' },
              { name: 'Message-ID', value: messageIdOf(id) },
            ],
          },
        },
        at(ms),
        kind === 'bounced' ? { Subject: 'Amazon SES Email Event Notification' } : {},
      ),
    detail: { delivered: '250 ok', bounced: 'Permanent: General: smtp; 550 5.1.1 no', complained: 'abuse' },
  },
  postmark: {
    report: (kind, id) => ({
      headers: kind === 'bounced' ? { 'X-Ostiary-Token': TOKEN } : basic(TOKEN),
      body: JSON.stringify({
        RecordType: { delivered: 'Delivery', bounced: 'Bounce', complained: 'SpamComplaint' }[kind],
        MessageID: '883953f4-6105-42a2-a16a-77a8eac79483',
        Metadata: { 'ostiary-id': id },
        Type: kind === 'bounced' ? 'HardBounce' : undefined,
        Details: `it ${kind}`,
      }),
    }),
    detail: { delivered: 'it delivered', bounced: 'HardBounce: it bounced', complained: 'it complained' },
  },
}

describe.each(Object.entries(PROVIDERS))('%s', (provider, { report, detail }) => {
  test.each(['delivered', 'bounced', 'complained'] as const)(
    'tells of %s in the timeline, once, however often it says so',
    async kind => {
      const { server } = house
      const { id, challengeId } = await mailed(server)
      const answers = await Promise.all(
        Array.from({ length: 5 }, () => post(server, provider, report(kind, id))),
      )
      for (const answer of [...answers, await post(server, provider, report(kind, id))])
        expect([answer.status, answer.body]).toEqual([200, {}])
      expect(await told(server, challengeId)).toMatchObject([
        { type: `message.${kind}`, data: { messageId: id, detail: detail[kind] }, context: null },
      ])
    },
  )

  test('changes nothing but events, and the code still signs in', async () => {
    const { server } = house
    const { id, challengeId } = await mailed(server)
    const rows = async () => ({ ...(await dump(server)), events: null })
    const before = await rows()
    for (const kind of ['delivered', 'bounced', 'complained'] as const)
      await post(server, provider, report(kind, id))
    expect(await rows()).toEqual(before)
    expect(await told(server, challengeId)).toHaveLength(3)
    const { code } = await server.message({ challengeId })
    expect((await server.post(`/v1/challenges/${challengeId}/verify`, { code })).status).toBe(200)
    const { to } = (await server.get(`/v1/challenges/${challengeId}`)).body
    expect((await server.post('/v1/challenges', { to })).status).toBe(201)
  })

  test('answers an unknown message like a known one, without a write', async () => {
    const { server } = house
    const { id } = await mailed(server)
    const before = await dump(server)
    const unknown = await post(server, provider, report('bounced', newId('msg', at())))
    expect(await dump(server)).toEqual(before)
    const known = await post(server, provider, report('bounced', id))
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body])
    expect(Object.fromEntries(unknown.headers)).toMatchObject({ 'content-type': 'application/json' })
  })

  test('is refused with every header and field that is missing or changed, and nothing is written', async () => {
    const { server } = house
    const { id } = await mailed(server)
    const good = report('bounced', id)
    const before = await dump(server)
    const bad: Report[] = []
    for (const [name, value] of Object.entries(good.headers)) {
      if (name === 'Content-Type') continue
      const { [name]: _, ...rest } = good.headers
      bad.push({ ...good, headers: rest })
      const last = value.at(-5) === 'A' ? 'B' : 'A'
      for (const other of ['', 'x', `${value.slice(0, -5)}${last}${value.slice(-4)}`])
        bad.push({ ...good, headers: { ...good.headers, [name]: other } })
    }
    // Postmark signs nothing, so its body can be anything.
    if (provider !== 'postmark') {
      bad.push({ ...good, body: good.body.replace(id, newId('msg', at())) })
      bad.push({ ...good, body: `${good.body.slice(0, -1)} ,"more":1}` })
      bad.push(report('bounced', id, -301_000), report('bounced', id, 301_000))
    }
    if (provider === 'ses')
      bad.splice(
        bad.findIndex(one => one.body.includes('"more"')),
        1,
      )
    expect(bad.length).toBeGreaterThan(2)
    for (const one of bad) {
      const refusal = await post(server, provider, one)
      expectRefusal(refusal, 'unauthorized')
      expect(refusal.body.detail).toBe('The signature or token of the webhook is missing, wrong or too old.')
    }
    expect(await dump(server)).toEqual(before)
    expect((await post(server, provider, good)).status).toBe(200)
  })

  test('is not there when it is not set up', async () => {
    const bare = await testServer()
    expectRefusal(await post(bare, provider, report('bounced', newId('msg', at()))), 'not_found')
    await bare.stop()
  })

  test('takes POST alone, and no body beyond its bound', async () => {
    const { server } = house
    const wrong = await server.call('GET', `/hooks/mail/${provider}`, undefined, { key: null })
    expectRefusal(wrong, 'method_not_allowed')
    expect(wrong.headers.get('allow')).toBe('POST')
    const max = provider === 'sendgrid' ? 256 * 1024 : 64 * 1024
    const long = { ...report('bounced', newId('msg', at())), body: ' '.repeat(max + 1) }
    expectRefusal(await post(server, provider, long), 'body_too_large')
    expectRefusal(
      await post(server, provider, { ...long, body: ' '.repeat(max) }),
      provider === 'ses' ? 'malformed_json' : provider === 'postmark' ? 'malformed_json' : 'unauthorized',
    )
  })
})

test('an unknown provider does not exist', async () => {
  for (const name of ['mailgun', '__proto__', 'constructor', 'SES'])
    expectRefusal(await post(house.server, name, { headers: {}, body: '{}' }), 'not_found')
})

test('a decoy is never told of: it was not sent', async () => {
  const { server } = house
  await server.call('PATCH', '/v1/settings', { signUp: 'closed' })
  const { id: challengeId } = (await server.post('/v1/challenges', { to: 'stranger@x.test' })).body
  await server.ostiary.drain()
  const { timeline } = (await server.get(`/v1/challenges/${challengeId}`)).body
  const { messageId } = timeline.find(({ type }: { type: string }) => type === 'message.failed').data
  expect(messageId).toMatch(/^msg_/)
  await post(server, 'generic', webhook(GENERIC, { type: 'bounced', messageId }, at()))
  expect(await told(server, challengeId)).toEqual([])
  await server.call('PATCH', '/v1/settings', { signUp: null })
})

test('what a provider says is cleaned of codes and links', async () => {
  const { server } = house
  const { id, challengeId } = await mailed(server)
  const { code } = await server.message({ challengeId })
  const detail = `550 refused\r\nSubject: ${code} is your code https://x/l/olk_${'a'.repeat(43)} ${'y'.repeat(900)}`
  await post(server, 'generic', webhook(GENERIC, { type: 'bounced', messageId: id, detail }, at()))
  const [event] = await told(server, challengeId)
  expect(event.data.detail).toMatch(
    /^550 refused Subject: \[hidden\] is your code https:\/\/x\/l\/\[hidden\] y+$/,
  )
  expect(event.data.detail).toHaveLength(500)
})

test('the generic body is checked, because whoever wrote it can mend it', async () => {
  const { server } = house
  for (const [payload, code] of [
    ['nonsense', 'malformed_json'],
    [{ type: 'opened', messageId: 'x' }, 'invalid_request'],
    [{ type: 'bounced' }, 'invalid_request'],
    [{ type: 'bounced', messageId: 'x', more: 1 }, 'invalid_request'],
  ] as const)
    expectRefusal(await post(server, 'generic', webhook(GENERIC, payload, at())), code)
  const foreign = webhook(GENERIC, { type: 'bounced', messageId: '<their@mail.example>' }, at())
  expect((await post(server, 'generic', foreign)).status).toBe(200)
})

test('SendGrid may send a large batch; other shapes than ours are passed over', async () => {
  const { server } = house
  const { id, challengeId } = await mailed(server)
  const events = Array.from({ length: 600 }, (_, index) => ({
    event: 'delivered',
    'smtp-id': `<${index}@ismtpd.sendgrid.net>`,
    sg_event_id: 'x'.repeat(300),
  }))
  const batch = sendgrid([...events, { event: 'dropped', ostiary_id: id, reason: 'Bounced Address' }], at())
  expect(batch.body.length).toBeGreaterThan(200_000)
  expect((await post(server, 'sendgrid', batch)).status).toBe(200)
  expect(await told(server, challengeId)).toMatchObject([
    { type: 'message.bounced', data: { detail: 'dropped: Bounced Address' } },
  ])
  for (const odd of [{}, null, 7, [[1], { event: 5 }, null]])
    expect((await post(server, 'sendgrid', sendgrid(odd, at()))).status).toBe(200)
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
  expectRefusal(await post(server, 'sendgrid', sendgrid([], at(), foreign)), 'unauthorized')
})

describe('SNS', () => {
  const message = { notificationType: 'Bounce', mail: {} }
  const attacker = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey

  test.each([
    ['another topic', { TopicArn: 'arn:aws:sns:eu-west-1:999999999999:mail-events' }],
    ['a signature by SHA-1', { SignatureVersion: '1' }],
    ['a signature version that nobody knows', { SignatureVersion: '3' }],
    ['a time that is none', { Timestamp: 'now' }],
    ['a certificate of another host', { SigningCertURL: CERT_URL.replace('amazonaws.com', 'evil.example') }],
    ['a host that only looks right', { SigningCertURL: CERT_URL.replace('.com', '.com.evil.example') }],
    ['a user that looks like a host', { SigningCertURL: CERT_URL.replace('https://', 'https://x@') }],
    ['another port', { SigningCertURL: CERT_URL.replace('.com/', '.com:8443/') }],
    ['another region', { SigningCertURL: CERT_URL.replace('eu-west-1', 'us-east-1') }],
    ['http', { SigningCertURL: CERT_URL.replace('https', 'http') }],
    ['another path', { SigningCertURL: CERT_URL.replace('/Simple', '/bucket/Simple') }],
    // Each spelling would be fetched and kept by itself, and push out the one that is needed.
    ['a query', { SigningCertURL: `${CERT_URL}?1` }],
    ['a fragment', { SigningCertURL: `${CERT_URL}#1` }],
    ['another spelling of its host', { SigningCertURL: CERT_URL.replace('sns', 'SNS') }],
    ['another spelling of its path', { SigningCertURL: CERT_URL.replace('/Simple', '/./Simple') }],
    ['white space before it', { SigningCertURL: ` ${CERT_URL}` }],
    ['no URL', { SigningCertURL: 'cert' }],
  ])('with %s is refused, and nothing is fetched for it', async (_, more) => {
    const before = house.fetched.length
    expectRefusal(await post(house.server, 'ses', sns(message, at(), more)), 'unauthorized')
    expect(house.fetched.slice(before)).toEqual([])
  })

  test('with a certificate that is not there, or is none, is refused', async () => {
    const url = CERT_URL.replace('0123abcd', 'ffff')
    expectRefusal(
      await post(house.server, 'ses', sns(message, at(), { SigningCertURL: url })),
      'unauthorized',
    )
    const { answer } = house.certificates
    for (const junk of [
      '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
      `${CERTIFICATE}${'\n'.repeat(20_000)}`,
    ]) {
      house.certificates.answer = () => new Response(junk)
      expectRefusal(
        await post(house.server, 'ses', sns(message, at(), { SigningCertURL: url })),
        'unauthorized',
      )
    }
    house.certificates.answer = answer
    expectRefusal(await post(house.server, 'ses', sns(message, at(), {}, attacker)), 'unauthorized')
  })

  test('whose certificate cannot be fetched now is asked to come again', async () => {
    const url = CERT_URL.replace('0123abcd', 'eeee')
    const { answer } = house.certificates
    for (const broken of [
      () => new Response('', { status: 503 }),
      () => Promise.reject(new TypeError('fetch failed')),
    ]) {
      house.certificates.answer = broken
      expectRefusal(
        await post(house.server, 'ses', sns(message, at(), { SigningCertURL: url })),
        'unavailable',
      )
    }
    house.certificates.answer = answer
  })

  test('is checked with one fetch of its certificate, which is kept for a day', async () => {
    const fresh = await hookServer()
    const now = () => fresh.server.clock.now()
    await Promise.all(Array.from({ length: 8 }, () => post(fresh.server, 'ses', sns(message, now()))))
    expect((await post(fresh.server, 'ses', sns(message, now()))).status).toBe(200)
    expect(fresh.fetched).toEqual([CERT_URL])
    fresh.server.clock.advance(24 * 3_600_000)
    expect((await post(fresh.server, 'ses', sns(message, now()))).status).toBe(200)
    expect(fresh.fetched).toHaveLength(2)
    await fresh.server.stop()
  })

  test('asking to be confirmed is logged for the operator and not followed', async () => {
    const confirm = (url: string, key?: typeof attacker) =>
      sns(
        'You have chosen to subscribe',
        at(),
        { Type: 'SubscriptionConfirmation', Token: randomBytes(8).toString('hex'), SubscribeURL: url },
        key,
      )
    const right = 'https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=abc'
    const before = house.fetched.length
    expect((await post(house.server, 'ses', confirm(right))).status).toBe(200)
    expect(house.logged.filter(line => line.includes(right))).toHaveLength(1)
    for (const wrong of ['https://evil.example/?Action=ConfirmSubscription', right.replace('https', 'http')])
      expect((await post(house.server, 'ses', confirm(wrong))).status).toBe(200)
    expectRefusal(await post(house.server, 'ses', confirm(right, attacker)), 'unauthorized')
    expect(house.logged.filter(line => line.includes('ConfirmSubscription'))).toHaveLength(1)
    expect(house.fetched.slice(before).filter(url => url !== CERT_URL)).toEqual([])
  })
})
