import { describe, expect, it } from 'vitest'
import { parseAddressList } from '../../src/core/addresses/address-list.ts'
import { isPublicIp } from '../../src/core/addresses/public-ip.ts'
import { refusalAtSave, refusalOfAddress } from '../../src/core/webhooks/target.ts'
import { post } from '../../src/webhooks/post.ts'
import { endless, ok, openFaultyReceiver, saying, silence } from './receiver.ts'

const NONE = { privateTargets: parseAddressList('') }
const OWN = { privateTargets: parseAddressList('127.0.0.1,10.1.0.0/16,fd00:1::/32') }

describe('an address is public', () => {
  it.each([
    // IPv4 of the internet, at the borders of what is not.
    ['1.1.1.1', true],
    ['8.8.8.8', true],
    ['9.255.255.255', true],
    ['11.0.0.0', true],
    ['100.63.255.255', true],
    ['100.128.0.0', true],
    ['126.255.255.255', true],
    ['128.0.0.0', true],
    ['169.253.255.255', true],
    ['169.255.0.0', true],
    ['172.15.255.255', true],
    ['172.32.0.0', true],
    ['192.167.255.255', true],
    ['192.169.0.0', true],
    ['223.255.255.255', true],
    // What is not.
    ['0.0.0.0', false],
    ['0.1.2.3', false],
    ['10.0.0.1', false],
    ['100.64.0.1', false],
    ['100.100.100.200', false],
    ['127.0.0.1', false],
    ['127.255.255.254', false],
    ['169.254.169.254', false],
    ['172.16.0.1', false],
    ['172.31.255.255', false],
    ['192.0.0.192', false],
    ['192.0.2.1', false],
    ['192.88.99.1', false],
    ['192.168.0.1', false],
    ['198.18.0.1', false],
    ['198.19.255.255', false],
    ['198.51.100.1', false],
    ['203.0.113.1', false],
    ['224.0.0.1', false],
    ['239.255.255.255', false],
    ['240.0.0.1', false],
    ['255.255.255.255', false],
    // IPv6.
    ['2606:4700:4700::1111', true],
    ['2a00:1450:4001::1', true],
    ['2001:4860:4860::8888', true],
    ['::', false],
    ['::1', false],
    ['fe80::1', false],
    ['fe80::1%eth0', false],
    ['febf::1', false],
    ['fec0::1', false],
    ['fc00::1', false],
    ['fd00:ec2::254', false],
    ['ff02::1', false],
    ['100::1', false],
    ['2001:db8::1', false],
    ['3fff::1', false],
    // What carries IPv4: mapped, compatible, NAT64, Teredo, 6to4.
    ['::ffff:127.0.0.1', false],
    ['::ffff:7f00:1', false],
    ['::ffff:169.254.169.254', false],
    ['::ffff:10.0.0.1', false],
    ['0:0:0:0:0:ffff:c0a8:1', false],
    ['::ffff:8.8.8.8', true],
    ['::127.0.0.1', false],
    ['::ffff:0:127.0.0.1', false],
    ['64:ff9b::127.0.0.1', false],
    ['64:ff9b::8.8.8.8', false],
    ['64:ff9b:1::7f00:1', false],
    ['2001::7f00:1', false],
    ['2002:7f00:1::', false],
    // No address.
    ['localhost', false],
    ['127.1', false],
    ['0x7f.1', false],
    ['', false],
  ])('%s: %s', (address, expected) => {
    expect(isPublicIp(address)).toBe(expected)
  })
})

describe('a URL at save', () => {
  it.each([
    ['https://hooks.example.com/ostiary?x=1', 'live', null],
    ['https://hooks.example.com:443/', 'live', null],
    ['https://hooks.example.com:80/', 'live', null],
    ['https://1.1.1.1/', 'live', null],
    ['https://[2606:4700:4700::1111]/', 'live', null],
    ['http://hooks.example.com/', 'test', null],
    ['http://hooks.example.com/', 'live', /not https/],
    ['https://hooks.example.com:8443/', 'live', /port 8443/],
    ['https://hooks.example.com:22/', 'test', /port 22/],
    ['ftp://hooks.example.com/', 'live', /neither/],
    ['file:///etc/passwd', 'live', /neither/],
    ['gopher://hooks.example.com/', 'live', /neither/],
    ['javascript:alert(1)', 'live', /neither/],
    ['https://user:secret@hooks.example.com/', 'live', /user or password/],
    ['https://user@hooks.example.com/', 'live', /user or password/],
    ['https://hooks.example.com/#x', 'live', /after #/],
    ['not a url', 'live', /not a URL/],
    [`https://hooks.example.com/${'x'.repeat(2048)}`, 'live', /longer than/],
    // Every spelling of an address that the URL standard reads as one.
    ['https://127.0.0.1/', 'live', /private/],
    ['https://127.1/', 'live', /private/],
    ['https://2130706433/', 'live', /private/],
    ['https://0x7f000001/', 'live', /private/],
    ['https://0177.0.0.1/', 'live', /private/],
    ['https://127.0.0.1./', 'live', /private/],
    ['https://①②⑦.⓪.⓪.①/', 'live', /private/],
    ['https://0/', 'live', /private/],
    ['https://[::1]/', 'live', /private/],
    ['https://[::ffff:127.0.0.1]/', 'live', /private/],
    ['https://[::ffff:a9fe:a9fe]/', 'live', /private/],
    ['https://169.254.169.254/latest/meta-data', 'live', /private/],
    ['https://localhost/', 'live', /private network/],
    ['https://LOCALHOST./', 'live', /private network/],
    ['https://app.localhost/', 'live', /private network/],
    ['https://metadata.google.internal/', 'live', /private network/],
    ['https://printer.local/', 'live', /private network/],
    ['https://intranet/', 'live', /private network/],
  ] as const)('%s in %s: %s', (url, mode, expected) => {
    const refusal = refusalAtSave(url, mode, NONE)
    if (expected === null) expect(refusal).toBeNull()
    else expect(refusal).toMatch(expected)
  })

  it.each([
    ['http://127.0.0.1:3000/hook', null],
    ['https://10.1.2.3:8443/', null],
    ['http://receiver:8080/', null],
    ['http://10.2.0.1/', /private/],
    ['http://[fd00:1::5]:3000/', null],
    ['http://[::ffff:127.0.0.1]:3000/', null],
    ['http://169.254.169.254/', /private/],
    ['https://1.1.1.1:8443/', /port/],
  ] as const)('with private targets configured, %s: %s', (url, expected) => {
    const refusal = refusalAtSave(url, 'live', OWN)
    if (expected === null) expect(refusal).toBeNull()
    else expect(refusal).toMatch(expected)
  })
})

describe('the address that is connected to', () => {
  it.each([
    ['1.1.1.1', 443, 'https:', 'live', null],
    ['1.1.1.1', 80, 'http:', 'test', null],
    ['1.1.1.1', 80, 'http:', 'live', /not https/],
    ['1.1.1.1', 8080, 'http:', 'test', /port/],
    ['127.0.0.1', 3000, 'http:', 'live', null],
    ['127.0.0.2', 3000, 'http:', 'live', /private/],
    ['::ffff:127.0.0.1', 3000, 'http:', 'live', null],
    ['::ffff:127.0.0.2', 3000, 'http:', 'live', /private/],
    ['10.1.255.255', 22, 'https:', 'live', null],
    ['not an address', 443, 'https:', 'live', /no address/],
  ] as const)('%s port %s by %s in %s: %s', (address, port, protocol, mode, expected) => {
    const refusal = refusalOfAddress({ address, port, protocol, mode }, OWN)
    if (expected === null) expect(refusal).toBeNull()
    else expect(refusal).toMatch(expected)
  })
})

describe('one call', () => {
  const ask = (
    url: string,
    addresses: (string[] | Error | Promise<never>)[],
    refusalOf: (address: string) => string | null = address =>
      address === '127.0.0.1' ? null : 'leads to a private address',
    timeoutMs = 2000,
  ) => {
    const asked: string[] = []
    return {
      asked,
      result: post({
        url: new URL(url),
        headers: { 'X-Test': 'yes' },
        body: '{}',
        timeoutMs,
        refusalOf,
        resolve: async host => {
          asked.push(host)
          const found = addresses.shift() ?? ['127.0.0.1']
          if (found instanceof Error) throw found
          return await found
        },
      }),
    }
  }

  it('goes to the address that was judged, under the name that was asked for', async () => {
    const receiver = await openFaultyReceiver()
    const { result, asked } = ask(`http://hooks.example.com:${receiver.port}/hook`, [['127.0.0.1']])
    expect(await result).toEqual({ status: 200, answer: 'thanks' })
    expect(asked).toEqual(['hooks.example.com'])
    expect(receiver.requests[0]?.headers.host).toBe(`hooks.example.com:${receiver.port}`)
    await receiver.close()
  })

  it('asks for the name once: an answer that changes meanwhile changes nothing', async () => {
    const receiver = await openFaultyReceiver()
    const { result, asked } = ask(`http://rebind.example.com:${receiver.port}/`, [
      ['127.0.0.1'],
      ['127.0.0.2'],
    ])
    expect(await result).toMatchObject({ status: 200 })
    expect(asked).toHaveLength(1)
    await receiver.close()
  })

  it.each([
    ['a private address', [['10.0.0.1']], /not called: .* private/],
    ['a private one among allowed ones', [['127.0.0.1', '10.0.0.1']], /not called/],
    ['a private one behind allowed ones', [['127.0.0.1', '127.0.0.1', '::1']], /not called/],
    ['no address', [[]], /no address/],
    ['an error of the resolver', [new Error('ENOTFOUND')], /ENOTFOUND/],
  ] as const)('calls nobody when the name leads to %s', async (_name, addresses, expected) => {
    const receiver = await openFaultyReceiver()
    const { result } = ask(`http://hooks.example.com:${receiver.port}/`, addresses as unknown as string[][])
    expect(await result).toEqual({ error: expect.stringMatching(expected) })
    expect(receiver.requests).toHaveLength(0)
    await receiver.close()
  })

  it('judges an address that stands in the URL itself, and asks no resolver', async () => {
    const receiver = await openFaultyReceiver()
    const { result, asked } = ask(receiver.url, [], () => 'leads to a private address')
    expect(await result).toEqual({ error: expect.stringMatching(/not called/) })
    expect([asked.length, receiver.requests.length]).toEqual([0, 0])
    await receiver.close()
  })

  it('ends in time when the resolver, the receiver or the body of the answer does not', async () => {
    const receiver = await openFaultyReceiver(silence)
    const never = new Promise<never>(() => {})
    const begunAt = performance.now()
    expect(await ask('http://slow.example.com/', [never], undefined, 150).result).toEqual({
      error: 'no answer within 0.15 s',
    })
    expect(await ask(receiver.url, [], undefined, 150).result).toEqual({ error: 'no answer within 0.15 s' })
    receiver.answer = response => void response.writeHead(202).write('slow')
    expect(await ask(receiver.url, [], undefined, 150).result).toEqual({ status: 202, answer: 'slow' })
    expect(performance.now() - begunAt).toBeLessThan(1500)
    await receiver.close()
  })

  it('reads 64 KB of an answer that never ends', async () => {
    let closed = () => {}
    const isClosed = new Promise<void>(resolve => (closed = resolve))
    const receiver = await openFaultyReceiver(response => {
      endless(response)
      response.on('close', closed)
    })
    const { result } = ask(receiver.url, [], undefined, 10_000)
    const begunAt = performance.now()
    expect(await result).toEqual({ status: 200, answer: 'x'.repeat(1024) })
    expect(performance.now() - begunAt).toBeLessThan(3000)
    await isClosed
    await receiver.close()
  })

  it('follows no redirect', async () => {
    const other = await openFaultyReceiver()
    const receiver = await openFaultyReceiver(saying(307, '', { Location: other.url }))
    expect(await ask(receiver.url, []).result).toMatchObject({ status: 307 })
    expect(other.requests).toHaveLength(0)
    await Promise.all([receiver.close(), other.close()])
  })

  it('tells of a receiver that hangs up, and of one that is not there', async () => {
    const receiver = await openFaultyReceiver(response => void response.destroy())
    expect(await ask(receiver.url, []).result).toEqual({
      error: expect.stringMatching(/hang up|hung up|ECONNRESET/),
    })
    receiver.answer = ok
    await receiver.close()
    expect(await ask(receiver.url, []).result).toEqual({ error: expect.stringMatching(/ECONNREFUSED/) })
  })
})
