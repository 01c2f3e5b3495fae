/**
 * The guarantee matrix of the documentation, made from what the backends declare:
 * `node integration/docs/matrix.ts` shows it, `--write` puts it into the documents.
 */
import { type Capabilities, memoryBackend } from '@locks/core'
import { etcdBackend } from '@locks/etcd'
import { fileBackend } from '@locks/file'
import { k8sBackend } from '@locks/k8s'
import { memcachedBackend } from '@locks/memcached'
import { redisBackend, redisQuorumBackend } from '@locks/redis'
import { type Made, row, showOrWrite } from './marks.ts'

const BACKENDS: readonly (readonly [title: string, capabilities: Capabilities])[] = [
  ['`memory`', memoryBackend().capabilities],
  ['`file`', fileBackend('/srv/app/locks').capabilities],
  [
    '`file` on a network file system',
    fileBackend({ directory: '/mnt/share/locks', networkFileSystem: true }).capabilities,
  ],
  ['`redis`', redisBackend().capabilities],
  ['`redis` quorum', redisQuorumBackend(['redis://a', 'redis://b', 'redis://c']).capabilities],
  ['`etcd`', etcdBackend().capabilities],
  ['`k8s`', k8sBackend().capabilities],
  ['`memcached`', memcachedBackend().capabilities],
]

const SCOPE = { process: 'tasks of one process', host: 'processes of one host', network: 'processes of any host' }
const LATE = { refused: 'has no effect', 'run out': 'may hold for its ttl' }

/** Across an event; `n/a`: it can't happen there. */
function kept(value: boolean | 'clock' | 'n/a'): string {
  if (value === 'n/a') return '–'
  if (value === 'clock') return 'by the wall clock'
  return value ? 'yes' : '**no**'
}

function duration(ms: number): string {
  const day = 86_400_000
  const counted = (count: number, unit: string): string => `${count} ${unit}${count === 1 ? '' : 's'}`
  if (ms % (365 * day) === 0) return counted(ms / 365 / day, 'year')
  if (ms % day === 0) return counted(ms / day, 'day')
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`
}

const ROWS: readonly (readonly [title: string, cell: (capabilities: Capabilities) => string])[] = [
  ['who can contend', ({ guarantee }) => SCOPE[guarantee.scope]],
  ['modes', ({ modes }) => modes.join(', ')],
  ['waiters are served', ({ queue }) => (queue === 'fifo' ? 'in arrival order' : 'whoever looks first')],
  ['waiters are woken', ({ wakeup }) => (wakeup === 'push' ? 'by a notice' : 'by polling')],
  ['ttl', ({ ttl }) => `${duration(ttl.min)} to ${duration(ttl.max)}${ttl.infinite ? ', or `Infinity`' : ''}`],
  ['grain of the clock', ({ ttl }) => duration(ttl.granularity)],
  ['can list its locks', ({ list }) => (list ? 'yes' : 'no')],
  ['expiry is judged', ({ guarantee }) => `by ${guarantee.expiry === 'observation' ? '' : 'a '}${guarantee.expiry}`],
  ["a dead holder's lock is free", ({ guarantee }) => guarantee.deadHolder],
  ['a request that arrives late', ({ guarantee }) => LATE[guarantee.lateRequests]],
  ['exclusion holds across a restart', ({ guarantee }) => kept(guarantee.exclusionAcross.restart)],
  ['… a failover', ({ guarantee }) => kept(guarantee.exclusionAcross.failover)],
  ['… loss of stored data', ({ guarantee }) => kept(guarantee.exclusionAcross.dataLoss)],
  ['… a stepped clock', ({ guarantee }) => kept(guarantee.exclusionAcross.clockStep)],
  ['fencing tokens rise across a restart', ({ guarantee }) => kept(guarantee.fencingAcross.restart)],
  ['… loss of stored data', ({ guarantee }) => kept(guarantee.fencingAcross.dataLoss)],
]

/** The matrix as a Markdown table, and below it what each backend does not promise. */
export function matrix(): string {
  const capabilities = BACKENDS.map(([, declared]) => declared)
  return [
    row(['', ...BACKENDS.map(([title]) => title)]),
    row(['---', ...BACKENDS.map(() => '---')]),
    ...ROWS.map(([title, cell]) => row([title, ...capabilities.map(cell)])),
    '',
    'What each of them says of its limits:',
    '',
    ...BACKENDS.map(([title, { guarantee }]) => `- ${title}: ${guarantee.caveat}`),
  ].join('\n')
}

/** Where the matrix stands. */
export const MATRICES: readonly Made[] = ['README.md', 'docs/guarantees.md'].map((document) => ({
  document,
  name: 'matrix',
  make: matrix,
}))

if (import.meta.main) showOrWrite(MATRICES)
