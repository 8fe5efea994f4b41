import { nvidia } from './nvidia.ts'
import type { Vendor } from './vendor.ts'

/** Every vendor that is asked, at the same time. */
export const vendors: readonly Vendor[] = [nvidia]
