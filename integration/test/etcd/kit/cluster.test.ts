import { runKit } from '../../run-kit.ts'
import { target } from './targets/cluster.ts'

runKit(target)
