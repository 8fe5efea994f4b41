import { UserError } from '../errors.ts'
import type { Slo } from '../load/benchmark.ts'
import type { FrontierAxis } from '../measure/frontier.ts'
import type { Setting } from '../price/setting.ts'

const SECONDS: Readonly<Record<string, number>> = { ms: 0.001, s: 1, m: 60, min: 60, h: 3600 }

/** `60s`, `2m`, `500ms`, `1h` or plain seconds. @throws UserError */
export function parseSeconds(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)\s*(ms|s|m|min|h)?$/.exec(text.trim()) ?? []
  if (digits === undefined) throw refuse(text, 'a duration such as 60s, 2m or 500ms')
  return Number(digits) * (SECONDS[unit ?? 's'] ?? 1)
}

/** A whole number of at least 1. @throws UserError */
export function parseCount(text: string): number {
  if (!/^\d+$/.test(text.trim()) || Number(text) < 1)
    throw refuse(text, 'a whole number of at least 1')
  return Number(text)
}

const MAX_WORKERS = 64

/** A number of threads. @throws UserError */
export function parseWorkers(text: string): number {
  const workers = parseCount(text)
  if (workers > MAX_WORKERS) throw refuse(text, `a number of threads up to ${MAX_WORKERS}`)
  return workers
}

/** `1,2,4,8`. @throws UserError */
export function parseCounts(text: string): number[] {
  return parts(text).map(parseCount)
}

/** Positive numbers, comma-separated. @throws UserError */
export function parseRates(text: string): number[] {
  return parts(text).map((part) => {
    if (/^inf(inity)?$/i.test(part)) {
      throw new UserError('An infinite rate is no timetable.', {
        remedy: 'Use --concurrency to keep a number of requests in flight.',
      })
    }
    const rate = Number(part)
    if (!(rate > 0) || !Number.isFinite(rate)) throw refuse(part, 'requests per second over 0')
    return rate
  })
}

/** A number over 0. @throws UserError */
export function parsePositive(text: string): number {
  const number = Number(text)
  if (text.trim() === '' || !(number > 0) || !Number.isFinite(number))
    throw refuse(text, 'a number over 0')
  return number
}

/** A ratio above 0 and under 1, or per cent with their sign. @throws UserError */
export function parseShare(text: string): number {
  const [, digits = '', percent] = /^(\d*\.?\d+)\s*(%)?$/.exec(text.trim()) ?? []
  const share = Number(digits) / (percent === undefined ? 1 : 100)
  if (!(digits !== '' && share > 0 && share < 1)) throw refuse(text, 'a share between 0 and 1')
  return share
}

/** A port; 0 is any free one. @throws UserError */
export function parsePort(text: string): number {
  if (!/^\d{1,5}$/.test(text) || Number(text) > 65_535) throw refuse(text, 'a port from 0 to 65535')
  return Number(text)
}

/** A whole number. @throws UserError */
export function parseSeed(text: string): number {
  if (!/^-?\d+$/.test(text.trim())) throw refuse(text, 'a whole number')
  return Number(text)
}

/** Runs of one thing take long; more than this are a mistake. */
const MAX_RUNS = 100

/** How many times to run. @throws UserError */
export function parseRuns(text: string): number {
  const runs = parseCount(text)
  if (runs > MAX_RUNS) throw refuse(text, `a number of runs up to ${MAX_RUNS}`)
  return runs
}

/** `ci:2%`: how far an interval may reach from its median, as a share of it. @throws UserError */
export function parseUntil(text: string): number {
  const [, percent] = /^ci:(\d+(?:\.\d+)?)\s*%$/.exec(text.trim()) ?? []
  const width = Number(percent) / 100
  if (!(width > 0 && width < 1)) throw refuse(text, 'a width such as ci:2%')
  return width
}

/** `options.own.lifeYears=4`. @throws UserError */
export function parseSetting(text: string): Setting {
  const [, path, given] = /^\s*([^=\s]+)\s*=\s*(.+?)\s*$/.exec(text) ?? []
  if (path === undefined || given === undefined)
    throw refuse(text, 'PATH=VALUE, such as options.own.lifeYears=4')
  return { path, text: given }
}

/** An input, and two options that it may make cost the same. */
export interface Question {
  readonly path: string
  readonly optionA: string
  readonly optionB: string
}

/** `options.own.serverPriceUsd=own:api`. @throws UserError */
export function parseQuestion(text: string): Question {
  const [, path, optionA, optionB] = /^([^=\s]+)=([^:\s]+):([^:\s]+)$/.exec(text.trim()) ?? []
  if (path === undefined || optionA === undefined || optionB === undefined)
    throw refuse(text, 'PATH=A:B, such as options.own.serverPriceUsd=own:api')
  return { path, optionA, optionB }
}

const sloNames: Readonly<Record<string, keyof Slo>> = {
  ttft: 'ttftMs',
  time_to_first_token: 'ttftMs',
  tpot: 'tpotMs',
  itl: 'tpotMs',
  inter_token_latency: 'tpotMs',
  e2el: 'latencyMs',
  latency: 'latencyMs',
  request_latency: 'latencyMs',
}

/** `ttft:200 tpot:50 e2el:5000`, limits in ms. @throws UserError */
export function parseSlo(text: string): Slo {
  const slo: Slo = {}
  for (const part of text.trim().split(/[\s,]+/)) {
    const [name = '', limit = ''] = part.split(':')
    const key = sloNames[name.toLowerCase()]
    const ms = Number(limit)
    if (key === undefined || !(ms > 0))
      throw refuse(part, 'NAME:MS with a NAME of ttft, tpot or e2el')
    slo[key] = ms
  }
  return slo
}

/** `60 tok/s/user`, or `TTFT p95 300 ms`: where a front is to be read. @throws UserError */
export function parsePlace(text: string): { readonly axis: FrontierAxis; readonly at: number } {
  const [, speed] = /^(\d+(?:\.\d+)?)\s*tok\/s\/user$/i.exec(text.trim()) ?? []
  if (speed !== undefined) return { axis: { kind: 'interactivity' }, at: Number(speed) }
  const [, name, percentile, ms] =
    /^(ttft|tpot)\s+(p50|p90|p95|p99)\s+(\d+(?:\.\d+)?)\s*ms$/i.exec(text.trim()) ?? []
  if (name === undefined) throw refuse(text, 'a place such as "60 tok/s/user" or "TTFT p95 300 ms"')
  const axis: FrontierAxis = {
    kind: 'latency',
    metric: name.toLowerCase() === 'ttft' ? 'ttftMs' : 'tpotMs',
    percentile: percentile?.toLowerCase() as 'p50' | 'p90' | 'p95' | 'p99',
  }
  return { axis, at: Number(ms) }
}

function parts(text: string): string[] {
  return text.split(',').map((part) => part.trim())
}

function refuse(given: string, expected: string): UserError {
  return new UserError(`"${given}" is not ${expected}.`, { remedy: 'Correct the value.' })
}
