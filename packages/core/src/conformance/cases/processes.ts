import { type Theme, theme } from '../theme.ts'

export const processes: Theme = theme('processes', [])
