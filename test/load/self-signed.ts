import { generateKeyPairSync, sign } from 'node:crypto'

/** A fresh key, and a certificate that it signed for itself: for `localhost` and 127.0.0.1. */
export function selfSigned(): { key: string; cert: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const name = sequence(der(0x31, sequence(oid.commonName, der(0x0c, Buffer.from('localhost')))))
  const body = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))), // version 3
    der(0x02, Buffer.from([1])), // serial number
    sequence(oid.ecdsaWithSha256),
    name,
    sequence(utcTime('200101000000Z'), utcTime('490101000000Z')),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(sequence(oid.subjectAltName, der(0x04, sequence(dnsName, ipAddress))))),
  )
  const signature = sign('sha256', body, privateKey)
  const unusedBits = Buffer.from([0])
  const cert = sequence(body, sequence(oid.ecdsaWithSha256), der(0x03, unusedBits, signature))
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: pem(cert),
  }
}

/** One value in DER: tag, length, content. */
function der(tag: number, ...content: readonly Buffer[]): Buffer {
  const all = Buffer.concat(content)
  const { length } = all
  const head =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...head]), all])
}

function sequence(...content: readonly Buffer[]): Buffer {
  return der(0x30, ...content)
}

function utcTime(text: string): Buffer {
  return der(0x17, Buffer.from(text))
}

function pem(certificate: Buffer): string {
  const lines = certificate.toString('base64').replaceAll(/.{64}/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

const oid = {
  commonName: der(0x06, Buffer.from([0x55, 4, 3])),
  subjectAltName: der(0x06, Buffer.from([0x55, 0x1d, 0x11])),
  ecdsaWithSha256: der(0x06, Buffer.from([0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2])),
}
const dnsName = der(0x82, Buffer.from('localhost'))
const ipAddress = der(0x87, Buffer.from([127, 0, 0, 1]))
