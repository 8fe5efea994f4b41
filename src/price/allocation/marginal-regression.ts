import type { Maybe } from '../../arithmetic.ts'
import { type TokenClass, type TokenCounts, tokenClasses } from './token-bill.ts'

/** What a workload of one shape took. */
export interface Workload extends TokenCounts {
  /** Time of all GPUs, or any other measure of what the hour was used for. */
  readonly gpuSeconds: number
}

/**
 * GPU-seconds of one more token of each class: least squares of gpuSeconds = a input + b cached + c output over the
 * workloads, with none of the three under 0 (Lawson and Hanson's problem NNLS; with three unknowns every choice of which
 * are 0 can be tried). No constant term: a fixed part would be nobody's. The weight of
 * a class that no workload has is unknown; so are all where the workloads do not tell the classes apart.
 */
export function marginalWeights(
  workloads: readonly Workload[],
): Readonly<Record<TokenClass, Maybe>> | undefined {
  const present = tokenClasses.filter((name) => workloads.some((each) => each[name] > 0))
  if (present.length === 0 || !tellsApart(workloads, present)) return undefined
  const fits = subsetsOf(present).flatMap((names) => fitOf(workloads, names))
  const best = fits.reduce<Fit | undefined>(
    (least, fit) => (least === undefined || fit.squares < least.squares ? fit : least),
    undefined,
  )
  if (best === undefined) return undefined
  const weightOf = (name: TokenClass): Maybe =>
    present.includes(name) ? best.weights[name] : undefined
  return {
    inputTokens: weightOf('inputTokens'),
    cachedInputTokens: weightOf('cachedInputTokens'),
    outputTokens: weightOf('outputTokens'),
  }
}

interface Fit {
  readonly weights: Record<TokenClass, number>
  readonly squares: number
}

/** Every choice of the names, the empty one first: bit i of the number of a choice says whether name i is in it. */
function subsetsOf(names: readonly TokenClass[]): TokenClass[][] {
  return Array.from({ length: 2 ** names.length }, (_, choice) =>
    names.filter((_, index) => (choice & (1 << index)) !== 0),
  )
}

/** The least-squares fit with these classes alone; none where it has a weight under 0. */
function fitOf(workloads: readonly Workload[], names: readonly TokenClass[]): Fit[] {
  const solution = solve(normalEquations(workloads, names))
  if (solution === undefined || solution.some((weight) => weight < 0)) return []
  const weights = { inputTokens: 0, cachedInputTokens: 0, outputTokens: 0 }
  for (const [index, name] of names.entries()) weights[name] = solution[index] as number
  const squares = workloads.reduce((total, each) => {
    const fitted = tokenClasses.reduce((sum, name) => sum + weights[name] * each[name], 0)
    return total + (each.gpuSeconds - fitted) ** 2
  }, 0)
  return [{ weights, squares }]
}

/** Rows of X'X | X'y. */
function normalEquations(workloads: readonly Workload[], names: readonly TokenClass[]): number[][] {
  const dot = (a: (each: Workload) => number, b: (each: Workload) => number): number =>
    workloads.reduce((total, each) => total + a(each) * b(each), 0)
  return names.map((row) => [
    ...names.map((column) =>
      dot(
        (each) => each[row],
        (each) => each[column],
      ),
    ),
    dot(
      (each) => each[row],
      (each) => each.gpuSeconds,
    ),
  ])
}

/**
 * Under this determinant of the columns scaled to length 1 (1 is at right angles, 0 is one direction) the shapes are too much
 * alike: a measuring error of 1 % could move a weight by 100 %.
 */
const LEAST_DETERMINANT = 1e-4

function tellsApart(workloads: readonly Workload[], names: readonly TokenClass[]): boolean {
  if (workloads.length < names.length) return false
  const rows = normalEquations(workloads, names)
  const lengths = rows.map((row, index) => Math.sqrt(row[index] as number))
  const scaled = rows.map((row, i) =>
    names.map((_, j) => (row[j] as number) / ((lengths[i] as number) * (lengths[j] as number))),
  )
  return determinant(scaled) >= LEAST_DETERMINANT
}

function determinant(matrix: readonly (readonly number[])[]): number {
  const [first] = matrix
  if (first === undefined) return 1
  return first.reduce((total, value, column) => {
    const minor = matrix.slice(1).map((row) => row.filter((_, index) => index !== column))
    return total + (column % 2 === 0 ? 1 : -1) * value * determinant(minor)
  }, 0)
}

/** Cramer's rule: the systems are of at most three equations. */
function solve(rows: readonly (readonly number[])[]): number[] | undefined {
  const square = rows.map((row) => row.slice(0, -1))
  const whole = determinant(square)
  if (whole === 0) return undefined
  return square.map((_, column) => {
    const replaced = rows.map((row) =>
      row.slice(0, -1).map((value, index) => (index === column ? (row.at(-1) as number) : value)),
    )
    return determinant(replaced) / whole
  })
}
