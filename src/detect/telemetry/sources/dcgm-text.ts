/** A line of a Prometheus exposition. */
export interface PrometheusSample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** name, labels, value, and perhaps a time. */
const SAMPLE = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?$/
const LABEL = /([A-Za-z_]\w*)="((?:[^"\\]|\\.)*)"/g

/** The samples with a finite value. Lines that are none are passed over. */
export function readPrometheus(text: string): readonly PrometheusSample[] {
  return text.split('\n').flatMap((line) => {
    const [, name, labels = '', value] = SAMPLE.exec(line.trim()) ?? []
    if (name === undefined || value === undefined || !Number.isFinite(Number(value))) return []
    return [{ name, labels: readLabels(labels), value: Number(value) }]
  })
}

function readLabels(text: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [...text.matchAll(LABEL)].map(([, name = '', value = '']) => [name, value]),
  )
}
