import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BIN, type Ended, eventually, Playground } from './harness.ts'

const OUTAGE = join(import.meta.dirname, 'backends/outage.ts')

/** Signs of life, in nanoseconds, from a grandchild of the wrapper: a shell's shell. */
const BEATS = `sh -c 'echo $$ > beats.pid; while :; do date +%s%N >> beats; sleep 0.005; done'; true`
const WITNESS = ['sh', '-c', 'date +%s%N > witness']

const beats = (place: Playground): readonly bigint[] =>
  (place.read('beats') ?? '').split('\n').flatMap((line) => (line === '' ? [] : [BigInt(line)]))

/** Runs a command over a backend that falls silent until the next run has had its lock: how it ended, and when both were. */
async function withOutage(
  place: Playground,
  onLost: string,
  script: string,
): Promise<Ended & { readonly began: bigint; readonly seen: bigint }> {
  const flags = ['--ttl', '1500', '--on-lost', onLost, '--import', OUTAGE]
  const first = place.start(['run', 'a', ...flags, '--', 'sh', '-c', script], {
    LOCKS_BACKEND: place.url.replace('file:', 'outage:'),
  })
  await place.number('beats.pid')
  const second = place.start(['run', 'a', '--timeout', 'inf', '--', ...WITNESS])
  await eventually('the second waits', async () => (await place.locks('status', 'a')).stdout.includes('1 waiting'))
  writeFileSync(place.path('outage'), '')
  const began = BigInt(Date.now()) * 1_000_000n
  expect(await second.ended).toMatchObject({ code: 0, stderr: '' })
  rmSync(place.path('outage'))
  return { ...(await first.ended), began, seen: BigInt(place.read('witness')?.trim() ?? '') }
}

describe('a lease that cannot be renewed', () => {
  test('kill: the command and its children are gone before anybody else has the lock', async () => {
    await using place = new Playground()
    const { code, stderr, began, seen } = await withOutage(place, 'kill', BEATS)
    expect(code).toBe(76)
    expect(stderr).toMatch(/^locks: lock "a" on file .*: could not be renewed in time; killed the command$/m)
    expect(beats(place).at(-1)).toBeGreaterThan(began)
    expect(beats(place).at(-1)).toBeLessThan(seen)
  })

  test('term: the command cleans up before anybody else has the lock', async () => {
    await using place = new Playground()
    const script = `trap 'date +%s%N > termed; sleep 0.1; date +%s%N > cleaned; exit 0' TERM; ${BEATS.replace('; true', ' & wait')}`
    const { code, stderr, seen } = await withOutage(place, 'term', script)
    expect({ code, stderr }).toMatchObject({
      code: 76,
      stderr: expect.stringMatching(/could not be renewed in time; sent the command a SIGTERM/),
    })
    expect(BigInt(place.read('cleaned')?.trim() ?? '')).toBeLessThan(seen)
    // The background shell never heard of it.
    expect(beats(place).at(-1)).toBeLessThan(seen)
  })

  test('term: a command that ignores it is killed before anybody else has the lock', async () => {
    await using place = new Playground()
    const { code, stderr, seen } = await withOutage(place, 'term', `trap '' TERM; ${BEATS}`)
    expect(code).toBe(76)
    expect(stderr).toMatch(/sent the command a SIGTERM\n.*the command did not end in time; killed the command/)
    expect(beats(place).at(-1)).toBeLessThan(seen)
  })

  test('ignore: the command goes on, is warned about, and its exit code counts', async () => {
    await using place = new Playground()
    const script = 'echo $$ > beats.pid; while ! test -e witness; do sleep 0.01; done; exit 7'
    const { code, stderr } = await withOutage(place, 'ignore', script)
    expect(code).toBe(7)
    expect(stderr).toContain(': lost; the command goes on without it\n')
  })
})

describe('a hold that is broken from outside', () => {
  test('ends the command within about a second', async () => {
    await using place = new Playground()
    const first = place.start(['run', 'a', '--', 'sh', '-c', BEATS])
    await place.number('beats.pid')
    const broken = performance.now()
    expect(await place.locks('break', 'a', '--yes')).toMatchObject({
      code: 0,
      stdout: `lock "a" on file ${place.path('locks')}: broken\n`,
    })
    const { code, stderr } = await first.ended
    expect({ code, stderr }).toEqual({
      code: 76,
      stderr: `locks: lock "a" on file ${place.path('locks')}: lost; killed the command\n`,
    })
    expect(performance.now() - broken).toBeLessThan(5_000)
  })

  test('term: leaves the command its grace', async () => {
    await using place = new Playground()
    const script = `trap 'sleep 0.3; echo cleaned > cleaned; exit 0' TERM; echo $$ > command.pid; while :; do sleep 0.01; done`
    const first = place.start(['run', 'a', '--on-lost', 'term', '--', 'sh', '-c', script])
    await place.number('command.pid')
    await place.locks('break', 'a', '--yes')
    expect(await first.ended).toMatchObject({
      code: 76,
      stderr: expect.stringContaining(': lost; sent the command a SIGTERM\n'),
    })
    expect(place.read('cleaned')).toBe('cleaned\n')
  })

  const BREAK = '"$NODE" "$BIN" break a --yes > out'
  test.for([
    ['shows at the end, too', 'exit 0', 76],
    ["does not hide the command's own exit code", 'exit 3', 3],
  ] as const)('%s', async ([, end, code]) => {
    await using place = new Playground()
    const env = { NODE: process.execPath, BIN }
    const first = await place.start(['run', 'a', '--', 'sh', '-c', `${BREAK}; ${end}`], env).ended
    expect(first).toMatchObject({
      code,
      stderr: expect.stringMatching(/: lost while the command ran: somebody else may have held it at the same time\n$/),
    })
  })
})

test('a lock that cannot be released when the command has ended does not change its exit code', async () => {
  await using place = new Playground()
  const first = place.start(['run', 'a', '--import', OUTAGE, '--', 'sh', '-c', 'touch outage; exit 0'], {
    LOCKS_BACKEND: place.url.replace('file:', 'outage:'),
  })
  const { code, stderr } = await first.ended
  expect(code).toBe(0)
  expect(stderr).toMatch(
    /the command has ended, but the lock could not be released \(it ends by its ttl\): .*no answer/,
  )
})
