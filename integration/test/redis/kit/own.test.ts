import { runKit } from '../../run-kit.ts'
import { target } from './targets/own.ts'

runKit(target)
