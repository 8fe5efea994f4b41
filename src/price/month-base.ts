/**
 * Hours in a month, by the base that a source counts with. They are 1.4 % apart, and publications mix
 * them: Lenovo LP2225 (2025) breaks even in 720 h months, LP2368 (2026) in 730 h ones but bills
 * colocation by 720 h; induwara.lk takes 24 x 30.4 h. Ours is 730 h, a twelfth of 8,760.
 */
export const hoursPerMonth = { '720 h': 720, '729.6 h': 729.6, '730 h': 730 } as const

export type MonthBase = keyof typeof hoursPerMonth
