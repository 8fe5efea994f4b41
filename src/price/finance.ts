/**
 * Capital recovery factor: the level payment a year, for `years` years, that repays 1 with interest
 * `ratePerYear`. r / (1 - (1 + r)^-n), and 1 / n without interest.
 */
function capitalRecoveryFactor(ratePerYear: number, years: number): number {
  // Under this, interest is lost in rounding, and the formula with it.
  if (ratePerYear * years < 1e-12) return 1 / years
  return ratePerYear / -Math.expm1(-years * Math.log1p(ratePerYear))
}

/**
 * Cost a year of owning something that costs `price` now and is worth `residual` after `years`:
 * (price - residual / (1 + r)^n) x capital recovery factor.
 */
export function annualCapitalCost(
  price: number,
  residual: number,
  ratePerYear: number,
  years: number,
): number {
  const presentResidual = residual / (1 + ratePerYear) ** years
  return (price - presentResidual) * capitalRecoveryFactor(ratePerYear, years)
}
