/** Flags that users of other tools know, and what baremark calls them. */
const flagAliases: Readonly<Record<string, string>> = {
  // vllm bench serve
  '--base-url': '--url',
  '--max-concurrency': '--concurrency',
  '--num-prompts': '--requests',
  '--random-input-len': '--isl',
  '--random-output-len': '--osl',
  // aiperf profile
  '--request-count': '--requests',
  '--benchmark-duration': '--duration',
  '--warmup-duration': '--warmup',
  '--arrival-pattern': '--arrivals',
  '--arrival-smoothness': '--burstiness',
  '--random-seed': '--seed',
  '--artifact-dir': '--out',
  // guidellm
  '--target': '--url',
  '--rate': '--request-rate',
  '--max-seconds': '--duration',
  '--max-requests': '--requests',
  // others
  '--parallel': '--concurrency',
  '--number': '--requests',
  '--input-tokens': '--isl',
  '--output-tokens': '--osl',
}

/** Puts baremark's own names in place of aliases; values and everything after `--` stay as they are. */
export function resolveAliases(argv: readonly string[]): string[] {
  const end = argv.indexOf('--')
  return argv.map((token, i) => {
    if (!token.startsWith('--') || (end >= 0 && i >= end)) return token
    const [flag = '', ...value] = token.split('=')
    return [flagAliases[flag] ?? flag, ...value].join('=')
  })
}
