import fc from 'fast-check'

// Without this no array or string gets much longer than ten, whatever it may be.
fc.configureGlobal({ ...fc.readConfigureGlobal(), baseSize: 'medium' })

/** How many cases a fuzz test tries: FUZZ_CASES of the environment, or as many as are quick. */
export function fuzzCases(quick: number): number {
  return Number(process.env.FUZZ_CASES ?? quick)
}
