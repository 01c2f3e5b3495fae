import { runKit } from '../../run-kit.ts'
import { target } from './targets/single.ts'

runKit(target)
