import type { Answer } from '../get.ts'
import type { Told } from '../server-identity.ts'

/** What the server answered, by path. A path that was not asked, or did not answer, is absent. */
export type Answers = ReadonlyMap<string, Answer>

type Json = Readonly<Record<string, unknown>>

/** The body of a 200. */
export function textAt(answers: Answers, path: string): string | undefined {
  const answer = answers.get(path)
  return answer?.status === 200 ? answer.body : undefined
}

/** The JSON of a 200; unknown when it is none. */
export function jsonAt(answers: Answers, path: string): unknown {
  const text = textAt(answers, path)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** The JSON object of a 200. */
export function objectAt(answers: Answers, path: string): Json | undefined {
  return asObject(jsonAt(answers, path))
}

/** A value that is an object, and no list. */
export function asObject(value: unknown): Json | undefined {
  const object = typeof value === 'object' && value !== null && !Array.isArray(value)
  return object ? (value as Json) : undefined
}

/** The objects of a list; none when it is no list. */
export function objectsOf(value: unknown): Json[] {
  if (!Array.isArray(value)) return []
  return value.map(asObject).filter((item) => item !== undefined)
}

/** A text of use: not empty, and not longer than any name is. */
export function asText(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 1_000 ? value : undefined
}

/** A whole number of at least `least`; also as text, as in labels of metrics. */
export function asCount(value: unknown, least = 1): number | undefined {
  const number = typeof value === 'string' && value !== '' ? Number(value) : value
  return Number.isSafeInteger(number) && Number(number) >= least ? Number(number) : undefined
}

/** A truth value; also as Python prints it. */
export function asTruth(value: unknown): boolean | undefined {
  if (value === true || value === 'True' || value === 'true') return true
  return value === false || value === 'False' || value === 'false' ? false : undefined
}

/** A fact with its source; absent when there is none. */
export function told<T>(value: T | undefined, source: string): Told<T> | undefined {
  return value === undefined ? undefined : { value, source }
}

/** Reads fields of one object, each with the endpoint and its name as the source. */
export function fieldsOf(object: Json | undefined, endpoint: string) {
  const from = <T>(read: (value: unknown) => T | undefined) => {
    return (field: string): Told<T> | undefined =>
      told(read(object?.[field]), `${endpoint} ${field}`)
  }
  return { text: from(asText), count: from((value) => asCount(value)), truth: from(asTruth) }
}

/** The models that OpenAI's list holds. */
export function offeredModels(answers: Answers): (Json & { readonly id: string })[] {
  const listed = objectsOf(objectAt(answers, modelsPath)?.data)
  return listed.filter((offer): offer is Json & { id: string } => typeof offer.id === 'string')
}

/** The model as OpenAI's list has it. */
export function offerOf(answers: Answers, model: string | undefined): Json | undefined {
  return offeredModels(answers).find(({ id }) => id === model)
}

export const modelsPath = '/v1/models'
/** SGLang's configuration, and vLLM's in its developer mode: as JSON where the version can. */
export const serverInfoPath = '/server_info?config_format=json'
