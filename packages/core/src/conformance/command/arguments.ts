import { parseArgs } from 'node:util'
import { Refusal } from './refusal.ts'

const MAX_SEED = 2 ** 32 - 1

export interface Arguments {
  readonly help: boolean
  /** As it was given. */
  readonly file: string
  readonly only: readonly string[]
  readonly seed: number | undefined
  readonly json: boolean
  readonly html: string | undefined
}

/** `value`: how its argument is called in messages; null: a flag without one. */
const FLAGS: Readonly<Record<string, string | null>> = {
  help: null,
  only: 'a text',
  seed: 'a number',
  json: null,
  html: 'a file',
}

/** Parses by node:util, but words its own messages: those of parseArgs span lines and differ between versions of Node.js. */
export function parseArguments(argv: readonly string[]): Arguments {
  const options = Object.entries(FLAGS).map(([name, value]) => [
    name,
    { type: value === null ? ('boolean' as const) : ('string' as const), ...(name === 'help' ? { short: 'h' } : {}) },
  ])
  const { tokens } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(options),
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const files: string[] = []
  const values = new Map<string, string[]>()
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue
    if (token.kind === 'positional') {
      files.push(token.value)
      continue
    }
    const { name, rawName, value } = token
    if (!Object.hasOwn(FLAGS, name)) throw refuse(`unknown flag ${rawName}`)
    const wanted = FLAGS[name]
    if (wanted === null && value !== undefined) throw refuse(`${rawName} takes no value`)
    if (wanted !== null && !value) throw refuse(`${rawName} needs ${wanted}`)
    values.set(name, [...(values.get(name) ?? []), value ?? ''])
  }
  const help = values.has('help')
  const [file, another] = files
  if (file === undefined && !help) throw refuse('it needs the module that exports the target: ./target.js')
  if (another !== undefined) throw refuse(`one module at a time, not ${files.join(' and ')}`)
  const seed = values.get('seed')?.at(-1)
  return {
    help,
    file: file ?? '',
    only: values.get('only') ?? [],
    seed: seed === undefined ? undefined : seedFrom(seed),
    json: values.has('json'),
    html: values.get('html')?.at(-1),
  }
}

function seedFrom(text: string): number {
  const seed = Number(text)
  if (/^\d+$/.test(text) && seed <= MAX_SEED) return seed
  throw refuse(`--seed must be a whole number from 0 to ${MAX_SEED}, not "${text}"`)
}

const refuse = (message: string): Refusal => new Refusal(`${message}. See: locks-conformance --help`)
