import type { HolderState, LockState } from '@locks/core'
import { noMajority, type Returns } from './poll.ts'

/**
 * Who holds, as far as the answers tell: whom a majority shows. Undefined while more answers may change that. Who may be shown by a
 * majority, if those that did not answer or abstain (an undefined answer) are counted in, counts as a holder: a held lock never
 * reads as free. Throws if fewer than a majority answered.
 */
export function holdersBy(
  { answers, pending, errors }: Returns<LockState | undefined>,
  nodes: number,
  majority: number,
): LockState | undefined {
  const states = [...answers.values()].filter((state) => state !== undefined)
  const groups = new Map<string, HolderState[]>()
  for (const { holders } of states)
    for (const holder of holders) {
      const id = `${holder.owner} ${holder.fencingToken}`
      groups.set(id, [...(groups.get(id) ?? []), holder])
    }
  // An answer may be of no use, too: then anybody may hold there.
  const unknown = nodes - pending - states.length
  const unsure = (seen: number): boolean =>
    seen + unknown + pending >= majority && (seen === 0 || seen + unknown < majority)
  const open = states.length < majority || unsure(0) || [...groups.values()].some(({ length }) => unsure(length))
  if (pending > 0 && open) return undefined
  if (states.length < majority) throw noMajority('inspecting', states.length, nodes, errors)
  const holders = [...groups.values()].flatMap((group): readonly HolderState[] => {
    if (group.length + unknown < majority) return []
    // Until then a majority has it.
    const [last] = group
      .sort((a, b) => b.remaining - a.remaining)
      .slice(0, majority)
      .slice(-1)
    return last === undefined ? [] : [last]
  })
  return { holders: holders.sort((a, b) => (a.fencingToken < b.fencingToken ? -1 : 1)), waiters: 0 }
}
