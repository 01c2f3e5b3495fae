import { nativeTarget, testTarget } from './targets.ts'

testTarget(nativeTarget())
