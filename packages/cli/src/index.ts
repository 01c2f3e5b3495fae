export { EXIT, type Ending } from './exit.ts'
export { main, type Output } from './main.ts'
