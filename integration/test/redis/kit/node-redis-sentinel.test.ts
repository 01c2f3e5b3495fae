import { runKit } from '../../run-kit.ts'
import { target } from './targets/node-redis-sentinel.ts'

runKit(target)
