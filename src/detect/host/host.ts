import { type Host, hostOf } from '../host-fields.ts'
import type { Machine } from '../machine.ts'
import { linuxHost } from './host-linux.ts'
import { macHost } from './host-mac.ts'
import { type HostAnswers, inTime } from './host-reading.ts'
import { windowsHost } from './host-windows.ts'

const platforms: Partial<Record<NodeJS.Platform, (machine: Machine) => HostAnswers>> = {
  linux: linuxHost,
  darwin: macHost,
  win32: windowsHost,
}

/**
 * The machine around the accelerators. All is asked at once, and the answer is there in about 2 s;
 * what a source cannot say, or says too late, is absent with the reason.
 */
export async function readHost(machine: Machine): Promise<Host> {
  const answers = platforms[machine.platform]?.(machine) ?? {}
  const otherwise = { reason: `not read on ${machine.platform}`, source: 'none' }
  return hostOf(await inTime(answers), otherwise)
}
