import { createHash } from 'node:crypto'
import type { LockKey } from '@locks/core'

const MAX_SLUG = 48

/**
 * The name of a lock's Lease: what is readable of the lock's name, then 128 bits of a hash of the whole of it and its
 * namespace, so that two locks never meet. Lower-case letters, digits and hyphens, at most 81 characters.
 */
export function leaseNameOf({ namespace, name, id }: LockKey): string {
  const slug = `${namespace} ${name}`
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, MAX_SLUG + 1)
    .replace(/^-+|-+$/g, '')
    .slice(0, MAX_SLUG)
  const hash = createHash('sha256').update(id).digest('hex').slice(0, 32)
  return slug === '' ? `lock-${hash}` : `${slug.replace(/-+$/, '')}-${hash}`
}
