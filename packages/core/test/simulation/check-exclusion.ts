import { type Entry, nameOf, type Scene } from './ledger.ts'

/**
 * Promise 1. When a lease is granted, no other one is held that it excludes, judged by the clocks of that one's own
 * process: one that stands still counts for as long as its clocks say so.
 */
export function checkExclusion({ ledger, world }: Scene, entry: Entry): void {
  const { root } = entry
  if (!ledger.isHeld(entry)) return
  let together = 1
  for (const other of ledger.open(root.key)) {
    if (other === entry || !ledger.isHeld(other)) continue
    if (ledger.broken(root) || ledger.broken(other.root)) continue
    together += 1
    const both = root.mode === other.root.mode
    const compatible =
      both && (root.mode === 'shared' || (root.mode === 'semaphore' && root.permits === other.root.permits))
    if (!compatible)
      world.fail('exclusion', `${nameOf(entry)} is granted while ${nameOf(other)} is held for ${ledger.rest(other)} ms`)
  }
  if (root.mode === 'semaphore' && together > root.permits)
    world.fail('exclusion', `with ${nameOf(entry)} there are ${together} holders of ${root.permits} permits`)
}
