import { runKit } from '../../run-kit.ts'
import { target } from './targets/node-redis.ts'

runKit(target)
