import { createInterface } from 'node:readline'

/** A line on the standard input of a script. */
export interface Question {
  readonly id: number
  readonly method: string
  readonly args: readonly unknown[]
}

/** A line on its standard output. */
export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: { readonly message: string; readonly code: unknown } }
  | { readonly told: unknown }

/** For a script that runs as a `ScriptProcess`: its methods. They may run at the same time. */
export function answer(methods: Readonly<Record<string, (...args: never[]) => unknown>>): void {
  createInterface(process.stdin).on('line', (line) => void run(JSON.parse(line)))

  async function run({ id, method, args }: Question): Promise<void> {
    try {
      const called = methods[method]
      if (called === undefined) throw new TypeError(`no method ${method}`)
      write({ id, result: (await called(...(args as never[]))) ?? null })
    } catch (error) {
      const { message, code } = error as Error & { readonly code?: unknown }
      write({ id, error: { message, code } })
    }
  }
}

/** For such a script: tells something unasked. */
export function tell(what: unknown): void {
  write({ told: what })
}

function write(line: Answer): void {
  process.stdout.write(`${JSON.stringify(line)}\n`)
}
