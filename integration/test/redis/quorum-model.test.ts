import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Random } from '../../../packages/core/test/random.ts'
import { World } from '../../../packages/core/test/simulation/world.ts'
import type { Script } from '../../../packages/redis/src/script.ts'
import { type Code, load } from '../../../packages/redis/test/quorum-simulation/code.ts'
import { ModelServer } from '../../../packages/redis/test/quorum-simulation/model-server.ts'
import { redis } from './harness.ts'

const RECORD = 'locks:{node}'
const STEPS = 4_000
const token = (kind: string, number: number): string => `${kind}${number}`.padStart(22, '_')

/** A random request: a script, whether it is on a lock, and its arguments. Fencing tokens and ids are those seen so far. */
function request(
  code: Code,
  random: Random,
  now: number,
  fences: readonly string[],
  id: string,
  age: number,
): [Script, boolean, string[]] {
  // Cancelled tokens are remembered for longer than the test takes: there are ever new ones.
  const attempt = token('w', random.below(6) + 6 * age)
  const lease = token('l', random.below(3) + 3 * age)
  const nonce = `!${random.below(1e7)}`.padEnd(8, '-')
  const ttl = String(random.oneOf([40, 200, 5_000]))
  const fence = String(BigInt(random.oneOf(fences)) + BigInt(random.below(3)))
  switch (random.below(14)) {
    case 0:
      return [code.LOOK, false, ['other']]
    case 1:
      return [code.JOIN, false, [random.oneOf([id, 'other']), ttl, fence, random.oneOf(['0', '1'])]]
    case 2:
      return [code.RAISE, false, [ttl]]
    case 3:
      return [code.UNDO, true, [attempt, '60000', lease, random.oneOf(['', fence, fences.join(' ')])]]
    case 4:
      return [code.RENEW, true, [lease, ttl, '', '60000']]
    case 5:
      return [code.RELEASE, true, [lease, nonce]]
    case 6:
      return [code.CANCEL, true, [lease, nonce, '60000']]
    case 7:
      return [code.VIEW, true, ['']]
    case 8:
    case 9:
    case 10:
      return [
        code.CONFIRM,
        true,
        [attempt, lease, fence, '3', random.oneOf(['', fences.join(' ')]), random.oneOf(['0', '1'])],
      ]
    default: {
      const how = random.oneOf(['x000 1 1 no', 's001 2 1 no', 'x063 64 1 no'])
      const notAfter = String(now + random.oneOf([1_000, 1_000, -1_000]))
      return [code.PROPOSE, true, [attempt, ttl, notAfter, how, `owner-${attempt.slice(-4)} m`, lease]]
    }
  }
}

test('the model of the simulation answers as a server does', async () => {
  const code = await load(new URL('../../../packages/redis/src/', import.meta.url))
  const server = await redis()
  const world = new World(1, false)
  const model = new ModelServer('model', world, { rate: 1, offset: 0 }, code)
  const random = new Random(7)
  const fences = ['1700000000000000']
  const outcomes = new Set<string>()
  let [now, id] = [Date.now(), '']
  for (let step = 0; step < STEPS; step += 1) {
    const main = `locks:{:${random.below(2)}}`
    const [script, onLock, args] = request(code, random, now, fences.slice(-6), id, Math.floor(step / 40))
    const keys = onLock ? ['2', main, RECORD] : ['1', RECORD]
    const answer = await server.command('EVAL', script.text, ...keys, ...args)
    const reply = Array.isArray(answer) ? [...answer] : answer
    const words = (Array.isArray(reply) ? reply.map(String) : String(reply).split(' ')).slice(0, 40)
    now = Number(words.find((word) => /^\d{13}$/.test(word)))
    const fence = /^g \d+ (\d{16})/.exec(String(reply))?.[1]
    if (fence !== undefined) fences.push(fence)
    // The moment of the server's answer; which microsecond it was shows only in a fencing token.
    const micros = fence?.startsWith(String(now)) ? Number(fence.slice(13)) : 0
    world.now = now - 1_700_000_000_000 + (micros + 0.4) / 1_000
    // What the name is used as: that is only looked at while it is shared.
    if (script === code.VIEW && Array.isArray(reply) && reply[0] !== 'abstains') reply[2] = 'lock'
    const modelled = model.run('evalsha', [script.sha, ...keys, ...args])
    expect(modelled, `step ${step}: ${model.describe([script.sha, ...keys, ...args])}`).toEqual(reply)
    outcomes.add(`${model.describe([script.sha, '0']).trim()} ${/[a-z]+/.exec(words.join(' '))?.[0]}`)
    if (script === code.LOOK) id = words[1] ?? ''
    if (random.next() < 0.02) await sleep(random.below(60))
    if (random.next() < 0.004) {
      await server.command('FLUSHALL')
      model.forget()
    }
  }
  // It has come to all that matters.
  for (const outcome of ['PROPOSE g', 'PROPOSE b', 'PROPOSE own', 'PROPOSE late', 'PROPOSE small', 'PROPOSE abstains'])
    expect(outcomes).toContain(outcome)
  for (const outcome of ['CONFIRM ok', 'CONFIRM low', 'CONFIRM gone', 'JOIN ok', 'JOIN other', 'RAISE abstains'])
    expect(outcomes).toContain(outcome)
})
