import { createInterface } from 'node:readline/promises'
import type { LockState } from '@locks/core'
import { parseArguments } from './arguments.ts'
import { CommandError, type Ending, EXIT, usageError } from './exit.ts'
import { HELP } from './help.ts'
import { whereJson } from './json.ts'
import type { Output } from './output.ts'
import { describeHolder, describeLock, soleName, WHERE, withSession } from './session.ts'

/** `locks break NAME` */
export async function breakLock(argv: readonly string[], output: Output): Promise<Ending> {
  const args = parseArguments('break', argv, { ...WHERE, json: null, yes: null })
  if (args.set.has('help')) {
    output.print(HELP.break)
    return EXIT.ok
  }
  const name = soleName('break', args)
  const sure = args.set.has('yes')
  if (!sure && !(process.stdin.isTTY && process.stderr.isTTY))
    throw usageError('breaking a lock asks first, and there is no terminal to ask on: say --yes')

  return withSession(args, async (session) => {
    const about = describeLock(name, session)
    const lock = session.locks.lock(name)
    const answer = (broken: boolean, line: string): Ending => {
      output.print(args.set.has('json') ? JSON.stringify({ ...whereJson(session), name, broken }) : `${about}: ${line}`)
      return EXIT.ok
    }

    if (!sure) {
      const before = await lock.inspect()
      if (before.holders.length === 0) return answer(false, 'nobody holds it')
      if (!(await confirmed(`${about}: held by ${before.holders.map(describeHolder).join(', ')}. Break it? [y/N] `))) {
        output.say('left as it is')
        return EXIT.declined
      }
      if (!sameHolders(before, await lock.inspect()))
        throw new CommandError(EXIT.declined, `${about}: it changed hands meanwhile; look again`)
    }
    const broken = await lock.forceRelease()
    return answer(broken, broken ? 'broken' : 'nobody holds it')
  })
}

const sameHolders = (before: LockState, now: LockState): boolean =>
  now.holders.every(({ owner }) => before.holders.some((holder) => holder.owner === owner))

async function confirmed(question: string): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    // Ctrl-D closes it without an answer.
    const closed = new Promise<string>((resolve) => {
      terminal.once('close', () => resolve('\n'))
    })
    const answer = await Promise.race([terminal.question(question), closed]).catch(() => '\n')
    if (answer === '\n') process.stderr.write(answer)
    return /^y(?:es)?$/i.test(answer.trim())
  } finally {
    terminal.close()
  }
}
