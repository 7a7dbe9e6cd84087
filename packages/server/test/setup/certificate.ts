import { type KeyObject, sign } from 'node:crypto'

const element = (tag: number, ...parts: Buffer[]): Buffer => {
  const content = Buffer.concat(parts)
  const length =
    content.length < 128
      ? Buffer.from([content.length])
      : Buffer.from([0x82, content.length >> 8, content.length & 255])
  return Buffer.concat([Buffer.from([tag]), length, content])
}
const sequence = (...parts: Buffer[]) => element(0x30, ...parts)
const RSA_SHA256 = sequence(Buffer.from('06092a864886f70d01010b0500', 'hex'))
const utcTime = (text: string) => element(0x17, Buffer.from(text))

/** A self-signed certificate (RFC 5280) for a key pair made by the test, as PEM: Node makes keys, but no certificates. */
export function selfSigned({
  publicKey,
  privateKey,
}: {
  publicKey: KeyObject
  privateKey: KeyObject
}): string {
  const name = sequence(
    element(
      0x31,
      sequence(Buffer.from('0603550403', 'hex'), element(0x0c, Buffer.from('sns.amazonaws.com'))),
    ),
  )
  const content = sequence(
    element(0xa0, Buffer.from('020102', 'hex')),
    Buffer.from('020101', 'hex'),
    RSA_SHA256,
    name,
    sequence(utcTime('250101000000Z'), utcTime('450101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
  )
  const signature = sign('sha256', content, privateKey)
  const certificate = sequence(content, RSA_SHA256, element(0x03, Buffer.from([0]), signature))
  return `-----BEGIN CERTIFICATE-----\n${certificate.toString('base64')}\n-----END CERTIFICATE-----\n`
}
