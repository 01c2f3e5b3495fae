import { runKit } from '../../run-kit.ts'
import { target } from './targets/iovalkey.ts'

runKit(target)
