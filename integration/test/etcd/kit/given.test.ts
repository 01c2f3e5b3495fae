import { runKit } from '../../run-kit.ts'
import { target } from './targets/given.ts'

/** What it may matter for that a client was given: the rest is as without. */
runKit(target, /^(?:exclusion|unknown outcome|turmoil|outage|residue|capabilities)/)
