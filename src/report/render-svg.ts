import type { TopLevelSpec } from 'vega-lite'
import type { Chart } from './chart-look.ts'
import { chartsOf } from './charts.ts'
import { textWidth } from './font-widths.ts'
import { stampOf } from './front-matter.ts'
import { escapeMarkup } from './markup.ts'
import type { Report } from './report.ts'

/** A chart with its picture, where there is one. */
export interface ChartPicture {
  readonly chart: Chart
  readonly svg?: string
}

/** Draws every chart of a report. Same report, same bytes, with or without a display. */
export function renderCharts(report: Report): Promise<ChartPicture[]> {
  return drawCharts(chartsOf(report), stampOf(report))
}

/** @param stamp words that go before what each picture is called */
export async function drawCharts(charts: readonly Chart[], stamp: string): Promise<ChartPicture[]> {
  const pictures: ChartPicture[] = []
  for (const chart of charts) {
    if (chart.kind === 'left-out') pictures.push({ chart })
    else {
      const label = stamp === '' ? chart.description : `${stamp}. ${chart.description}`
      pictures.push({ chart, svg: nameSvg(await renderSvg(chart.spec), label) })
    }
  }
  return pictures
}

/** Vega is large, so it is loaded only when a chart is drawn. */
async function renderSvg(spec: TopLevelSpec): Promise<string> {
  const [vega, vegaLite] = await Promise.all([import('vega'), import('vega-lite')])
  measureText(vega)
  const view = new vega.View(vega.parse(vegaLite.compile(spec).spec), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  return svg
}

interface TextItem {
  readonly fontSize?: number
  readonly fontWeight?: string | number
}

/** Without a canvas Vega only guesses how wide text is, and so clips or wastes a third of the room. */
function measureText(vega: object): void {
  // Part of Vega, but missing from its types.
  const { textMetrics } = vega as {
    textMetrics: { width: (item: TextItem, text: string) => number }
  }
  textMetrics.width = ({ fontSize = 11, fontWeight }, text) =>
    textWidth(text ?? '', fontSize, fontWeight === 'bold' || Number(fontWeight) >= 600)
}

/** A name for who hears the page instead of seeing it. */
function nameSvg(svg: string, name: string): string {
  const escaped = escapeMarkup(name)
  return svg.replace(
    /^<svg([^>]*)>/,
    (_, attributes: string) =>
      `<svg${attributes} role="img" aria-label="${escaped}"><title>${escaped}</title>`,
  )
}
