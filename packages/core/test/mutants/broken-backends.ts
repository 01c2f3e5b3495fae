import type { BrokenBackend } from './broken/broken-backend.ts'
import { failure } from './broken/failure.ts'
import { fencing } from './broken/fencing.ts'
import { handOver } from './broken/hand-over.ts'
import { inspection } from './broken/inspection.ts'
import { modes } from './broken/modes.ts'
import { names } from './broken/names.ts'
import { ownership } from './broken/ownership.ts'
import { queue } from './broken/queue.ts'
import { residue } from './broken/residue.ts'
import { time } from './broken/time.ts'

/** One line away from the native backend of these tests, each, which keeps all promises. */
export const brokenBackends: readonly BrokenBackend[] = [
  ...ownership,
  ...handOver,
  ...time,
  ...failure,
  ...fencing,
  ...queue,
  ...modes,
  ...names,
  ...inspection,
  ...residue,
]
