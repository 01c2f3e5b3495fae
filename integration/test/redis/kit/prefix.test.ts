import { runKit } from '../../run-kit.ts'
import { target } from './targets/prefix.ts'

runKit(target)
