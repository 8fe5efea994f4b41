import { expect, test } from 'vitest'
import { htmlFormat } from '../../src/report/html.ts'
import { html } from '../../src/report/markup.ts'
import { palette } from '../../src/report/palette.ts'
import { openLoopReport, sampleReport, throttledReport, variants } from './sample-report.ts'

test.each(Object.keys(variants))(
  'the page of "%s" asks for nothing from anywhere',
  async (variant) => {
    const page = await htmlFormat.render((variants[variant] ?? sampleReport)())
    expect(page).not.toMatch(/<(?:script|link|img|iframe|object|embed|base|form|video|audio)\b/i)
    expect(page).not.toMatch(/\b(?:src|href|srcset|action|poster|background)\s*=/i)
    expect(page).not.toMatch(/@import|url\(|@font-face|javascript:/i)
    expect(page).not.toMatch(/\son\w+=/i)
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; img-src data:"`)
  },
)

test('credentials and keys in the address of the server are not shown', async () => {
  const page = await htmlFormat.render(openLoopReport())
  expect(page).toContain('inference.example.net:8443')
  expect(page).not.toMatch(/secret/)
})

test('a remote server is not said to run on the machine that measured it', async () => {
  const page = await htmlFormat.render(openLoopReport())
  expect(page).toContain('<h1>meta-llama/Llama-3.1-8B-Instruct at inference.example.net:8443</h1>')
  expect(page).toContain('Measuring machine')
  expect(page).not.toContain('<dt>Hardware</dt>')
})

test('every colour of a chart has a rule for the dark, and no two are the same', async () => {
  const page = await htmlFormat.render(throttledReport())
  const used = new Set([...page.matchAll(/ (?:fill|stroke)="(#[0-9a-f]+)"/g)].map(([, hex]) => hex))
  const lights = Object.values(palette).map(({ light }) => light as string)
  expect(new Set(lights).size).toBe(lights.length)
  for (const hex of used) {
    expect(lights).toContain(hex)
    expect(page).toContain(`svg [fill="${hex}"]`)
  }
})

test.each(['light', 'dark'] as const)('text and lines can be told from the card, in %s', (mode) => {
  const card = palette.card[mode]
  for (const name of ['ink', 'muted', 'red'] as const) {
    expect(contrast(palette[name][mode], card)).toBeGreaterThan(4.5)
  }
  const drawn = [
    'blue',
    'navy',
    'sky',
    'amber',
    'teal',
    'violet',
    'rose',
    'olive',
    'brown',
  ] as const
  for (const name of drawn) {
    expect(contrast(palette[name][mode], card)).toBeGreaterThan(3)
  }
})

test('a placeholder among the assumptions is marked', async () => {
  const page = await htmlFormat.render(sampleReport())
  expect(page).toMatch(/<td><span class="status fail">PLACEHOLDER<\/span><\/td>/)
})

test('a gate that failed comes first, and only it says what to do', async () => {
  const page = await htmlFormat.render(variants.empty?.() ?? sampleReport())
  expect(page.indexOf('>FAIL<')).toBeLessThan(page.indexOf('>PASS<'))
  expect(page).toContain('Look at the errors, or measure for longer.')
  expect(page).not.toContain('could not keep the timetable')
})

test('a value that GPUs share is written once, one that differs for each', async () => {
  const report = sampleReport()
  const gpu = report.run.hardware.gpus[0]
  if (!gpu) throw new Error('the sample has a GPU')
  const hotter = { ...gpu, index: 1, temperatureC: { ...gpu.temperatureC, value: 41 } } as const
  const hardware = { ...report.run.hardware, gpus: [gpu, hotter] }
  const page = await htmlFormat.render({ ...report, run: { ...report.run, hardware } })
  expect(page).toContain('2 x NVIDIA H200 (140 GiB)')
  expect(page).toContain('<tr><th scope="row">GPU 0</th><td>34 °C</td></tr>')
  expect(page).toContain('<tr><th scope="row">GPU 1</th><td>41 °C</td></tr>')
  expect(page.match(/<td>NVIDIA H200<\/td>/g)).toHaveLength(1)
})

test('what is put into markup is escaped unless it is markup', () => {
  const inner = html`<b>${'<i>'}</b>`
  expect(html`<p>${inner}${undefined}${[inner]}${`"'&`}</p>`.markup).toBe(
    '<p><b>&lt;i&gt;</b><b>&lt;i&gt;</b>&quot;&#39;&amp;</p>',
  )
})

/** WCAG 2 contrast ratio of two colours. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [one, other].map(luminance).sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(hex: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}
