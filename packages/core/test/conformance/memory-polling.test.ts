import { recordTarget, testTarget } from './targets.ts'

const traits = { clock: 'remote', watch: false, queue: 'none', idleRecords: 'keep' } as const
testTarget(recordTarget('memory without notices and queue, by a remote clock', traits))
