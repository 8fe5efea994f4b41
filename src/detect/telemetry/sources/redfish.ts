import type { IncomingMessage } from 'node:http'
import { messageOf } from '../../../errors.ts'
import { inside, jsonOf, numberOf } from '../printing-tool.ts'
import { pollSlowly } from '../slow-polling.ts'
import type { OpenSource, SamplerWorld, TelemetrySource } from '../source.ts'

const PERIOD_MS = 1000
const TIMEOUT_MS = 4_000
const MAX_BODY_BYTES = 2_000_000
/** Chassis that are no machine: parts of one, whose power is in the whole's, or what holds many. */
const PARTS = [
  'Module',
  'Component',
  'Card',
  'Cartridge',
  'Row',
  'Pod',
  'Zone',
  'Rack',
  'Shelf',
  'Drawer',
]

/**
 * The whole machine's power, by its management controller over Redfish. Nothing else of ours speaks to
 * any host but the target; this one is the user's own, is asked only where they name it, and is told
 * nothing but who asks. Name and password come from the environment and are written nowhere; neither is
 * the controller's address.
 */
export const redfish: TelemetrySource = { name: 'redfish', open: openRedfish }

interface Controller {
  readonly base: URL
  readonly authorization?: string
  /** These controllers sign their own certificates. */
  readonly insecure: boolean
}

/** Where a machine's power stands and how it is read. */
interface PowerPlace {
  readonly path: string
  readonly powerW: (json: unknown) => number | undefined
  readonly what: string
  /** Power supplies are asked one by one. */
  readonly others?: readonly string[]
}

async function openRedfish(world: SamplerWorld): Promise<OpenSource | { readonly none: string }> {
  const controller = controllerOf(world.env)
  if ('none' in controller) return controller
  const connection = await openConnection(controller)
  try {
    const found = await findPower(connection.json)
    if (found === undefined) {
      connection.close()
      return { none: 'the controller tells the power of no chassis' }
    }
    const ask = async () => ({ powerAverageW: await askPower(connection.json, found) })
    const polling = pollSlowly(world, PERIOD_MS, ask)
    return {
      devices: [
        {
          id: 'redfish',
          scope: 'node',
          source: `redfish ${found.path}`,
          name: 'Whole machine, by its management controller',
          periodMs: PERIOD_MS,
          lacks: lacksOf(found, await connection.json(found.path), controller),
        },
      ],
      look: polling.look,
      close: async () => {
        await polling.close()
        connection.close()
      },
    }
  } catch (error) {
    connection.close()
    return { none: messageOf(error) }
  }
}

function controllerOf(env: SamplerWorld['env']): Controller | { readonly none: string } {
  const address = env.BAREMARK_REDFISH_URL
  if (!address) return { none: 'not asked for: set BAREMARK_REDFISH_URL, _USER and _PASSWORD' }
  const base = URL.canParse(address) ? new URL(address) : undefined
  if (base === undefined || !/^https?:$/.test(base.protocol)) {
    return { none: 'BAREMARK_REDFISH_URL is no http(s) address, e.g. https://10.0.0.2' }
  }
  if (base.username !== '' || base.password !== '') {
    return {
      none: 'BAREMARK_REDFISH_URL holds a name or password: put them in _USER and _PASSWORD',
    }
  }
  const { BAREMARK_REDFISH_USER: user, BAREMARK_REDFISH_PASSWORD: password = '' } = env
  const secret = Buffer.from(`${user}:${password}`).toString('base64')
  return {
    base,
    ...(user && { authorization: `Basic ${secret}` }),
    insecure: env.BAREMARK_REDFISH_INSECURE === '1',
  }
}

function lacksOf(place: PowerPlace, json: unknown, controller: Controller): readonly string[] {
  const minutes = numberOf(inside(json, 'PowerControl', '0', 'PowerMetrics', 'IntervalInMin'))
  const statistics = minutes === undefined ? '' : `; its own statistics are over ${minutes} min`
  const isPlain = controller.base.protocol === 'http:'
  return [
    'energy counter: none is read',
    `over how long ${place.what} is averaged: the controller does not say${statistics}`,
    ...(controller.insecure
      ? ['proof that the controller is the right one: its certificate is not checked']
      : []),
    ...(isPlain ? ['secrecy: name and password go over plain http'] : []),
  ]
}

type GetJson = (path: string) => Promise<unknown>

/**
 * The first chassis that is a whole machine and tells its power, in one of three ways. One after the
 * other: a big machine has dozens, and a controller is a slow computer.
 */
async function findPower(get: GetJson): Promise<PowerPlace | undefined> {
  const withoutSystem: unknown[] = []
  for (const path of await membersOf(get, '/redfish/v1/Chassis')) {
    const chassis = await get(path)
    if (PARTS.includes(String(inside(chassis, 'ChassisType')))) continue
    const hasSystem = linksOf(inside(chassis, 'Links', 'ComputerSystems')).length > 0
    const place = hasSystem ? await placeIn(get, chassis) : undefined
    if (place !== undefined) return place
    if (!hasSystem) withoutSystem.push(chassis)
  }
  for (const chassis of withoutSystem) {
    const place = await placeIn(get, chassis)
    if (place !== undefined) return place
  }
  return undefined
}

async function placeIn(get: GetJson, chassis: unknown): Promise<PowerPlace | undefined> {
  for (const place of placesIn(chassis)) {
    const filled = place.others ? await withSupplies(get, place) : place
    const power = filled && (await askPower(get, filled).catch(() => undefined))
    if (power !== undefined) return filled
  }
  return undefined
}

function placesIn(chassis: unknown): readonly PowerPlace[] {
  const at = (name: string) => pathOf(inside(chassis, name))
  const [power, environment, subsystem] = [
    at('Power'),
    at('EnvironmentMetrics'),
    at('PowerSubsystem'),
  ]
  return [
    power ? [{ path: power, powerW: consumedW, what: 'PowerConsumedWatts' }] : [],
    environment ? [{ path: environment, powerW: environmentW, what: 'PowerWatts' }] : [],
    subsystem
      ? [{ path: subsystem, powerW: inputW, what: 'the supplies’ InputPowerWatts', others: [] }]
      : [],
  ].flat()
}

/** The supplies under a power subsystem; nothing where it has none. */
async function withSupplies(get: GetJson, place: PowerPlace): Promise<PowerPlace | undefined> {
  const list = pathOf(inside(await get(place.path), 'PowerSupplies'))
  if (list === undefined) return undefined
  const supplies = await Promise.all((await membersOf(get, list)).map(get))
  const metrics = supplies.map((supply) => pathOf(inside(supply, 'Metrics')))
  const [first, ...others] = metrics.filter((path) => path !== undefined)
  // A supply that does not tell would be missing from the sum.
  if (first === undefined || others.length + 1 < supplies.length) return undefined
  return { ...place, path: first, others }
}

async function askPower(
  get: GetJson,
  { path, powerW, what, others = [] }: PowerPlace,
): Promise<number> {
  const answers = await Promise.all([path, ...others].map(get))
  const powers = answers.map(powerW)
  const known = powers.filter((power) => power !== undefined)
  const sum = known.reduce((total, power) => total + power, 0)
  if (known.length < powers.length || sum === 0)
    throw new Error(`the controller tells no ${what} now`)
  return sum
}

/**
 * Of several controls the machine's own, which comes first or says so in its name; others are parts of it.
 */
export function consumedW(json: unknown): number | undefined {
  const controls = inside(json, 'PowerControl')
  const list: readonly unknown[] = Array.isArray(controls) ? controls : []
  const system = list.find((control) =>
    /system|server|chassis/i.test(String(inside(control, 'Name'))),
  )
  return numberOf(inside(system ?? list[0], 'PowerConsumedWatts'))
}

/** `EnvironmentMetrics`. */
const environmentW = (json: unknown): number | undefined =>
  numberOf(inside(json, 'PowerWatts', 'Reading'))

/** One supply's `Metrics`. */
export const inputW = (json: unknown): number | undefined =>
  numberOf(inside(json, 'InputPowerWatts', 'Reading'))

async function membersOf(get: GetJson, path: string): Promise<readonly string[]> {
  return linksOf(inside(await get(path), 'Members'))
}

function linksOf(list: unknown): readonly string[] {
  return (Array.isArray(list) ? list : []).flatMap((link) => pathOf(link) ?? [])
}

/** Only a path: an address elsewhere would be sent the password. */
function pathOf(link: unknown): string | undefined {
  const path = inside(link, '@odata.id')
  return typeof path === 'string' && /^\/(?!\/)/.test(path) ? path : undefined
}

/** One connection that is kept: a new one costs such a controller up to a second of its processor. */
async function openConnection(
  controller: Controller,
): Promise<{ readonly json: GetJson; readonly close: () => void }> {
  const { request, Agent } = await (controller.base.protocol === 'https:'
    ? import('node:https')
    : import('node:http'))
  const agent = new Agent({
    keepAlive: true,
    maxSockets: 1,
    ...(controller.insecure && { rejectUnauthorized: false }),
  })
  const headers = {
    accept: 'application/json',
    ...(controller.authorization && { authorization: controller.authorization }),
  }
  const json = (path: string) =>
    new Promise<unknown>((resolve, reject) => {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const sent = request(new URL(path, controller.base), { agent, headers, signal }, (answer) => {
        collect(answer).then(resolve, reject)
      })
      sent.on('error', (error) => reject(new Error(explainFailure(error))))
      sent.end()
    })
  return { json, close: () => agent.destroy() }
}

/** Without the address: what is said here is written into the recording. */
function explainFailure(error: Error & { readonly code?: string }): string {
  const code = error.code ?? ''
  if (/CERT|SELF_SIGNED|ALTNAME|VERIFY/.test(code)) {
    return `the controller's certificate cannot be checked (${code}): set BAREMARK_REDFISH_INSECURE=1 to trust it unchecked`
  }
  return `the controller cannot be reached (${code || error.name})`
}

async function collect(answer: IncomingMessage): Promise<unknown> {
  const { statusCode = 0 } = answer
  if (statusCode === 401 || statusCode === 403) {
    answer.resume()
    throw new Error(`the controller refuses BAREMARK_REDFISH_USER (HTTP ${statusCode})`)
  }
  if (statusCode !== 200) {
    answer.resume()
    throw new Error(`the controller answers HTTP ${statusCode}`)
  }
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > MAX_BODY_BYTES) throw new Error('the controller answers without end')
    chunks.push(chunk)
  }
  const json = jsonOf(Buffer.concat(chunks).toString('utf8'))
  if (json === undefined) throw new Error('the controller answers something that is no JSON')
  return json
}
