import { execFile } from 'node:child_process'
import { expect, test } from 'vitest'

const core = new URL('../src/index.ts', import.meta.url).href

/** Runs a program of its own over core, which has 20 s to end by itself. */
function run(body: string): Promise<{ readonly stdout: string; readonly ms: number; readonly failed: boolean }> {
  const script = `import { Lock, memoryBackend } from ${JSON.stringify(core)}; const backend = memoryBackend(); ${body}`
  const started = performance.now()
  return new Promise((resolve) => {
    execFile(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 }, (error, stdout) =>
      resolve({ stdout: stdout.trim(), ms: performance.now() - started, failed: error !== null }),
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
