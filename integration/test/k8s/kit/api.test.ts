import { runKit } from '../../run-kit.ts'
import { target } from './targets/api.ts'

/** What it may matter for that nothing can be watched: the rest is as with a kubeconfig. */
runKit(target, /^(?:exclusion|unknown outcome|outage|fairness|shared|semaphore|expiry|residue|capabilities)/)
