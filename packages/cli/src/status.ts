import type { LockState } from '@locks/core'
import { parseArguments } from './arguments.ts'
import { formatDuration } from './duration.ts'
import { type Ending, EXIT } from './exit.ts'
import { HELP } from './help.ts'
import { stateJson, whereJson } from './json.ts'
import type { Output } from './output.ts'
import { describeHolder, describeLock, soleName, WHERE, withSession } from './session.ts'

/** `locks status NAME` */
export async function status(argv: readonly string[], output: Output): Promise<Ending> {
  const args = parseArguments('status', argv, { ...WHERE, json: null })
  if (args.set.has('help')) {
    output.print(HELP.status)
    return EXIT.ok
  }
  const name = soleName('status', args)
  return withSession(args, async (session) => {
    const state = await session.locks.lock(name).inspect()
    output.print(
      args.set.has('json')
        ? JSON.stringify({ ...whereJson(session), ...stateJson(name, state) })
        : `${describeLock(name, session)}: ${describeState(state)}`,
    )
    return EXIT.ok
  })
}

function describeState({ holders, waiters }: LockState): string {
  const first = holders.length === 0 ? 'free' : 'held'
  const waiting = waiters === 0 ? [] : [`  ${waiters} waiting`]
  const lines = holders.map((holder) => {
    const { remaining, owner } = holder
    const end =
      remaining === Number.POSITIVE_INFINITY ? 'until released' : `${formatDuration(remaining)} left unless renewed`
    return `  by ${describeHolder(holder)}, ${end}, owner ${owner}`
  })
  return [first, ...lines, ...waiting].join('\n')
}
