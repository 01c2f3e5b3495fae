/**
 * Changes and removes one record as fast as it can, like many others at the same time. Reports each success on standard
 * output: when it began and ended, which writing it replaced, which one it made (none: removed) and with which token.
 *
 *     node hammer.ts <directory> <milliseconds> <name> [<threads>]
 */
import { isMainThread, Worker } from 'node:worker_threads'
import { lockKey } from '@locks/core'
import { FileStore } from '../../src/file-store.ts'

export interface Success {
  readonly began: number
  readonly ended: number
  readonly from: string | null
  readonly to: string | null
  readonly token: number
}

const [, , directory = '', duration = '0', name = '', threads = '0'] = process.argv
const now = (): number => Number(process.hrtime.bigint()) / 1e6

async function hammer(who: string): Promise<void> {
  // Tokens must rise without help from a clock.
  Date.now = () => 0
  const key = lockKey('', 'hammered')
  const store = new FileStore(directory, false)
  const successes: Success[] = []
  const end = now() + Number(duration)
  for (let count = 0; now() < end; count += 1) {
    const began = now()
    const { version, value, floor } = await store.read(key)
    const [from = null, fence = '0'] = value === null ? [] : value.split('@')
    if (value === 'lost') throw new Error('the text of a record was lost')
    if (version !== null && value !== null && Math.random() < 0.1) {
      if (await store.remove(key, version, BigInt(fence)))
        successes.push({ began, ended: now(), from, to: null, token: Number(fence) })
      continue
    }
    const token = (floor > BigInt(fence) ? floor : BigInt(fence)) + 1n
    const to = `${who}.${count}`
    const padding = 'x'.repeat(Math.random() < 0.5 ? 0 : Math.random() < 0.8 ? 300 : 3_000)
    const record = {
      value: `${to}@${token}@${padding}`,
      fence: token,
      holders: [],
      moved: true,
      keepFor: 0,
      essence: () => 'lost',
    }
    if ((await store.write(key, version, record)) !== null)
      successes.push({ began, ended: now(), from, to, token: Number(token) })
  }
  await store.close()
  process.stdout.write(successes.map((success) => `${JSON.stringify(success)}\n`).join(''))
}

if (isMainThread)
  for (let thread = 0; thread < Number(threads); thread += 1)
    new Worker(new URL(import.meta.url), { argv: [directory, duration, `${name}-${thread}`] })
await hammer(name)
