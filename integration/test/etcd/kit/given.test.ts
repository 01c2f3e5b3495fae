import { runKit } from './run-kit.ts'
import { target } from './targets/given.ts'

runKit(target)
