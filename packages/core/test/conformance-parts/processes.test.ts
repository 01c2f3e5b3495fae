import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { History } from '../../src/conformance/history.ts'
import { ConformanceProcess, loaderFlags } from '../../src/conformance/processes/process.ts'

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

test('flags about loading modules are passed on, and those about this process are not, nor their values', () => {
  expect(
    loaderFlags(['--import', 'tsx', '--test-reporter', 'spec', '--conditions=x', '-e', 'code', '--inspect=0']),
  ).toEqual(['--import', 'tsx', '--conditions=x'])
})

test('a process that has been stopped does not outlive the one that started it', async () => {
  const url = (file: string): string => JSON.stringify(new URL(`../../src/conformance/${file}`, import.meta.url).href)
  const program = `
    import { ConformanceProcess } from ${url('processes/process.ts')}
    import { History } from ${url('history.ts')}
    const module = 'data:text/javascript,' + encodeURIComponent(${JSON.stringify(target)})
    const one = await ConformanceProcess.start(module, 'process 1', new History())
    one.stop()
    console.log(one.pid)
    process.exit(0)`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program])
  const pid = Number(stdout)
  expect(pid).toBeGreaterThan(0)
  await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false)
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test('a process that ends by itself is missed', async () => {
  const one = await start(`${target}; setTimeout(() => process.exit(7), 100)`)
  await one.ended
  expect(() => one.assertRunning()).toThrow(/has ended \(7\)/)
})
