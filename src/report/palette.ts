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
  amber: { light: '#b45309', dark: '#f2a65a' },
  teal: { light: '#0f766e', dark: '#4fd1c5' },
  violet: { light: '#7c3aed', dark: '#b79bff' },
  rose: { light: '#be185d', dark: '#ff8fc0' },
  olive: { light: '#5f6f0a', dark: '#c3d15c' },
  brown: { light: '#8a5a44', dark: '#d9a98c' },
  red: { light: '#c81e1e', dark: '#ff8a80' },
} as const

export type Colour = keyof typeof palette
