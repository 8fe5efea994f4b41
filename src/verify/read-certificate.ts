import { readFile } from 'node:fs/promises'
import { messageOf, UserError } from '../errors.ts'
import type { Certificate } from '../measure/instrument-certificate.ts'
import { certificateSchema } from '../report/certificate-schema.ts'

/** @throws UserError when the file cannot be read, or is no certificate of this version's format */
export async function readCertificate(file: string): Promise<Certificate> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw notReadable(file, messageOf(cause), cause)
  })
  try {
    const parsed = certificateSchema.safeParse(JSON.parse(text))
    if (parsed.success) return parsed.data
    const [issue] = parsed.error.issues
    throw new Error(`${issue?.path.join('.') || 'the whole'}: ${issue?.message}`)
  } catch (cause) {
    throw notReadable(file, messageOf(cause), cause)
  }
}

function notReadable(file: string, why: string, cause: unknown): UserError {
  return new UserError(`${file} is no certificate that this version can read: ${why}.`, {
    remedy: 'Make a new one with `baremark calibrate`.',
    cause,
  })
}
