import { recordTarget, testTarget } from './targets.ts'

testTarget(recordTarget('memory'))
