import { parseArguments } from './arguments.ts'
import { conform, type Surroundings } from './conform.ts'
import { HELP } from './help.ts'
import { EXIT, Refusal } from './refusal.ts'

/** The command, up to its exit code. */
export async function main(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings
  const say = (text: string): void => stderr.write(`locks-conformance: ${text.replaceAll('\n', '\n  ')}\n`)
  try {
    const given = parseArguments(argv)
    if (!given.help) return await conform(given, surroundings, say)
    stdout.write(HELP)
    return EXIT.passed
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    say(error.message)
    return EXIT.wrong
  }
}
