import { describe, expect, test } from 'vitest'
import { reportFormats } from '../../src/report/index.ts'
import { markdownFormat } from '../../src/report/markdown.ts'
import type { Report } from '../../src/report/report.ts'
import { textFormat } from '../../src/report/text.ts'
import {
  emptyReport,
  sampleReport,
  throttledReport,
  toldReport,
  variants,
} from './sample-report.ts'

describe.each(reportFormats)('$name', ({ fileName, render }) => {
  test('of a complete run is as on file', async () => {
    await expect(await render(sampleReport())).toMatchFileSnapshot(`../golden/sample/${fileName}`)
  })

  test('of a run in which nothing completed is as on file', async () => {
    await expect(await render(emptyReport())).toMatchFileSnapshot(`../golden/empty/${fileName}`)
  })

  test('of a run whose server told of itself is as on file', async () => {
    await expect(await render(toldReport())).toMatchFileSnapshot(`../golden/told/${fileName}`)
  })

  test('of a run on GPUs that were hot, and half watched, is as on file', async () => {
    const text = await render(throttledReport())
    await expect(text).toMatchFileSnapshot(`../golden/throttled/${fileName}`)
  })

  test.each(Object.keys(variants))('of "%s" is the same every time', async (variant) => {
    expect(await render(reportOf(variant))).toBe(await render(reportOf(variant)))
  })
})

// The short formats are on file for every kind of run; the long ones say the same in more words.
describe.each([textFormat, markdownFormat])('$name', ({ fileName, render }) => {
  test.each(['simulated', 'partial', 'open-loop', 'unknown-price', 'roofline'])(
    'of a run of the kind "%s" is as on file',
    async (variant) => {
      const text = await render(reportOf(variant))
      await expect(text).toMatchFileSnapshot(`../golden/${variant}/${fileName}`)
    },
  )
})

function reportOf(variant: string): Report {
  const make = variants[variant]
  if (!make) throw new Error(`no variant ${variant}`)
  return make()
}
