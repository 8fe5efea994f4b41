/**
 * Every colour of charts and page, for light and for dark. Charts are drawn in the light ones; a
 * page recolours them through CSS, which finds them by their value, so no two may be equal.
 */
export const palette = {
  ink: { light: '#1f2933', dark: '#e6eaef' },
  muted: { light: '#52606d', dark: '#a3afbd' },
  grid: { light: '#e4e7eb', dark: '#333e4b' },
  card: { light: '#ffffff', dark: '#1b222c' },
  blue: { light: '#2563eb', dark: '#7aa7ff' },
  navy: { light: '#1e3a8a', dark: '#b9ceff' },
  sky: { light: '#4f8ef7', dark: '#4c86e8' },
  red: { light: '#c81e1e', dark: '#ff8a80' },
} as const

export type Colour = keyof typeof palette
