import { parseArgs } from 'node:util'
import { usageError } from './exit.ts'

/** `value`: how its argument is called in messages; null: a flag without one. */
export type Flags = Readonly<Record<string, string | null>>

export interface Arguments {
  readonly positionals: readonly string[]
  readonly values: ReadonlyMap<string, string>
  readonly set: ReadonlySet<string>
}

/**
 * Parses by node:util, but words its own messages: those of parseArgs span lines and differ between versions of Node.js.
 * Of a repeated flag the last one counts.
 */
export function parseArguments(command: string, argv: readonly string[], flags: Flags): Arguments {
  const refuse = (message: string) => usageError(`${message}. See: locks ${command} --help`)
  const options = Object.entries(flags).map(
    ([name, value]) => [name, { type: value === null ? 'boolean' : 'string' }] as const,
  )
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries([...options, ['help', { type: 'boolean', short: 'h' }]]),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })

  const positionals: string[] = []
  const values = new Map<string, string>()
  const set = new Set<string>()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      positionals.push(token.value)
      continue
    }
    const { name, rawName, value } = token
    const known = name === 'help' || Object.hasOwn(flags, name)
    if (!known) throw refuse(`unknown flag ${rawName}`)
    const expected = flags[name] ?? null
    if (expected === null && value !== undefined) throw refuse(`${rawName} takes no value`)
    if (expected !== null && value === undefined) throw refuse(`${rawName} needs ${expected}`)
    set.add(name)
    if (value !== undefined) values.set(name, value)
  }
  return { positionals, values, set }
}
