import { Command, CommanderError, InvalidArgumentError, Option } from 'commander'
import { OVERHEAD_GIB, USABLE_RATIO } from '../detect/fit/vram-fit.ts'
import { type ExitCode, exitCodes, systemErrorCode, UserError } from '../errors.ts'
import { apiNames } from '../load/api-names.ts'
import { packageVersion } from '../package-files.ts'
import type { Setting } from '../price/setting.ts'
import { plainText } from '../report/plain-text.ts'
import { resolveAliases } from './aliases.ts'
import type { Io } from './io.ts'
import { parseLimits } from './limit-text.ts'
import {
  parseCount,
  parseCounts,
  parsePort,
  parsePositive,
  parseQuestion,
  parseRates,
  parseRuns,
  parseSeconds,
  parseSeed,
  parseSetting,
  parseShare,
  parseSlo,
  parseUntil,
  parseWorkers,
} from './values.ts'

/**
 * The whole program: arguments and streams in, exit code out. Commands are loaded when they are
 * called, so that `--help` answers at once.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let exitCode: number = exitCodes.valid
  const program = createProgram(io, (code) => {
    exitCode = code
  })
  try {
    await program.parseAsync(resolveAliases(argv), { from: 'user' })
    return exitCode
  } catch (error) {
    return report(error, io)
  }
}

function report(error: unknown, io: Io): ExitCode {
  if (error instanceof CommanderError)
    return error.exitCode === 0 ? exitCodes.valid : exitCodes.usage
  if (error instanceof UserError) {
    io.stderr(`baremark: ${plainText(`${asSentence(error.message)} ${error.remedy}`)}\n`)
    return error.exitCode
  }
  if (['EMFILE', 'ENFILE'].includes(systemErrorCode(error) ?? '')) {
    io.stderr('baremark: This process may not open more files. Raise the limit with `ulimit -n`.\n')
    return exitCodes.setup
  }
  io.stderr(`${bugReport(error)}\n`)
  return exitCodes.bug
}

/** What we got wrong, with its stack. */
export function bugReport(error: unknown): string {
  const stack = error instanceof Error ? error.stack : String(error)
  return `baremark: a bug in baremark itself; please report it with these lines:\n${stack}`
}

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`
}

/** Has commander name the flag whose value a parser refuses. */
function value<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      if (error instanceof UserError)
        throw new InvalidArgumentError(`${error.message} ${error.remedy}`)
      throw error
    }
  }
}

type Done = (exitCode: number) => void

function createProgram(io: Io, done: Done): Command {
  const program = new Command('baremark')
    .description('Measures what an LLM inference server really delivers, and what that costs.')
    .version(packageVersion(), '--version')
    .exitOverride()
    .configureOutput({ writeOut: io.stdout, writeErr: io.stderr })
    .showHelpAfterError('(--help lists every flag)')
    .addHelpText('after', AFTER_HELP)
  addQuickstart(program, io, done)
  addRun(program, io, done)
  addSweep(program, io, done)
  addSlo(program, io, done)
  addDetect(program, io, done)
  addFit(program, io, done)
  addDoctor(program, io, done)
  addCapture(program, io, done)
  addIdentify(program, io, done)
  addPrice(program, io, done)
  addProcure(program, io, done)
  addImport(program, io, done)
  addMeter(program, io, done)
  addReport(program, io, done)
  addVerify(program, io, done)
  addCompare(program, io, done)
  addGate(program, io, done)
  addServe(program, io, done)
  addCalibrate(program, io, done)
  return program
}

const AFTER_HELP = `
Exit codes: 0 valid, 1 threshold or regression, 2 usage, 3 set-up, 4 measured but INVALID,
5 partial, 6 report not written, 70 a bug of baremark, 130 and 143 interrupted.`

function addRun(program: Command, io: Io, done: Done): void {
  const command = program
    .command('run')
    .description('Put a load on a server, measure it, price it and write a results directory')
    .argument('<benchmark>', 'YAML file that says what to run, such as benchmarks/chat-1k-1k.yaml')
    .option(
      '--concurrency <n,n,...>',
      'closed loop: users that each wait for their answer; a level each',
      value(parseCounts),
    )
    .option(
      '--request-rate <r,r,...>',
      'open loop: requests per second; a level each',
      value(parseRates),
    )
  addRepeatFlags(addMeasuringFlags(command)).action(async (file, flags) => {
    const { runCommand } = await import('./run.ts')
    done(await runCommand(file, flags, io))
  })
}

function addRepeatFlags(command: Command): Command {
  return command
    .option(
      '--runs <n>',
      'make the whole run so many times, each with a seed of its own, and report them as a group; with --until the most (default: 1, with --until 10)',
      value(parseRuns),
    )
    .option(
      '--until <width>',
      'add runs until the interval of output tokens/s at every level is within so much of the median, such as ci:2%',
      value(parseUntil),
    )
    .option(
      '--pause <time>',
      'leave the server alone for so long between two runs',
      value(parseSeconds),
      0,
    )
}

function addSweep(program: Command, io: Io, done: Done): void {
  const command = program
    .command('sweep')
    .description(
      'Measure how throughput and latency change with load, and mark the knee; levels are found by the run unless given',
    )
    .argument('<benchmark>', 'YAML file; its levels are not used, all else is')
    .option('--concurrency <n,n,...>', 'these numbers of users and no others', value(parseCounts))
    .option('--request-rate <r,r,...>', 'these rates and no others', value(parseRates))
  addRangeFlags(command)
    .option(
      '--from <load>',
      'users to begin with; or, with --to, the lowest rate',
      value(parsePositive),
    )
    .option(
      '--to <load>',
      'most users (512); or, with --from, the highest rate',
      value(parsePositive),
    )
    .option('--max-levels <n>', 'most levels of what is varied (12)', value(parseCount))
  addMeasuringFlags(command).action(async (file, flags) => {
    const { sweepCommand } = await import('./sweep.ts')
    done(await sweepCommand(file, flags, io))
  })
}

function addSlo(program: Command, io: Io, done: Done): void {
  const command = program
    .command('slo')
    .description('Find the highest load at which limits hold, confirm it, and price it')
    .argument('<benchmark>', 'YAML file; its levels are not used, all else is')
    .option(
      '--slo <limits>',
      'limits on percentiles in ms, such as "ttft p99 <= 2000, tpot p99 <= 200, goodput >= 0.95"',
      value(parseLimits),
    )
    .option(
      '--model-limits <name>',
      'limits published for a model, such as mlperf:llama3.1-8b/interactive',
    )
    .option('--concurrency <n>', 'vary users, beginning with so many', value(parseCounts))
    .option('--request-rate <r>', 'vary the rate, beginning with this one', value(parseRates))
  addRangeFlags(command)
    .option('--from <load>', 'lowest load that may be tried', value(parsePositive))
    .option('--to <load>', 'highest load that may be tried (512 users)', value(parsePositive))
    .option(
      '--resolution <ratio>',
      'how near the answer is to be narrowed (0.02 of a rate; users: one user)',
      value(parseShare),
    )
    .option('--confirm <n>', 'further looks at the load found', value(parseCount), 2)
    .option('--max-levels <n>', 'most levels in all (30)', value(parseCount))
  addMeasuringFlags(command).action(async (file, flags) => {
    const { sloCommand } = await import('./slo.ts')
    done(await sloCommand(file, flags, io))
  })
}

function addRangeFlags(command: Command): Command {
  return command.addOption(
    new Option('--over <axis>', "what to vary (default: what the file's load is)").choices([
      'users',
      'rates',
    ]),
  )
}

/** Everything about a measurement but its levels. */
function addMeasuringFlags(command: Command): Command {
  command
    .requiredOption('--url <url>', 'address of the server, such as http://127.0.0.1:8000')
    .addOption(
      new Option('--for <purpose>', 'publish: stricter limits, and nothing left unmeasured')
        .choices(['explore', 'publish'])
        .default('explore'),
    )
    .option('--audit-caching', 'ask afterwards whether the same prompt again is answered faster')
    .option('--no-audit-caching', 'do not, as is the default to explore')
    .option('--model <name>', 'model to ask for (default: the first the server offers)')
    .addOption(new Option('--api <api>', 'API to speak').choices(apiNames))
    .addOption(
      new Option('--arrivals <process>', 'open loop: how requests arrive').choices([
        'poisson',
        'constant',
        'gamma',
      ]),
    )
    .option(
      '--burstiness <shape>',
      'gamma arrivals: under 1 burstier than Poisson',
      value(parsePositive),
    )
    .option('--max-in-flight <n>', 'open loop: most requests at once', value(parseCount))
    .option(
      '--think-time <time>',
      'closed loop: pause before the next question',
      value(parseSeconds),
    )
    .option(
      '--duration <time>',
      'measured window of each level, such as 60s or 2m',
      value(parseSeconds),
    )
    .option('--requests <n>', 'requests in the measured window of each level', value(parseCount))
    .option('--warmup <time>', 'load before the window, not measured', value(parseSeconds))
    .option('--drain <time>', 'longest wait for answers after the window', value(parseSeconds))
    .option('--isl <tokens>', 'input length in tokens', value(parseCount))
    .option('--osl <tokens>', 'output length in tokens', value(parseCount))
    .option('--limit <n>', 'use so many requests of a dataset or trace', value(parseCount))
    .option(
      '--tokenizer <file>',
      "the model's tokenizer.json: prompts of exactly the tokens asked for",
    )
    .option(
      '--model-config <file>',
      "the model's config.json: how near memory and arithmetic units were to their peaks",
    )
    .option(
      '--goodput <slo>',
      'limits in ms, such as "ttft:500 tpot:50 e2el:5000"',
      value(parseSlo),
    )
    .option('--seed <n>', 'seed of prompts and arrivals', value(parseSeed))
    .option('--out <folder>', 'folder for results', 'results')
    .addOption(
      new Option('--weights <kind>', "declare the model's weights").choices(['random', 'trained']),
    )
    .option(
      '--api-key-env <name>',
      'environment variable that holds the API key',
      'BAREMARK_API_KEY',
    )
    .option('--api-key-file <file>', 'file that holds the API key; - for standard input')
    .option('--workers <n>', 'measuring threads (default: as the load needs)', value(parseWorkers))
    .option('--no-telemetry', 'do not watch GPUs, processors and power while load runs')
    .option(
      '--rest <time>',
      'leave the server alone for so long before and after the load, to know its idle power; 0 for not at all',
      value(parseSeconds),
      10,
    )
    .option('--ca <file>', 'certificate authorities in PEM')
    .option(
      '--certificate <file>',
      "instrument's certificate; none for none (default: the best that `baremark calibrate` kept)",
    )
    .option('--insecure', "do not verify the server's certificate; recorded in the result", false)
  return addPriceFlags(command)
}

function addPriceFlags(command: Command): Command {
  return command
    .option('--scenario <file>', 'assumptions about money (default: scenarios/default.yaml)')
    .option('--hardware <profile>', 'hardware profile to price (default: the one detected)')
    .option('--gpus <n>', 'GPUs that serve the model (default: all detected)', value(parseCount))
}

function addQuickstart(program: Command, io: Io, done: Done): void {
  program
    .command('quickstart')
    .description('Start a small real engine on this machine and run everything against it')
    .addOption(
      new Option(
        '--engine <engine>',
        'llama: llama.cpp with random weights; simulated: no model at all',
      )
        .choices(['llama', 'simulated'])
        .default('llama'),
    )
    .option('--duration <time>', 'measured window of each level', value(parseSeconds))
    .option('--out <folder>', 'folder for results', 'results')
    .option('--no-calibration', 'do not calibrate the instrument first')
    .action(async (flags) => {
      const { quickstartCommand } = await import('./quickstart.ts')
      done(await quickstartCommand(flags, io))
    })
}

function addDetect(program: Command, io: Io, done: Done): void {
  program
    .command('detect')
    .description('Show the GPUs and the machine around them, or what differs between two')
    .option('--json', 'print JSON', false)
    .option('--include-ids', 'tell UUIDs, serial numbers and host name, not their hashes', false)
    .option('--from <file>', "look at a capture or a tool's saved output, not at this machine")
    .option(
      '--diff <files...>',
      'compare two: files of detect --json, captures or results directories; exit code 1 when they differ',
    )
    .action(async (flags) => {
      const { detectCommand } = await import('./detect.ts')
      done(await detectCommand(flags, io))
    })
}

function addFit(program: Command, io: Io, done: Done): void {
  program
    .command('fit')
    .description('Tell how many sequences of a model fit into the memory of GPUs')
    .argument('[config]', "the model's config.json, as Hugging Face has it")
    .option('--gpus <n>', 'GPUs that split the model (default: 1, 2, 4, 8)', value(parseCount))
    .option(
      '--vram-gib <gib>',
      "memory of a GPU (default: this machine's GPUs)",
      value(parsePositive),
    )
    .option('--hardware <profile>', 'hardware profile whose memory to take')
    .option('--context <tokens>', 'length of a sequence, input and output', value(parseCount), 8192)
    .option('--kv-bytes <n>', 'bytes of a number in the KV cache', value(parsePositive), 2)
    .option('--weights-bytes <n>', 'bytes of a weight (default: as config)', value(parsePositive))
    .option('--memory-ratio <ratio>', 'share of the memory the server takes', ratio, USABLE_RATIO)
    .option(
      '--overhead-gib <gib>',
      'on each GPU, for other than weights and cache (assumed)',
      notNegative,
      OVERHEAD_GIB,
    )
    .option('--json', 'print JSON', false)
    .optionsGroup('In place of what config says, or without it:')
    .option('--parameters <n>', 'number of weights', value(parseCount))
    .option('--layers <n>', 'layers', value(parseCount))
    .option('--kv-heads <n>', 'heads of keys and values', value(parseCount))
    .option('--head-size <n>', 'numbers in a head', value(parseCount))
    .action(async (config, flags) => {
      const { fitCommand } = await import('./fit.ts')
      done(await fitCommand(config, flags, io))
    })
}

function addDoctor(program: Command, io: Io, done: Done): void {
  program
    .command('doctor')
    .description('Check what of this machine a run would suffer from, and say how to mend it')
    .option('--url <url>', 'server that will be measured; it is looked for on this machine')
    .option('--concurrency <n>', 'most connections that the load will open', value(parseCount))
    .option('--out <folder>', 'folder for results', 'results')
    .option('--json', 'print JSON', false)
    .action(async (flags) => {
      const { doctorCommand } = await import('./doctor.ts')
      done(await doctorCommand(flags, io))
    })
}

function addCapture(program: Command, io: Io, done: Done): void {
  program
    .command('capture')
    .description('Record all that detection asks of this machine, to find the same elsewhere')
    .option('--out <file>', 'file to write, which must not be there', 'baremark-capture.json')
    .option('--include-ids', 'leave UUIDs, serial numbers, addresses and names in it', false)
    .action(async (flags) => {
      const { captureCommand } = await import('./capture.ts')
      done(await captureCommand(flags, io))
    })
}

function addIdentify(program: Command, io: Io, done: Done): void {
  program
    .command('identify')
    .description(
      'Tell what kind of server answers at an address, by what proof, and how it was started',
    )
    .argument('<url>', 'base address of the server, such as http://127.0.0.1:8000')
    .option('--model <name>', 'model to tell about (default: the first offered)')
    .option(
      '--api-key-env <name>',
      'environment variable that holds the API key',
      'BAREMARK_API_KEY',
    )
    .option('--api-key-file <file>', 'file that holds the API key; - for standard input')
    .option('--ca <file>', 'certificate authorities in PEM')
    .option('--insecure', "do not verify the server's certificate", false)
    .option('--json', 'print JSON', false)
    .action(async (url, flags) => {
      const { identifyCommand } = await import('./identify.ts')
      done(await identifyCommand(url, flags, io))
    })
}

function addPrice(program: Command, io: Io, done: Done): void {
  const command = program
    .command('price')
    .description('Price what was measured, explain a price, or hold two against each other')
    .argument(
      '[run]',
      "results directory, the folder of a group of runs, summary.json, or another tool's result",
    )
    .option('--json', 'print JSON', false)
  addSet(addPriceFlags(command))
    .option(
      '--explain <path>',
      'one number of the report: its formula, what it is worked from, and their sources; all numbers below options.own',
    )
    .option('--depth <n>', 'how many steps down to explain', value(parseCount), 3)
    .option(
      '--solve <path=a:b>',
      'what one input would have to be for options a and b to cost the same, such as options.own.serverPriceUsd=own:api',
      value(parseQuestion),
    )
    .option(
      '--diff <files...>',
      'two scenarios on the run, or without a run two runs: what differs, and what that costs',
    )
    .option('--md', 'print a difference as Markdown', false)
    .option('--html', 'print the page with tables and charts', false)
    .option('--output <file>', 'write to a file instead of stdout')
    .option(
      '--with <runs...>',
      'runs of the same machine with loads of other shapes, to share the bill between kinds of tokens by regression',
    )
    .optionsGroup('Without a run:')
    .option('--throughput <tokens/s>', 'output tokens per second, as stated', positive)
    .option('--hourly <usd>', 'what an hour of it costs, USD', notNegative)
    .option('--input-throughput <tokens/s>', 'input tokens per second beside them', positive)
    .option('--utilisation <ratio>', 'share of the throughput that is used (default: 1)', ratio)
    .action(async (run, flags) => {
      const { priceCommand } = await import('./price.ts')
      done(await priceCommand(run, flags, io))
    })
}

function addProcure(program: Command, io: Io, done: Done): void {
  const command = program
    .command('procure')
    .description('Hold machines that were measured against one demand: what each takes to carry it')
    .argument(
      '<runs...>',
      "a measurement for each machine: results directory, the folder of a group of runs, or another tool's result; RUN@PROFILE:GPUS names the machine where it was not seen",
    )
    .requiredOption('--scenario <file>', 'the demand, in tokens a day, and assumptions about money')
    .option('--option <id>', 'option that says how a machine is bought (default: the first)')
    .option('--force', 'take measurements of different things, and say so first', false)
    .option('--json', 'print JSON', false)
    .option('--md', 'print Markdown', false)
  addSet(command).action(async (runs, flags) => {
    const { procureCommand } = await import('./procure.ts')
    done(await procureCommand(runs, flags, io))
  })
}

/** May be given many times. */
function addSet(command: Command): Command {
  return command.option(
    '--set <path=value>',
    'a value in place of the one in the scenario or the catalogue, such as options.own.lifeYears=4; many times',
    (text: string, before: Setting[] = []) => [...before, value(parseSetting)(text)],
  )
}

function addImport(program: Command, io: Io, done: Done): void {
  program
    .command('import')
    .description(
      "Read another tool's result: vLLM, SGLang, AIPerf, GuideLLM, llama-bench and others",
    )
    .argument('<path>', 'file, or folder of a sweep')
    .option('--json', 'print JSON', false)
    .action(async (path, flags) => {
      const { importCommand } = await import('./import.ts')
      done(await importCommand(path, flags, io))
    })
}

function addMeter(program: Command, io: Io, done: Done): void {
  program
    .command('meter')
    .description("Put a power meter's log beside a run, and write its reports again with it")
    .argument('<run>', 'results directory')
    .argument('<file>', 'CSV with a column of times and one of watts, or a PTDaemon log')
    .option(
      '--meter-offset <ms>',
      "how far the meter's clock is behind the machine's",
      anyNumber,
      0,
    )
    .option('--utc-offset <minutes>', 'of a log in local time: 60 for UTC+1', anyNumber)
    .action(async (run, file, flags) => {
      const { meterCommand } = await import('./meter.ts')
      done(await meterCommand(run, file, flags, io))
    })
}

function addReport(program: Command, io: Io, done: Done): void {
  program
    .command('report')
    .description('Make a report of a finished run again, from its raw records')
    .argument('<run>', 'results directory, or the folder of a group of runs')
    .option('--format <format>', 'text, md, csv, json or html', 'text')
    .option(
      '--as <tool>',
      'figures by the definitions of vllm, aiperf, guidellm, sglang, mlperf, mlperf-endpoints or inference-perf, ours beside them (text, md or json)',
    )
    .option(
      '--at <place>',
      'throughput on the front at "60 tok/s/user" or "TTFT p95 300 ms", also between levels (text or json)',
    )
    .option(
      '--model-config <file>',
      "the model's config.json, where the run had none: how near memory and arithmetic units were to their peaks",
    )
    .option('--output <file>', 'write to a file instead of stdout')
    .action(async (run, flags) => {
      const { reportCommand } = await import('./report.ts')
      done(await reportCommand(run, flags, io))
    })
}

function addVerify(program: Command, io: Io, done: Done): void {
  program
    .command('verify')
    .description(
      'Check that a results directory is unchanged and its figures follow from its records',
    )
    .argument('<run>', 'results directory, or the folder of a group of runs')
    .action(async (run) => {
      const { verifyCommand } = await import('./verify.ts')
      done(await verifyCommand(run, io))
    })
}

function addCompare(program: Command, io: Io, done: Done): void {
  program
    .command('compare')
    .description(
      'Hold runs against each other: what differs, by how much, and whether it is chance',
    )
    .argument(
      '[sides...]',
      "results directories, summaries or other tools' result files; several runs of one side with commas: A1,A2,A3 B1,B2,B3, or the folder of a group of runs. The first side is what the others are held against",
    )
    .option(
      '--aa <runs>',
      'runs of one thing, or results of one tool, with commas, or a group of runs: how much they differ by chance alone',
    )
    .option('--force', 'compare what measures different things, and say so first', false)
    .option('--json', 'print JSON', false)
    .option('--md', 'print Markdown', false)
    .action(async (sides, flags) => {
      const { compareCommand } = await import('./compare.ts')
      done(await compareCommand(sides, flags, io))
    })
}

function addGate(program: Command, io: Io, done: Done): void {
  program
    .command('gate')
    .description('Let a run pass or not: exit code 1 where it is worse than a policy allows')
    .argument('<run>', 'results directory; several runs of the same with commas, or a group')
    .requiredOption('--baseline <runs>', 'results directories to hold it against, with commas')
    .requiredOption('--policy <file>', 'YAML file of what may be how much worse')
    .option('--json', 'print JSON', false)
    .option('--md', 'print Markdown', false)
    .addHelpText(
      'after',
      `
Exit codes: 0 pass, 1 regression, 2 usage, or the runs cannot tell what the policy asks,
4 a run is INVALID.`,
    )
    .action(async (run, flags) => {
      const { gateCommand } = await import('./gate.ts')
      done(await gateCommand(run, flags, io))
    })
}

function addServe(program: Command, io: Io, done: Done): void {
  const command = program
    .command('serve')
    .description(
      'Serve a small engine on loopback, OpenAI-compatible, to have something to measure',
    )
    .addOption(
      new Option(
        '--engine <engine>',
        'llama: llama.cpp with random weights; simulated: no model at all',
      )
        .choices(['llama', 'simulated'])
        .default('llama'),
    )
    .option('--simulate', 'the same as --engine simulated')
    .option('--port <port>', 'port to listen on; 0 takes a free one', value(parsePort), 8000)
    .option('--slots <n>', 'requests worked on at once', value(parseCount))
    .option('--stamps <file>', 'write what was really sent, and when: a JSON line a request')
    .option('--max-waiting <n>', 'refuse what comes while so many wait for a slot', wholeNumber)
    .option('--overload-status <status>', 'refuse with 429 (default) or 503', overloadStatus)
    .option('--faults <file>', 'faults to commit, as docs/reference-server.md lists them')
    .option('--until-stdin-ends', 'stop when standard input ends', false)
  addLawFlags(command).action(async (flags) => {
    const { serveCommand, serveOptions } = await import('./serve.ts')
    const streams = {
      stdout: { write: io.stdout },
      stderr: { write: io.stderr },
      signal: io.signal,
    }
    done(await serveCommand(serveOptions(flags), streams))
  })
}

/** How long the simulated engine takes. */
function addLawFlags(command: Command): Command {
  return command
    .optionsGroup('Only with --engine simulated:')
    .option('--prefill-tokens-per-s <rate>', 'speed of reading prompts', positive)
    .option('--decode-base-ms <ms>', 'time of a step that gives each answer a token', notNegative)
    .option('--decode-per-sequence-ms <ms>', 'and as much more for each answer', notNegative)
    .option('--jitter <ratio>', 'each step takes up to this share more or less', notNegative)
    .option('--tokens-per-chunk <n>', 'tokens handed out at a time', value(parseCount))
    .option('--seed <n>', 'seed of the jitter', value(parseSeed))
    .option('--spread', 'spread the tokens of a step over it, not all at its end')
    .option(
      '--slow-start-s <time>',
      'slower for this long after its first work',
      value(parseSeconds),
    )
    .option('--slow-start-factor <factor>', 'how many times slower (default: 2)', positive)
    .option(
      '--drift-after-s <time>',
      'grows slower from this long after its first work on',
      value(parseSeconds),
    )
    .option('--drift-per-s <ratio>', 'by this share of its time at first, each second', notNegative)
    .option('--prefix-cache', "a prompt's beginning that was seen before takes no time")
    .option(
      '--kv-tokens <n>',
      'tokens that fit at once; requests wait when full',
      value(parseCount),
    )
}

const positive = numberFrom((given) => given > 0, 'a number over 0')
const notNegative = numberFrom((given) => given >= 0, 'a number of at least 0')

const anyNumber = numberFrom(() => true, 'a number')

const ratio = numberFrom((given) => given > 0 && given <= 1, 'a number over 0 and up to 1')

const wholeNumber = numberFrom((given) => Number.isInteger(given) && given >= 0, 'a whole number')

function overloadStatus(text: string): 429 | 503 {
  if (text === '429') return 429
  if (text === '503') return 503
  throw new InvalidArgumentError(`"${text}" is neither 429 nor 503.`)
}

function numberFrom(allowed: (given: number) => boolean, expected: string) {
  return (text: string): number => {
    const given = Number(text)
    if (text.trim() !== '' && Number.isFinite(given) && allowed(given)) return given
    throw new InvalidArgumentError(`"${text}" is not ${expected}.`)
  }
}

function addCalibrate(program: Command, io: Io, done: Done): void {
  program
    .command('calibrate')
    .description('Measure the instrument itself, against a server that knows what it sent and when')
    .option(
      '--concurrency <n,n,...>',
      'closed loop: streams at once; a level each (default: 1,16,64,256)',
      value(parseCounts),
    )
    .option(
      '--request-rate <r,r,...>',
      'open loop: requests per second; a level each, also as --rate',
      value(parseRates),
    )
    .option('--chunks-per-s <rate>', 'chunks per second of each stream', positive, 50)
    .option('--duration <time>', 'measured window of each level', value(parseSeconds), 5)
    .option('--workers <n>', 'measuring threads (default: as the load needs)', value(parseWorkers))
    .option('--bursts', 'send the chunks of all streams at one moment, not spread', false)
    .option('--out <file>', 'the certificate, beside the one that is kept for runs')
    .option('--json', 'print JSON', false)
    .action(async (flags) => {
      const { calibrateCommand } = await import('./calibrate.ts')
      done(await calibrateCommand(flags, io))
    })
}
