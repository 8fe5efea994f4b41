import { readFile } from 'node:fs/promises'
import { messageOf, UserError } from '../errors.ts'
import type { Certificate } from '../measure/instrument-certificate.ts'
import { certificateSchema } from '../report/certificate-schema.ts'

/** @throws UserError when the file cannot be read, or is no certificate of this version's format */
export async function readCertificate(file: string): Promise<Certificate> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw notReadable(file, messageOf(cause), cause)
  })
  const certificate = parseJson(text)
  const parsed = certificateSchema.safeParse(certificate)
  // As it was written, so that a copy is the same to the byte.
  if (parsed.success) return certificate as Certificate
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.')
  throw notReadable(file, where ? `${where}: ${issue?.message}` : 'it is not JSON', parsed.error)
}

/** Undefined, which no schema takes, for what is not JSON. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function notReadable(file: string, why: string, cause: unknown): UserError {
  return new UserError(`${file} is no certificate that this version can read: ${why}.`, {
    remedy: 'Make a new one with `baremark calibrate`.',
    cause,
  })
}
