export { type Ending, EXIT } from './exit.ts'
export { main, type Output } from './main.ts'
