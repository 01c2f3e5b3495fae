import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { eventually, isAlive, Playground } from './harness.ts'

const SLOW_GATE = join(import.meta.dirname, 'backends/slow-gate.ts')

describe('signals are passed on to the command', () => {
  test.for(['INT', 'TERM', 'HUP', 'QUIT', 'USR1', 'USR2'])('SIG%s', async (name) => {
    await using place = new Playground()
    const script = `trap 'exit 33' ${name}; echo $$ > command.pid; while :; do sleep 0.01; done`
    const run = place.start(['run', 'a', '--', 'sh', '-c', script])
    await place.number('command.pid')
    process.kill(run.pid, `SIG${name}` as NodeJS.Signals)
    expect(await run.ended).toMatchObject({ code: 33, stderr: '' })
  })

  test.for<NodeJS.Signals>(['SIGINT', 'SIGTERM', 'SIGHUP'])(
    '%s ends the wrapper as it ends the command',
    async (name) => {
      await using place = new Playground()
      const run = place.start(['run', 'a', '--', 'sh', '-c', 'echo $$ > command.pid; exec sleep 60'])
      const command = await place.number('command.pid')
      process.kill(run.pid, name)
      expect(await run.ended).toMatchObject({ code: null, signal: name, stderr: '' })
      expect(isAlive(command)).toBe(false)
      expect(await place.locks('run', 'a', '--timeout', '0', '--', 'true')).toMatchObject({ code: 0 })
    },
  )

  test('each one once: a command may take the second SIGINT for another', async () => {
    await using place = new Playground()
    const script = `n=0; trap 'n=$((n + 1)); echo $n > seen; test $n = 2 && exit 2' INT; echo $$ > command.pid; while :; do sleep 0.01; done`
    const run = place.start(['run', 'a', '--', 'sh', '-c', script])
    await place.number('command.pid')
    process.kill(run.pid, 'SIGINT')
    await eventually('the first is seen', () => place.read('seen') === '1\n')
    process.kill(run.pid, 'SIGINT')
    expect(await run.ended).toMatchObject({ code: 2 })
  })
})

test('a signal ends the waiting, and leaves no place in the queue', async () => {
  await using place = new Playground()
  place.start(['run', 'a', '--', 'sh', '-c', 'echo $$ > holder.pid; exec sleep 60'])
  await place.number('holder.pid')
  const waiting = place.start(['run', 'a', '--timeout', 'inf', '--', 'touch', 'ran'])
  await eventually('one waits', async () => (await place.locks('status', 'a')).stdout.includes('1 waiting'))
  process.kill(waiting.pid, 'SIGTERM')
  expect(await waiting.ended).toMatchObject({ code: null, signal: 'SIGTERM', stderr: '' })
  expect((await place.locks('status', 'a')).stdout).not.toContain('waiting')
  expect(place.read('ran')).toBeUndefined()
})

describe('a wrapper that is killed', () => {
  test('leaves the lock with its command beyond the ttl, until that has ended', async () => {
    await using place = new Playground()
    const ttl = 500
    const run = place.start([
      'run',
      'a',
      '--ttl',
      String(ttl),
      '--',
      'sh',
      '-c',
      'echo $$ > command.pid; exec sleep 60',
    ])
    const command = await place.number('command.pid')
    process.kill(run.pid, 'SIGKILL')
    expect(await run.ended).toMatchObject({ signal: 'SIGKILL' })
    const killed = performance.now()

    while (performance.now() - killed < 4 * ttl)
      expect(await place.locks('run', 'a', '--timeout', '100', '--', 'touch', 'ran')).toMatchObject({ code: 75 })
    expect(isAlive(command)).toBe(true)

    const next = place.start(['run', 'a', '--timeout', 'inf', '--', 'touch', 'ran'])
    await eventually('the next waits', async () => (await place.locks('status', 'a')).stdout.includes('1 waiting'))
    const ended = performance.now()
    process.kill(command, 'SIGKILL')
    expect(await next.ended).toMatchObject({ code: 0 })
    expect(performance.now() - ended).toBeLessThan(1_000)
  })

  test('before its command is vouched for never starts it, and frees the lock', async () => {
    await using place = new Playground()
    const run = place.start(['run', 'a', '--import', SLOW_GATE, '--', 'touch', 'ran'], {
      LOCKS_BACKEND: place.url.replace('file:', 'slow-gate:'),
    })
    const gate = await place.number('gate.pid')
    expect(isAlive(gate)).toBe(true)
    process.kill(run.pid, 'SIGKILL')
    await run.ended
    await eventually('the gate is gone', () => !isAlive(gate))
    expect(await place.locks('run', 'a', '--timeout', '2s', '--', 'true')).toMatchObject({ code: 0 })
    expect(place.read('ran')).toBeUndefined()
  })

  test('and a signal at that moment ends it without a start', async () => {
    await using place = new Playground()
    const run = place.start(['run', 'a', '--import', SLOW_GATE, '--', 'touch', 'ran'], {
      LOCKS_BACKEND: place.url.replace('file:', 'slow-gate:'),
    })
    await place.number('gate.pid')
    process.kill(run.pid, 'SIGTERM')
    expect(await run.ended).toMatchObject({ code: null, signal: 'SIGTERM' })
    expect(place.read('ran')).toBeUndefined()
  })
})

test('a wrapper that crashes takes its command along', async () => {
  await using place = new Playground()
  const script = `setInterval(() => { if (existsSync('command.pid')) throw new Error('boom') }, 10)`
  writeFileSync(place.path('crash.mjs'), `import { existsSync } from 'node:fs'\n${script}`)
  const run = place.start(['run', 'a', '--import', './crash.mjs', '--', 'sh', '-c', 'echo $$ > command.pid; sleep 60'])
  expect(await run.ended).toMatchObject({ code: 1, stderr: expect.stringContaining('Error: boom') })
  const command = await place.number('command.pid')
  await eventually('the command is gone', () => !isAlive(command))
})

test('a wrapper that was stopped past its ttl ends its command once it goes on', async () => {
  await using place = new Playground()
  const run = place.start(['run', 'a', '--ttl', '1s', '--', 'sh', '-c', 'echo $$ > command.pid; exec sleep 60'])
  const command = await place.number('command.pid')
  process.kill(run.pid, 'SIGSTOP')
  expect(await place.locks('run', 'a', '--timeout', 'inf', '--', 'true')).toMatchObject({ code: 0 })
  // Nobody could end it in time: what the help says.
  expect(isAlive(command)).toBe(true)
  process.kill(run.pid, 'SIGCONT')
  expect(await run.ended).toMatchObject({ code: 76, stderr: expect.stringContaining(': lost; killed the command\n') })
  expect(isAlive(command)).toBe(false)
})
