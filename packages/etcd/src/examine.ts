import type { Finding } from '@locks/core'
import type { Store } from './store.ts'

export async function examine(store: Store, _timeout: number, _minTtl: number): Promise<readonly Finding[]> {
  await store.members.clients()
  return []
}
