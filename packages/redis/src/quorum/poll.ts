import type { Node } from './node.ts'

/** What the nodes answered so far, and how many may still. */
export interface Returns<T> {
  readonly answers: ReadonlyMap<Node, T>
  readonly pending: number
  /** Of those that failed. */
  readonly errors: readonly unknown[]
}

/**
 * Asks all nodes at once, and decides as soon as that can be done: `decide` is called after each answer, and answers undefined
 * while it depends on those that are pending. With none pending it has to decide, or throw. `failed` hears of each that
 * failed, also later.
 */
export function poll<T, R>(
  nodes: readonly Node[],
  ask: (node: Node) => Promise<T>,
  decide: (returns: Returns<T>) => R | undefined,
  failed: (node: Node) => void = () => undefined,
): Promise<R> {
  return new Promise((resolve, reject) => {
    const answers = new Map<Node, T>()
    const errors: unknown[] = []
    let pending = nodes.length
    const look = (): void => {
      pending -= 1
      try {
        const decision = decide({ answers, pending, errors })
        if (decision !== undefined) resolve(decision)
      } catch (error) {
        reject(error)
      }
    }
    for (const node of nodes)
      ask(node).then(
        (answer) => {
          answers.set(node, answer)
          look()
        },
        (error: unknown) => {
          errors.push(error)
          look()
          failed(node)
        },
      )
  })
}

/** Why there is no majority, in the words of those that failed. */
export function noMajority(doing: string, answered: number, of: number, errors: readonly unknown[]): Error {
  const reasons = new Set(errors.map((error) => (error instanceof Error ? error.message : String(error))))
  const why = reasons.size === 0 ? '' : `: ${[...reasons].join('; ')}`
  return new Error(`${doing}: ${answered} of ${of} servers could be counted on, too few for a majority${why}`, {
    cause: errors[0],
  })
}
