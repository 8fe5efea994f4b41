import { exitCodes } from '../errors.ts'
import { frontLines } from '../report/front-matter.ts'
import { reportFormats } from '../report/index.ts'
import type { PriceFlags } from './catalogue.ts'
import type { Io } from './io.ts'
import { recomputeReport } from './recompute.ts'

/** `baremark price`. @throws UserError */
export async function priceCommand(
  path: string,
  flags: PriceFlags & { readonly json: boolean },
  io: Io,
): Promise<number> {
  const report = await recomputeReport(path, flags, io)
  if (flags.json) {
    io.stdout(`${JSON.stringify({ notice: frontLines(report), ...report.cost }, undefined, 2)}\n`)
  } else {
    const text = reportFormats.find(({ name }) => name === 'text')
    io.stdout((await text?.render(report)) ?? '')
  }
  return exitCodes.valid
}
