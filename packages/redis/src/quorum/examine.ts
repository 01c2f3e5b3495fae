import type { Finding } from '@locks/core'
import { at } from '../examine.ts'
import { type Facts, findingsFrom, ok, risk, stepsSeen, unknown } from '../findings.ts'
import type { Node, NodeFacts } from './node.ts'
import { noMajority } from './poll.ts'

type Reached = NodeFacts & { readonly location: string }

/** Fewer stand no failure. */
const FEWEST = 3
/** Judged otherwise, or of no concern, where no single server matters. */
const OF_ONE = ['persistence', 'isolation']

/** One line each on the nodes together, and on each of them. Rejects if a majority can't be reached. */
export async function examineQuorum(
  nodes: readonly Node[],
  majority: number,
  timeout: number,
): Promise<readonly Finding[]> {
  const looks = await Promise.allSettled(nodes.map((node) => node.look(timeout)))
  const reached: Reached[] = []
  const missing: Finding[] = []
  const errors: unknown[] = []
  for (const [index, { location }] of nodes.entries()) {
    const seen = looks[index] as (typeof looks)[number]
    if (seen.status === 'fulfilled') {
      reached.push({ ...seen.value, location })
      continue
    }
    const words = seen.reason instanceof Error ? seen.reason.message : String(seen.reason)
    missing.push(at(location, risk('server', `not reached: ${words}`)))
    errors.push(seen.reason)
  }
  if (reached.length < majority) throw noMajority('examining', reached.length, nodes.length, errors)
  return [number(nodes.length), independence(reached), ...missing, ...reached.flatMap(findingsOfNode)]
}

function number(nodes: number): Finding {
  const stands = Math.floor((nodes - 1) / 2)
  if (nodes < FEWEST) return risk('nodes', `${nodes}, of which all are needed: no failure is stood; take 3 or 5`)
  if (nodes % 2 === 1) return ok('nodes', `${nodes}, of which ${stands} may fail`)
  return risk('nodes', `${nodes}, of which ${stands} may fail, as of ${nodes - 1}: the last one only adds a failure`)
}

/** Two ways to one server would give it two votes. */
function independence(nodes: readonly Reached[]): Finding {
  const named = nodes.map(({ location, facts }) => ({ location, id: facts.info?.get('run_id') }))
  for (const [index, { location, id }] of named.entries()) {
    const first = named.findIndex((other) => other.id !== undefined && other.id === id)
    if (first >= 0 && first < index)
      return risk('independence', `${named[first]?.location} and ${location} are one server, with two votes; drop one`)
  }
  if (named.some(({ id }) => id === undefined))
    return unknown('independence', 'INFO is refused: whether each node is a server of its own could not be seen')
  return ok('independence', 'each node is a server of its own')
}

function findingsOfNode({ location, facts, steps }: Reached): readonly Finding[] {
  const findings = findingsFrom(facts).filter(({ subject }) => !OF_ONE.includes(subject))
  return [...findings, ...persistence(facts), ...stepsSeen(steps)].map((found) => at(location, found))
}

/** All or nothing: a node that has lost everything is noticed and stays out for a while, one that lost a part is not. */
function persistence({ info, config }: Facts): readonly Finding[] {
  if (info === undefined) return []
  const subject = 'persistence'
  const part = 'comes back with a part of its locks, unnoticed, and two can hold'
  const unseen = 'CONFIG is refused'
  if (info.get('aof_enabled') === '1') {
    const fsync = config?.get('appendfsync')
    if (fsync === 'always') return [ok(subject, 'each change is on disk before its answer')]
    if (fsync === undefined) return [unknown(subject, `${unseen}: unless appendfsync is always, it ${part}`)]
    return [risk(subject, `appendfsync is ${fsync}: after a crash it ${part}; set it to always`)]
  }
  const save = config?.get('save')
  if (save === '') return [ok(subject, 'nothing is kept: after a restart it is noticed, and stays out for a while')]
  if (save === undefined) return [unknown(subject, `${unseen}: unless save is "", it ${part}`)]
  const mend = 'set save "", or appendonly yes and appendfsync always'
  return [risk(subject, `snapshots are kept (save ${save}): after a restart it ${part}; ${mend}`)]
}
