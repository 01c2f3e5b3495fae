import { runKit } from '../../run-kit.ts'
import { target } from './targets/sentinel.ts'

runKit(target)
