// The rows of the result and how they are printed.

/**
 * @typedef {object} Row
 * @property {string} what
 * @property {string} measured
 * @property {string} [required] absent where the figure is only told
 * @property {boolean} [met]
 */

const HEAD = { what: 'what', measured: 'measured', required: 'must reach', met: 'met' }

/** @param {readonly Row[]} rows */
export function printTable(rows) {
  const lines = [
    HEAD,
    ...rows.map(({ what, measured, required = '-', met }) => ({
      what,
      measured,
      required,
      met: met === undefined ? '-' : met ? 'yes' : 'NO',
    })),
  ]
  const columns = ['what', 'measured', 'required', 'met']
  const widths = columns.map((column) => Math.max(...lines.map((line) => line[column].length)))
  for (const line of lines)
    console.log(
      columns
        .map((column, i) => line[column].padEnd(widths[i]))
        .join('  ')
        .trimEnd(),
    )
}
