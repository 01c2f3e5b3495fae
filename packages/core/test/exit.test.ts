import { execFile } from 'node:child_process'
import { expect, test } from 'vitest'

const core = new URL('../src/index.ts', import.meta.url).href

/** Runs a program of its own over core, which has 20 s to end by itself. */
function run(body: string): Promise<{
  readonly stdout: string
  readonly stderr: string
  readonly ms: number
  readonly failed: boolean
}> {
  const script = `import { elect, Lock, memoryBackend } from ${JSON.stringify(core)}; const backend = memoryBackend(); ${body}`
  const started = performance.now()
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 }, (error, stdout, stderr) =>
      resolve({ stdout: stdout.trim(), stderr, ms: performance.now() - started, failed: error !== null }),
    )
  })
}

test('a held lease, renewed by itself, lets the process end', async () => {
  const { stdout, failed, ms } = await run(
    `const lease = await new Lock('a', { backend, ttl: 60_000 }).acquire(); console.log(lease.held)`,
  )
  expect({ stdout, failed }).toEqual({ stdout: 'true', failed: false })
  expect(ms).toBeLessThan(10_000)
})

test('a lease in the midst of its renewals lets the process end', async () => {
  const { stdout, failed } = await run(
    `const lease = await new Lock('a', { backend, ttl: 300 }).acquire();
     setTimeout(() => console.log(lease.held), 1_000)`,
  )
  expect({ stdout, failed }).toEqual({ stdout: 'true', failed: false })
})

test('a pending acquire keeps the process up, even without a timeout', async () => {
  const { stdout, failed } = await run(
    `const lock = new Lock('a', { backend, timeout: Infinity });
     await new Lock('a', { backend, ttl: 1_500, autoRenew: false }).acquire();
     void lock.acquire().then((lease) => console.log('acquired', lease.held))`,
  )
  expect({ stdout, failed }).toEqual({ stdout: 'acquired true', failed: false })
})

test('nothing is left to wait for after releases, timeouts and aborts', async () => {
  const { stdout, failed, ms } = await run(
    `const lock = new Lock('a', { backend });
     const lease = await lock.acquire();
     await lock.acquire({ timeout: 20 }).catch(() => undefined);
     await lock.acquire({ signal: AbortSignal.timeout(20) }).catch(() => undefined);
     await lease.release();
     console.log('done')`,
  )
  expect({ stdout, failed }).toEqual({ stdout: 'done', failed: false })
  expect(ms).toBeLessThan(5_000)
})

test('an election keeps the process up while it leads, though nothing else does, until it is stopped', async () => {
  const { stdout, failed, ms } = await run(
    `const onElected = (_, signal) => {
       console.log('elected')
       setTimeout(() => election.stop().then(() => console.log('stopped')), 1_500).unref()
       return new Promise((resolve) => signal.addEventListener('abort', resolve))
     }
     const election = elect('a', { backend, ttl: 60_000, onElected })`,
  )
  expect({ stdout, failed }).toEqual({ stdout: 'elected\nstopped', failed: false })
  expect(ms).toBeLessThan(10_000)
})

test('an election that waits for the next term, or for its turn, keeps the process up', async () => {
  const { stdout, failed } = await run(
    `let terms = 0
     const onElected = () => { terms += 1; if (terms === 3) void election.stop() }
     const election = elect('a', { backend, onElected })
     await new Lock('b', { backend, ttl: 1_000, autoRenew: false }).acquire()
     const other = elect('b', { backend, onElected: () => void other.stop() })
     process.on('exit', () => console.log(terms))`,
  )
  expect({ stdout, failed }).toEqual({ stdout: '3', failed: false })
})

test('what the leader throws is printed as a warning, and the process goes on', async () => {
  const { stdout, stderr, failed } = await run(
    `let terms = 0
     const election = elect('a', { backend, onElected: async () => {
       terms += 1
       if (terms === 1) throw new Error('the work failed')
       console.log('elected again')
       void election.stop()
     } })`,
  )
  expect({ stdout, failed }).toEqual({ stdout: 'elected again', failed: false })
  expect(stderr).toMatch(/LockElectionWarning: lock "a" on memory #1: onElected threw: the work failed/)
  expect(stderr).toMatch(/Error: the work failed\n\s+at /)
})
