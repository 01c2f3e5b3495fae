import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { History } from '../../src/conformance/history.ts'
import { ConformanceProcess } from '../../src/conformance/processes/process.ts'

const start = (source: string): Promise<ConformanceProcess> =>
  ConformanceProcess.start(`data:text/javascript,${encodeURIComponent(source)}`, 'process 1', new History())

const memory = fileURLToPath(new URL('../../src/memory-backend.ts', import.meta.url))
/** Locks of its own: enough to see what a process notes. */
const target = `import { memoryBackend } from ${JSON.stringify(`file://${memory}`)}
  export const target = { connect: memoryBackend }`

const usage = { namespace: '', name: 'a', ttl: 30_000, timeout: 1_000, requestTimeout: 1_000 }

test('a module that has no target is told to its author', async () => {
  await expect(start('export const backend = 1')).rejects.toThrow(/could not use the module data:.*`target`/s)
})

test('a module that fails is told to its author, with its reason', async () => {
  await expect(start('throw new Error("no such server")')).rejects.toThrow('no such server')
})

test('a module that ends its process is told to its author, with what it last said', async () => {
  await expect(start('console.error("out of luck"); process.exit(3)')).rejects.toThrow(/it ended.*out of luck/s)
})

test('a lease is in the history from its grant until its process was killed', async () => {
  const history = new History()
  const one = await ConformanceProcess.start(`data:text/javascript,${encodeURIComponent(target)}`, 'process 1', history)
  const token = await one.acquire(usage)
  await one.kill()
  expect(history.holdings).toMatchObject([{ who: 'process 1', fencingToken: token, mode: 'exclusive', end: 'killed' }])
  const [holding] = history.holdings
  expect(holding?.until).toBeGreaterThan(holding?.from ?? 0)
  expect(holding?.until).toBeLessThan((holding?.from ?? 0) + usage.ttl)
  expect(history.troubles).toMatchObject([{ kind: 'killed', who: 'process 1' }])
})

test('a released lease is in the history until its release was called', async () => {
  const history = new History()
  const one = await ConformanceProcess.start(`data:text/javascript,${encodeURIComponent(target)}`, 'process 1', history)
  await one.acquire(usage)
  await one.release()
  await one.kill()
  expect(history.holdings).toMatchObject([{ end: 'released' }])
})

test('what a process is asked after its end is refused, not left open', async () => {
  const one = await start(target)
  await one.kill()
  await expect(one.held()).rejects.toThrow(/has ended \(SIGKILL\)/)
})
