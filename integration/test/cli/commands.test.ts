import { hostname } from 'node:os'
import { describe, expect, test } from 'vitest'
import { Playground } from './harness.ts'

const HOLD = ['sh', '-c', 'echo $$ > holder.pid; exec sleep 60']

async function withHolder(place: Playground, name: string): Promise<number> {
  const { pid } = place.start(['run', name, '--', ...HOLD])
  await place.number('holder.pid')
  return pid
}

describe('locks status', () => {
  test('says where a free lock would be', async () => {
    await using place = new Playground()
    expect(await place.locks('status', 'a')).toEqual({
      code: 0,
      signal: null,
      stdout: `lock "a" on file ${place.path('locks')}: free\n`,
      stderr: '',
    })
  })

  test('shows who holds a lock, since when, for how long', async () => {
    await using place = new Playground()
    const pid = await withHolder(place, 'a')
    expect((await place.locks('status', 'a')).stdout).toMatch(
      new RegExp(
        `^lock "a" on file ${place.path('locks')}: held\\n  by ${hostname()}:${pid} sh \\(exclusive, for \\d+ ms, fencing token \\d+\\), (30|29) s left unless renewed, owner [\\w-]{11}\\n$`,
      ),
    )
  })

  test('--json has the same, with fencing tokens as strings', async () => {
    await using place = new Playground()
    const pid = await withHolder(place, 'a')
    const { stdout } = await place.locks('status', 'a', '--json')
    expect(stdout.split('\n')).toHaveLength(2)
    expect(JSON.parse(stdout)).toEqual({
      backend: 'file',
      location: place.path('locks'),
      namespace: '',
      name: 'a',
      held: true,
      holders: [
        {
          owner: expect.stringMatching(/^[\w-]{11}$/),
          mode: 'exclusive',
          fencingToken: expect.stringMatching(/^\d{10,}$/),
          remaining: expect.any(Number),
          age: expect.any(Number),
          metadata: `${hostname()}:${pid} sh`,
        },
      ],
      waiters: 0,
    })
    expect(JSON.parse((await place.locks('status', 'b', '--namespace', 'n', '--json')).stdout)).toEqual({
      backend: 'file',
      location: place.path('locks'),
      namespace: 'n',
      name: 'b',
      held: false,
      holders: [],
      waiters: 0,
    })
  })

  test('a hold without end has no remaining time', async () => {
    await using place = new Playground()
    place.start(['run', 'a', '--ttl', 'inf', '--', ...HOLD])
    await place.number('holder.pid')
    expect((await place.locks('status', 'a')).stdout).toContain('), until released, owner ')
    expect(JSON.parse((await place.locks('status', 'a', '--json')).stdout).holders[0].remaining).toBeNull()
  })
})

describe('locks list', () => {
  test('names what is held, by prefix and namespace, one a line', async () => {
    await using place = new Playground()
    const script = 'echo $$ > "$LOCKS_NAMESPACE-$(echo $LOCKS_NAME | tr / _).pid"; exec sleep 60'
    for (const [name, ...flags] of [['b/1'], ['b/2'], ['a'], ['b/3', '--namespace', 'n']] as const)
      place.start(['run', name, ...flags, '--', 'sh', '-c', script])
    for (const file of ['-b_1.pid', '-b_2.pid', '-a.pid', 'n-b_3.pid']) await place.number(file)
    await place.locks('run', 'b/4', '--', 'true')

    expect((await place.locks('list')).stdout).toBe('a\nb/1\nb/2\n')
    expect((await place.locks('list', 'b/')).stdout).toBe('b/1\nb/2\n')
    expect((await place.locks('list', '--namespace', 'n')).stdout).toBe('b/3\n')
    expect(await place.locks('list', 'c')).toEqual({ code: 0, signal: null, stdout: '', stderr: '' })

    const listed = JSON.parse((await place.locks('list', 'b/', '--json')).stdout)
    expect(listed).toMatchObject({
      backend: 'file',
      location: place.path('locks'),
      namespace: '',
      locks: [
        { name: 'b/1', held: true, holders: [{ mode: 'exclusive', fencingToken: expect.any(String) }], waiters: 0 },
        { name: 'b/2', held: true, holders: [{ mode: 'exclusive', fencingToken: expect.any(String) }], waiters: 0 },
      ],
    })
  })

  test('a name that could drive the terminal is shown escaped, and in JSON to the letter', async () => {
    await using place = new Playground()
    await withHolder(place, 'a\u001b[2J\nb')
    expect((await place.locks('list')).stdout).toBe('a\\u001b[2J\\u000ab\n')
    expect(JSON.parse((await place.locks('list', '--json')).stdout).locks[0].name).toBe('a\u001b[2J\nb')
  })
})

describe('locks break', () => {
  test('asks first: without a terminal it needs --yes', async () => {
    await using place = new Playground()
    await withHolder(place, 'a')
    expect(await place.locks('break', 'a')).toEqual({
      code: 64,
      signal: null,
      stdout: '',
      stderr: 'locks: breaking a lock asks first, and there is no terminal to ask on: say --yes\n',
    })
    expect((await place.locks('status', 'a')).stdout).toContain(': held')
  })

  test('ends a hold; --json tells whether there was one', async () => {
    await using place = new Playground()
    await withHolder(place, 'a')
    const where = { backend: 'file', location: place.path('locks'), namespace: '', name: 'a' }
    const once = await place.locks('break', 'a', '--yes', '--json')
    expect({ code: once.code, ...JSON.parse(once.stdout) }).toEqual({ code: 0, ...where, broken: true })
    const again = await place.locks('break', 'a', '--yes', '--json')
    expect({ code: again.code, ...JSON.parse(again.stdout) }).toEqual({ code: 0, ...where, broken: false })
    expect((await place.locks('break', 'a', '--yes')).stdout).toBe(
      `lock "a" on file ${place.path('locks')}: nobody holds it\n`,
    )
  })
})
