import { recordTarget, testTarget } from './targets.ts'

testTarget(recordTarget('memory without a clock', { clock: 'none' }))
