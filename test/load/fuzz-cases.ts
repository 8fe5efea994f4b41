/** How many cases a fuzz test tries: FUZZ_CASES of the environment, or as many as are quick. */
export function fuzzCases(quick: number): number {
  return Number(process.env.FUZZ_CASES ?? quick)
}
