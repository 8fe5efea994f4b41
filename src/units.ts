/** Conversions. Each name states both sides; nothing else in the code writes a bare 1000. */
export const MS_PER_S = 1000
export const US_PER_MS = 1000
export const NS_PER_MS = 1_000_000
export const S_PER_HOUR = 3600
export const HOURS_PER_DAY = 24
/** 365 days. A month is a twelfth of it, 730 h, so that twelve months are one year. */
export const HOURS_PER_YEAR = 8760
export const S_PER_YEAR = 31_536_000
export const MONTHS_PER_YEAR = 12
export const DAYS_PER_YEAR = 365
export const W_PER_KW = 1000
export const TOKENS_PER_MILLION = 1_000_000
export const MIB_PER_GIB = 1024
export const BYTES_PER_KIB = 1024
export const BYTES_PER_MIB = 1_048_576
export const BYTES_PER_GIB = 1_073_741_824
