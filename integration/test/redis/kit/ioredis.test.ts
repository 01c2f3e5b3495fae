import { runKit } from '../../run-kit.ts'
import { target } from './targets/ioredis.ts'

runKit(target)
