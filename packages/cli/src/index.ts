export { type Ending, EXIT } from './exit.ts'
export { main } from './main.ts'
export type { Output } from './output.ts'
