import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { thisHost } from '../src/host.ts'
import { hostPresence, type ProcessPresence } from '../src/presence.ts'
import { until } from './support.ts'

const hostId = (): string => thisHost()?.processes ?? expect.fail('processes cannot be compared here')
const presence = (singleKernel = true): ProcessPresence =>
  hostPresence(() => singleKernel) ?? expect.fail('processes cannot be compared here')

/** A process that sleeps until the test ends. */
function sleeper(command = 'sleep', args = ['600']) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** As that process would describe itself. */
function described(pid: number): string {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? []
  return `${pid.toString(36)}.${Number(fields[19]).toString(36)}`
}

test('this process is there', () => {
  const { self } = presence()
  expect(self).toBe(`${hostId()}.${described(process.pid)}`)
  expect(presence().gone(self)).toBe(false)
})

test('a process is gone once it has ended, and not before', async () => {
  const child = sleeper()
  const name = `${hostId()}.${described(child.pid ?? 0)}`
  expect(presence().gone(name)).toBe(false)
  child.kill('SIGSTOP')
  expect(presence().gone(name)).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(presence().gone(name)).toBe(true)
})

test('a zombie is gone', async () => {
  // The shell becomes a sleeper that never asks for its child's end.
  const parent = sleeper('sh', ['-c', 'sleep 600 & echo $!; exec sleep 600'])
  const [line] = (await once(parent.stdout, 'data')) as [Buffer]
  const pid = Number(line.toString())
  onTestFinished(() => void process.kill(pid, 'SIGKILL'))
  const name = `${hostId()}.${described(pid)}`
  expect(presence().gone(name)).toBe(false)
  await until('the shell has become the sleeper', () =>
    readFileSync(`/proc/${parent.pid}/stat`, 'latin1').includes('(sleep)'),
  )
  process.kill(pid, 'SIGKILL')
  await until('it is gone', () => presence().gone(name))
  expect(readFileSync(`/proc/${pid}/stat`, 'latin1')).toContain(') Z ')
})

test("a later process with the same id doesn't count as the earlier one", () => {
  const [pid] = described(process.pid).split('.')
  expect(presence().gone(`${hostId()}.${pid}.1`)).toBe(true)
  // Without a start nothing can be told from the later one.
  expect(presence().gone(`${hostId()}.${pid}.`)).toBe(false)
})

test.each(['', '.', 'other.1.1', `${hostId()}`, `${hostId()}.`, `${hostId()}.zz`, `${hostId()}.-1.5`, `${hostId()}..`])(
  'nothing is said of %j',
  (name) => {
    expect(presence().gone(name)).toBe(false)
  },
)

test('processes of another boot are gone where only one kernel can have the directory', () => {
  const other = `otherbot.${described(process.pid)}`
  expect(presence(false).gone(other)).toBe(false)
  expect(presence(true).gone(other)).toBe(true)
  expect(presence(true).gone(`otherbot~1.${described(process.pid)}`)).toBe(true)
})

test('a virtual machine that sees a directory of its host as a shared one is not taken for an earlier boot', () => {
  const inside = `otherbot!.${described(process.pid)}`
  expect(presence(true).gone(inside)).toBe(false)
  expect(presence(true).outlived(inside)).toBe(false)
  expect(presence(false).self).toBe(`${hostId()}!.${described(process.pid)}`)
})

test('processes of one host that see the directory in different ways know each other all the same', async () => {
  const child = sleeper()
  const name = `${hostId()}!.${described(child.pid ?? 0)}`
  expect(presence(true).gone(name)).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(presence(true).gone(name)).toBe(true)
})

test('of another pid namespace of this boot nothing is known', () => {
  const other = `${thisHost()?.clock}~1.1.1`
  expect(presence(true).gone(other)).toBe(false)
  expect(presence(true).outlived(other)).toBe(false)
})

test('who is gone is outlived as long as a process that it stood for runs', async () => {
  const child = sleeper()
  const orphaned = `${hostId()}.${process.pid.toString(36)}.1.${described(child.pid ?? 0)}`
  const attended = `${hostId()}.${described(process.pid)}.${described(child.pid ?? 0)}`
  expect(presence().outlived(orphaned)).toBe(true)
  expect(presence().outlived(attended)).toBe(false)
  expect(presence().outlived(`${hostId()}.${process.pid.toString(36)}.1`)).toBe(false)
  expect(presence().outlived(`otherbot.1.1.${described(child.pid ?? 0)}`)).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(presence().outlived(orphaned)).toBe(false)
})

test('who stands for one process after another carries only those that run', async () => {
  const mine = presence()
  for (let turn = 0; turn < 20; turn += 1) {
    const child = sleeper()
    expect(mine.standFor(child.pid ?? 0)).toBe(true)
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(mine.standFor(child.pid ?? 0)).toBe(false)
  }
  const last = sleeper()
  mine.standFor(last.pid ?? 0)
  expect(mine.self.endsWith(`.${described(process.pid)}.${described(last.pid ?? 0)}`)).toBe(true)
})

test('who stands for another process is gone only with it', async () => {
  const child = sleeper()
  const mine = presence()
  const before = mine.self
  mine.standFor(child.pid ?? 0)
  mine.standFor(child.pid ?? 0)
  expect(mine.self).toBe(`${before}.${described(child.pid ?? 0)}`)
  // As if this process were gone and its child not.
  const orphaned = `${hostId()}.${process.pid.toString(36)}.1.${described(child.pid ?? 0)}`
  expect(presence().gone(orphaned)).toBe(false)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(presence().gone(orphaned)).toBe(true)
  expect(presence().gone(mine.self)).toBe(false)
  const late = presence()
  late.standFor(child.pid ?? 0)
  expect(late.self).toBe(before)
})
