import { amd } from './amd.ts'
import { apple } from './apple.ts'
import { intel } from './intel.ts'
import { withJetson } from './jetson.ts'
import { nvidia } from './nvidia.ts'
import type { Vendor } from './vendor.ts'

/** Every vendor that is asked, at the same time. */
export const vendors: readonly Vendor[] = [withJetson(nvidia), amd, intel, apple]
