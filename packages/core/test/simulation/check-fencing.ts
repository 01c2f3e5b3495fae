import { type Entry, type Granting, nameOf, type Scene } from './ledger.ts'

/**
 * Promise 9. Tokens are unique, and rise in real time: above all that were given before it was asked for and, for
 * exclusive leases, above all that were given before. A hold that somebody broke may still be passed on within its process
 * for a moment, below the token of whom the break let in.
 */
export function checkTokens({ ledger, world, highest }: Scene, { floor, lease }: Granting, entry: Entry): void {
  const { root } = entry
  const token = lease.fencingToken
  const before = highest.get(root.key) ?? 0n
  for (const other of ledger.entries)
    if (other !== entry && !other.attached && other.root.key === root.key && other.lease.fencingToken === token)
      world.fail('fencing', `${nameOf(entry)} has the token of ${nameOf(other)}`)
  if (!ledger.broken(root)) {
    // Readers and permits of one process may be given holds that were asked for by others of it, who left.
    const known = root.mode === 'exclusive' ? floor : root.floor
    if (token <= known) world.fail('fencing', `${nameOf(entry)} was asked for when ${known} had been given`)
    if (root.mode === 'exclusive' && token <= before)
      world.fail('fencing', `${nameOf(entry)} is granted after ${before}`)
  }
  const reserved = root.fence === undefined ? token : root.fence + BigInt(root.tokens) - 1n
  if (token > reserved) world.fail('fencing', `${nameOf(entry)} is beyond what was reserved, up to ${reserved}`)
  if (token > before) highest.set(root.key, token)
}
