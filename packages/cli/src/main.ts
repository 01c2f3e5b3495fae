import { readFileSync } from 'node:fs'
import { breakLock } from './break.ts'
import { doctor } from './doctor.ts'
import { type Ending, EXIT, usageError } from './exit.ts'
import { explain } from './failure.ts'
import { HELP } from './help.ts'
import { list } from './list.ts'
import type { Output } from './output.ts'
import { parseRun } from './run/options.ts'
import { run } from './run/run.ts'
import { status } from './status.ts'

const COMMANDS: Readonly<Record<string, (argv: readonly string[], output: Output) => Promise<Ending>>> = {
  async run(argv, output) {
    const options = parseRun(argv)
    if (options !== null) return run(options, (line) => output.say(line))
    output.print(HELP.run)
    return EXIT.ok
  },
  status,
  list,
  break: breakLock,
  doctor,
}

/** Runs `locks` with these arguments; never rejects. */
export async function main(argv: readonly string[], output: Output): Promise<Ending> {
  try {
    return await dispatch(argv, output)
  } catch (error) {
    const { exit, message } = explain(error)
    output.say(message)
    return exit
  }
}

async function dispatch([word, ...rest]: readonly string[], output: Output): Promise<Ending> {
  if (word === undefined) {
    output.say(`which command? There are ${Object.keys(COMMANDS).join(', ')}. See: locks --help`)
    return EXIT.usage
  }
  if (word === '--version' || word === '-v') {
    output.print(version())
    return EXIT.ok
  }
  if (word === '--help' || word === '-h' || word === 'help') {
    const topic = rest[0]
    output.print(topic !== undefined && isTopic(topic) ? HELP[topic] : HELP.locks)
    return EXIT.ok
  }
  const command = Object.hasOwn(COMMANDS, word) ? COMMANDS[word] : undefined
  if (command === undefined)
    throw usageError(
      `no command ${JSON.stringify(word)}: there are ${Object.keys(COMMANDS).join(', ')}. See: locks --help`,
    )
  return command(rest, output)
}

const isTopic = (word: string): word is keyof typeof HELP => Object.hasOwn(HELP, word)

function version(): string {
  const manifest: { readonly version: string } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  )
  return manifest.version
}
