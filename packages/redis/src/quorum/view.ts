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
  const unsure = (seen: number): boolean => seen < majority && seen + pending >= majority
  if (pending > 0 && (unsure(0) || states.length < majority || [...groups.values()].some((one) => unsure(one.length))))
    return undefined
  if (states.length < majority) throw noMajority('inspecting', states.length, nodes, errors)
  const unknown = nodes - pending - states.length
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
