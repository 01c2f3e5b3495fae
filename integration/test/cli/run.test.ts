import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { BIN, eventually, Playground } from './harness.ts'

const HOLD = 'echo $$ > holder.pid; exec sleep 60'

describe('locks run ends as its command ends', () => {
  test.for([0, 1, 42, 255])('exit code %d', async (code) => {
    await using place = new Playground()
    expect(await place.locks('run', 'a', '--', 'sh', '-c', `exit ${code}`)).toEqual({
      code,
      signal: null,
      stdout: '',
      stderr: '',
    })
  })

  test.for<[NodeJS.Signals, number]>([
    ['SIGKILL', 137],
    ['SIGABRT', 134],
  ])('a command that dies of %s: 128 + n', async ([name, code]) => {
    await using place = new Playground()
    const ended = await place.locks('run', 'a', '--', 'sh', '-c', `kill -${name.slice(3)} $$`)
    expect(ended).toMatchObject({ code, signal: null })
  })

  test('a command that dies of SIGTERM: of SIGTERM', async () => {
    await using place = new Playground()
    expect(await place.locks('run', 'a', '--', 'sh', '-c', 'kill $$')).toMatchObject({ code: null, signal: 'SIGTERM' })
  })

  test('to a shell both look the same', async () => {
    await using place = new Playground()
    const line = `"$NODE" "$BIN" run b -- sh -c 'kill $$'; echo $?`
    const outer = place.start(['run', 'a', '--', 'sh', '-c', line], { NODE: process.execPath, BIN })
    expect((await outer.ended).stdout).toBe('143\n')
  })

  test('a command that is not there: 127, one that is not executable: 126', async () => {
    await using place = new Playground()
    writeFileSync(place.path('text'), 'hello', { mode: 0o644 })
    expect(await place.locks('run', 'a', '--', './missing')).toEqual({
      code: 127,
      signal: null,
      stdout: '',
      stderr: 'locks: ./missing: command not found\n',
    })
    expect(await place.locks('run', 'a', '--', './text')).toMatchObject({
      code: 126,
      stderr: 'locks: ./text: not executable\n',
    })
  })

  test('a script without a first line of its own is run by the shell', async () => {
    await using place = new Playground()
    writeFileSync(place.path('script'), 'echo "$1"\n', { mode: 0o755 })
    expect(await place.locks('run', 'a', '--', './script', 'hello there')).toMatchObject({
      code: 0,
      stdout: 'hello there\n',
    })
  })
})

describe('what the command sees', () => {
  test('the lock and its fencing token, which rises', async () => {
    await using place = new Playground()
    const show = () =>
      place.locks(
        'run',
        'a b',
        '--namespace',
        'etl',
        '--',
        'sh',
        '-c',
        'echo "$LOCKS_NAME|$LOCKS_NAMESPACE|$LOCKS_BACKEND|$LOCKS_FENCING_TOKEN"',
      )
    const [first, second] = [await show(), await show()].map(({ stdout }) => stdout.trim().split('|'))
    expect(first?.slice(0, 3)).toEqual(['a b', 'etl', place.url])
    expect(BigInt(second?.[3] ?? '')).toBeGreaterThan(BigInt(first?.[3] ?? ''))
  })

  test('its arguments, to the letter', async () => {
    await using place = new Playground()
    const args = ['', ' ', '*', '$HOME', "it's", 'a"b', 'é\n', '--', '-n']
    const { stdout } = await place.locks(
      'run',
      'a',
      '--',
      process.execPath,
      '-p',
      'JSON.stringify(process.argv.slice(1))',
      '--',
      ...args,
    )
    expect(JSON.parse(stdout)).toEqual(args)
  })

  test('its environment, with names that a shell could not write', async () => {
    await using place = new Playground()
    const odd = { 'npm_config_a-b': '1', 'spring.port': '8080', go: 'kept', LOCKS_GATE: 'gone' }
    const { stdout } = await place.start(['run', 'a', '--', process.execPath, '-p', 'JSON.stringify(process.env)'], odd)
      .ended
    const seen: Record<string, string> = JSON.parse(stdout)
    expect(seen).toMatchObject({ 'npm_config_a-b': '1', 'spring.port': '8080', go: 'kept' })
    const added = Object.keys(seen).filter((name) => !(name in process.env) && !(name in odd))
    expect(added.filter((name) => !['_', 'SHLVL', 'PWD', 'OLDPWD'].includes(name)).sort()).toEqual(
      ['LOCKS_BACKEND', 'LOCKS_FENCING_TOKEN', 'LOCKS_NAME', 'LOCKS_NAMESPACE'].filter(
        (name) => !(name in process.env),
      ),
    )
  })

  test('no open file that it would not see otherwise', async () => {
    await using place = new Playground()
    const script = 'ls /proc/$$/fd'
    const { stdout } = await place.locks('run', 'a', '--', 'sh', '-c', script)
    expect(stdout).toBe(execFileSync('sh', ['-c', script], { encoding: 'utf8' }))
  })

  test('its standard input', async () => {
    await using place = new Playground()
    const { stdout } = await place.start(
      ['run', 'outer', '--', 'sh', '-c', `echo hello | "$NODE" "$BIN" run inner -- cat`],
      { NODE: process.execPath, BIN },
    ).ended
    expect(stdout).toBe('hello\n')
  })
})

describe('a lock that is held', () => {
  test('is not waited for with --timeout 0, and the holder is named', async () => {
    await using place = new Playground()
    const holder = place.start(['run', 'nightly', '--', 'sh', '-c', HOLD])
    await place.number('holder.pid')

    const { code, stdout, stderr } = await place.locks('run', 'nightly', '--timeout', '0', '--', 'echo', 'ran')
    expect({ code, stdout }).toEqual({ code: 75, stdout: '' })
    expect(stderr).toMatch(
      new RegExp(
        `^locks: lock "nightly" on file ${place.path('locks')}: not free: held by ${hostname()}:${holder.pid} sh \\(exclusive, for \\d+ ms, fencing token \\d+\\)\\. Look: locks status nightly\\n$`,
      ),
    )
  })

  test('is waited for until the timeout; the message tells how to look with the same flags', async () => {
    await using place = new Playground()
    place.start(['run', "it's", '--namespace', 'n', '--', 'sh', '-c', HOLD])
    await place.number('holder.pid')

    const started = performance.now()
    const { code, stderr } = await place.locks(
      'run',
      "it's",
      '--namespace',
      'n',
      '--backend',
      place.url,
      '--timeout',
      '600ms',
      '--',
      'true',
    )
    expect(code).toBe(75)
    expect(performance.now() - started).toBeGreaterThan(600)
    expect(stderr).toContain('not acquired within 600 ms: held by')
    expect(stderr).toContain(`Look: locks status 'it'\\''s' --backend ${place.url} --namespace n\n`)
  })

  test('is taken as soon as it is free', async () => {
    await using place = new Playground()
    place.start(['run', 'a', '--', 'sh', '-c', 'echo $$ > first.pid; read line < gate; echo first >> log'])
    execFileSync('mkfifo', [place.path('gate')])
    await place.number('first.pid')
    const second = place.start(['run', 'a', '--timeout', 'inf', '--', 'sh', '-c', 'echo second >> log'])
    await eventually('the second waits', () => second.child.exitCode === null)
    writeFileSync(place.path('gate'), '\n')
    expect(await second.ended).toMatchObject({ code: 0, stderr: '' })
    expect(place.read('log')).toBe('first\nsecond\n')
  })

  test('admits shared holders side by side, and no exclusive one', async () => {
    await using place = new Playground()
    place.start(['run', 'a', '--shared', '--', 'sh', '-c', 'echo $$ > one.pid; exec sleep 60'])
    place.start(['run', 'a', '--shared', '--', 'sh', '-c', 'echo $$ > two.pid; exec sleep 60'])
    await place.number('one.pid')
    await place.number('two.pid')
    expect(await place.locks('run', 'a', '--timeout', '0', '--', 'true')).toMatchObject({ code: 75 })
    expect(await place.locks('run', 'a', '--shared', '--timeout', '0', '--', 'true')).toMatchObject({ code: 0 })
  })

  test('admits as many as it has permits; other permits and plain locks are a mismatch', async () => {
    await using place = new Playground()
    const take = (...args: string[]) => place.locks('run', 'a', '--timeout', '0', ...args, '--', 'true')
    place.start(['run', 'a', '--permits', '2', '--', 'sh', '-c', 'echo $$ > one.pid; exec sleep 60'])
    await place.number('one.pid')
    expect(await take('--permits', '2')).toMatchObject({ code: 0 })
    place.start(['run', 'a', '--permits', '2', '--', 'sh', '-c', 'echo $$ > two.pid; exec sleep 60'])
    await place.number('two.pid')
    expect(await take('--permits', '2')).toMatchObject({ code: 75 })
    const other = await take('--permits', '3')
    expect(other).toMatchObject({ code: 64, stderr: expect.stringContaining('a semaphore of 2 permits') })
    expect(await take()).toMatchObject({ code: 64, stderr: expect.stringContaining('a semaphore of 2 permits') })
  })
})

test('commands that contend for a file never lose a step', async () => {
  await using place = new Playground()
  writeFileSync(place.path('counter'), '0\n')
  const step = 'n=$(cat counter); sleep 0.02; echo $((n + 1)) > counter'
  const each = 4
  const loop = Array.from({ length: 4 }, async () => {
    for (let turn = 0; turn < each; turn += 1)
      expect(await place.locks('run', 'counter', '--timeout', 'inf', '--', 'sh', '-c', step)).toMatchObject({ code: 0 })
  })
  await Promise.all(loop)
  expect(place.read('counter')).toBe(`${4 * each}\n`)
})
