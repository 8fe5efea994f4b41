import type { Maybe } from '../../arithmetic.ts'
import { binomialCdf } from '../binomial.ts'
import { bisect } from './bisect.ts'

/**
 * Upper bound of a share of which `k` in `n` were seen (Clopper and Pearson, Biometrika 26, 1934), one-sided: with
 * the share at the bound, as few as `k` come in 1 - confidence of all samples. 1 - 0.05^(1/n) for none at 95 %.
 *
 * @returns unknown for no samples
 */
export function shareAtMost(k: number, n: number, confidence = 0.95): Maybe {
  if (n === 0) return undefined
  if (k >= n) return 1
  return bisect((share) => binomialCdf(k, n, share) > 1 - confidence, k / n, 1)
}
