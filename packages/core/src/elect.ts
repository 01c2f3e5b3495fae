import { Candidate } from './candidate.ts'
import { configuration, resolveBackend } from './config.ts'
import { demandFor } from './demand.ts'
import type { Election, ElectOptions } from './election.ts'
import { Engine } from './engine.ts'
import { lockKey } from './key.ts'
import { checkElectOptions, defined, settle } from './options.ts'

/**
 * Takes part in the election of a leader: of all who call this with one (namespace, name), one at a time leads, which is who
 * holds the exclusive lock of that name. It campaigns for as long as it takes, runs `onElected` while it leads, and campaigns
 * again after that, until it is stopped. Failures of the backend don't end it: it tells `onError`, and tries again after half
 * a second to a second at first, ten seconds at most.
 *
 * It begins at once and returns at once; the backend and all options are settled now. The process stays up until `stop` is
 * called, `signal` aborted, or the backend closed, which stops it, too.
 *
 * @throws TypeError or RangeError for a bad argument, LockUnsupportedError for what the backend can't do, LockError
 * LOCK_UNCONFIGURED if there is no backend: what no retry would mend. Nothing has been sent then.
 */
export function elect(name: string, options: ElectOptions): Election {
  checkElectOptions(options)
  const { onElected, onError, ...own } = options
  const { signal, ...given } = { ...configuration().options, ...defined(own) }
  const key = lockKey(given.namespace ?? '', name)
  const engine = Engine.of(resolveBackend(given.backend))
  const demand = demandFor(engine.backend, key, { mode: 'exclusive', permits: 1 }, settle(given))
  return new Candidate(engine, demand, { onElected, onError, signal })
}
