import { runKit } from '../../run-kit.ts'
import { target } from './targets/node-redis-cluster.ts'

runKit(target)
