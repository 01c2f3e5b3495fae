import type { Flaw } from '../flaw.ts'
import type { SoundTarget } from '../sound-targets.ts'

/** One change of the shipped code. */
export interface CoreMutant extends Flaw {
  /** Under `src`. */
  readonly file: string
  /** Occurs exactly once in the file. */
  readonly find: string
  readonly replace: string
  /** On which backend the case sees it. */
  readonly target: SoundTarget
  /** The simulation finds it, too, within its first seeds. Default: it isn't asked. */
  readonly simulated?: boolean
}
