import type { Send } from './client/connection.ts'
import { evaluate, type Script, script } from './script.ts'

/**
 * How many questions one request may carry: the server answers nobody else meanwhile. With more than one request for many
 * questions, it works on the second while the first one's answers are read.
 */
const MOST = 32

interface Question {
  readonly key: string
  readonly args: readonly string[]
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Those of one script and one number of arguments. */
interface Group {
  readonly what: Script
  readonly questions: Question[]
}

const ERROR = '!error '
const batched = new WeakMap<Script, Script>()

/**
 * A script that does for many locks, one after the other, what another one does for one: the locks' keys, and all their
 * arguments in a row. Answers a list; an error as a text that starts with `!error `.
 */
function batchOf(what: Script): Script {
  const known = batched.get(what)
  if (known !== undefined) return known
  const [flags, ...body] = what.text.split('\n')
  const batch = script(`${flags}
local all, given, each = KEYS, ARGV, #ARGV / #KEYS
local function one(KEYS, ARGV)
${body.join('\n')}
end
local answers = {}
for i = 1, #all do
  local fine, answer = pcall(one, { all[i] }, { unpack(given, (i - 1) * each + 1, i * each) })
  if fine and type(answer) == 'table' and answer.err then fine, answer = false, answer.err end
  answers[i] = fine and answer or '${ERROR}' .. (type(answer) == 'table' and answer.err or tostring(answer))
end
return answers
`)
  batched.set(what, batch)
  return batch
}

/** Asks a single server: while it owes answers, what is asked in one turn of the loop goes out as one request for each script. */
export class Batches {
  readonly #send: Send
  #collecting = false
  readonly #groups = new Map<string, Group>()

  constructor(send: Send) {
    this.#send = send
  }

  /** `alone`: nothing else is under way, so that there is nothing to wait for. */
  ask(what: Script, key: string, args: readonly string[], alone: boolean): Promise<unknown> {
    if (alone) return evaluate(this.#send, what, [key], args)
    if (!this.#collecting) {
      this.#collecting = true
      process.nextTick(this.#flush)
    }
    return new Promise((resolve, reject) => {
      const name = `${what.sha}${args.length}`
      const group = this.#groups.get(name) ?? { what, questions: [] }
      this.#groups.set(name, group)
      group.questions.push({ key, args, resolve, reject })
    })
  }

  readonly #flush = (): void => {
    this.#collecting = false
    const groups = [...this.#groups.values()]
    this.#groups.clear()
    for (const { what, questions } of groups)
      for (let at = 0; at < questions.length; at += MOST) void this.#together(what, questions.slice(at, at + MOST))
  }

  async #together(what: Script, questions: readonly Question[]): Promise<void> {
    const [first, ...others] = questions
    if (first !== undefined && others.length === 0) {
      evaluate(this.#send, what, [first.key], first.args).then(first.resolve, first.reject)
      return
    }
    try {
      const keys = questions.map(({ key }) => key)
      const answers = await evaluate(
        this.#send,
        batchOf(what),
        keys,
        questions.flatMap(({ args }) => args),
      )
      if (!Array.isArray(answers)) throw new Error(`an unexpected reply: ${String(answers)}`)
      for (const [at, { resolve, reject }] of questions.entries()) {
        const answer: unknown = answers[at]
        if (typeof answer === 'string' && answer.startsWith(ERROR)) reject(new Error(answer.slice(ERROR.length)))
        else resolve(answer)
      }
    } catch (error) {
      for (const { reject } of questions) reject(error)
    }
  }
}
