import type { LockState } from '@locks/core'
import { parseArguments } from './arguments.ts'
import { type Ending, EXIT, usageError } from './exit.ts'
import { HELP } from './help.ts'
import { stateJson, whereJson } from './json.ts'
import type { Output } from './output.ts'
import { describeBackend, describeHolder, type Session, WHERE, withSession } from './session.ts'
import { printable } from './text.ts'

const AT_ONCE = 16

/** `locks list [PREFIX]` */
export async function list(argv: readonly string[], output: Output): Promise<Ending> {
  const args = parseArguments('list', argv, { ...WHERE, json: null })
  if (args.set.has('help')) {
    output.print(HELP.list)
    return EXIT.ok
  }
  const [prefix = '', ...rest] = args.positionals
  if (rest.length > 0)
    throw usageError(`one PREFIX only, not also ${JSON.stringify(rest.join(' '))}. See: locks list --help`)

  return withSession(args, async (session) => {
    const names = await session.locks.list(prefix)
    if (args.set.has('json')) {
      const states = await inspectAll(session, names)
      output.print(
        JSON.stringify({ ...whereJson(session), locks: states.map(([name, state]) => stateJson(name, state)) }),
      )
    } else if (output.isTerminal) {
      output.print(
        describeAll(await inspectAll(session, names)) || `nothing is locked on ${describeBackend(session.backend)}`,
      )
    } else if (names.length > 0) {
      output.print(names.map(printable).join('\n'))
    }
    return EXIT.ok
  })
}

type Named = readonly [name: string, state: LockState]

async function inspectAll({ locks }: Session, names: readonly string[]): Promise<readonly Named[]> {
  const states: Named[] = []
  for (let start = 0; start < names.length; start += AT_ONCE) {
    const some = names.slice(start, start + AT_ONCE)
    states.push(...(await Promise.all(some.map(async (name) => [name, await locks.lock(name).inspect()] as const))))
  }
  return states
}

function describeAll(states: readonly Named[]): string {
  const width = Math.min(40, Math.max(0, ...states.map(([name]) => printable(name).length)))
  const lines = states.map(([name, { holders, waiters }]) => {
    const [first, ...others] = holders
    const more = others.length === 0 ? '' : ` and ${others.length} more`
    const by = first === undefined ? 'free' : `${describeHolder(first)}${more}`
    return `${printable(name).padEnd(width)}  ${by}${waiters === 0 ? '' : `, ${waiters} waiting`}`
  })
  return lines.join('\n')
}
