/** Processes that die, stall or are busy while they hold or wait. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { Agent, freshDirectory, now, pause, waitFor } from './harness.ts'

const ROUNDS = 5
const median = (values: readonly number[]): number =>
  [...values].sort((one, other) => one - other)[values.length >> 1] ?? Number.NaN

test('the next one follows a holder that was killed in less than 100 ms, however long its ttl', async () => {
  const { store } = freshDirectory()
  const waiter = new Agent(store)
  const delays: number[] = []
  for (let round = 0; round < ROUNDS; round += 1) {
    const holder = new Agent(store)
    const { token } = await holder.acquire('a', { ttl: 3_600_000 })
    const waiting = waiter.acquire('a')
    await waitFor(waiter, 'a', 1)
    await pause(20 * round)
    const killed = now()
    await holder.kill()
    const granted = await waiting
    delays.push(granted.at - killed)
    expect(BigInt(granted.token)).toBeGreaterThan(BigInt(token))
    await waiter.release('a')
  }
  expect(median(delays)).toBeLessThan(100)
  expect(Math.max(...delays)).toBeLessThan(1_000)
})

test('a killed holder of a permanent lease is replaced by a later tryAcquire', async () => {
  const { store } = freshDirectory()
  const [holder, other] = [new Agent(store), new Agent(store)]
  await holder.acquire('a', { ttl: Number.POSITIVE_INFINITY })
  expect(await other.tryAcquire('a')).toBeNull()
  await holder.kill()
  expect(await other.locked('a')).toBe(false)
  expect(await other.tryAcquire('a')).not.toBeNull()
})

test('a waiter that was killed is skipped', async () => {
  const { store } = freshDirectory()
  const [holder, first, second] = [new Agent(store), new Agent(store), new Agent(store)]
  await holder.acquire('a')
  const lost = first.acquire('a').catch(() => undefined)
  await waitFor(holder, 'a', 1)
  const waiting = second.acquire('a')
  await waitFor(holder, 'a', 2)
  await first.kill()
  await lost
  const released = now()
  expect(await holder.release('a')).toBe(true)
  expect((await waiting).at - released).toBeLessThan(1_000)
})

test('a holder that stands for a child is not replaced while the child lives', async () => {
  const { store } = freshDirectory()
  const [holder, other] = [new Agent(store), new Agent(store)]
  const child = spawn('sleep', ['600'], { stdio: 'ignore' })
  onTestFinished(() => void child.kill('SIGKILL'))
  await holder.acquire('a', { ttl: 3_600_000 })
  await holder.standFor(child.pid ?? 0)
  await holder.renew('a')
  await holder.kill()
  for (let look = 0; look < 10; look += 1) {
    expect(await other.tryAcquire('a')).toBeNull()
    await pause(20)
  }
  const waiting = other.acquire('a')
  await waitFor(other, 'a', 1)
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect((await waiting).token).toBeTruthy()
})

test("a stopped holder's lease runs out; when it goes on it knows at once, and harms nobody", async () => {
  const { store } = freshDirectory()
  const [holder, other] = [new Agent(store), new Agent(store)]
  const ttl = 400
  await holder.acquire('a', { ttl })
  const stopped = now()
  holder.child.kill('SIGSTOP')
  const granted = await other.acquire('a')
  expect(granted.at - stopped).toBeGreaterThan(ttl / 3)
  // Asked while it stands still: the answer is the first thing that it does.
  const first = holder.status('a')
  holder.child.kill('SIGCONT')
  expect(await first).toMatchObject({ held: false, aborted: true })
  expect(await holder.release('a')).toBe(false)
  expect(await other.status('a')).toMatchObject({ held: true })
  await other.renew('a')
  expect(await holder.tryAcquire('a')).toBeNull()
  expect(await other.release('a')).toBe(true)
})

test('a holder whose event loop was blocked past its ttl knows at once', async () => {
  const { store } = freshDirectory()
  const [holder, other] = [new Agent(store), new Agent(store)]
  const { token } = await holder.acquire('a', { ttl: 300 })
  const blocked = holder.block('a', 900)
  const granted = await other.acquire('a')
  expect(BigInt(granted.token)).toBeGreaterThan(BigInt(token))
  expect(await blocked).toMatchObject({ held: false, aborted: true })
  expect(await holder.release('a')).toBe(false)
  expect(await other.status('a')).toMatchObject({ held: true })
})

test('a step of the wall clock frees nothing', async () => {
  const { store } = freshDirectory()
  const [holder, other] = [new Agent(store), new Agent(store)]
  await holder.acquire('a', { ttl: 5_000 })
  const day = 86_400_000
  for (const step of [day, -day, 400 * day, -400 * day]) {
    await other.stepWallClock(step)
    expect(await other.tryAcquire('a')).toBeNull()
    expect(await other.locked('a')).toBe(true)
  }
  await holder.stepWallClock(-day)
  expect(await holder.status('a')).toMatchObject({ held: true })
  // Forward it is taken for a suspension: the holder gives up what it can't be sure of.
  await holder.stepWallClock(day)
  expect(await holder.status('a')).toMatchObject({ held: false })
})

test('tokens rise even where the wall clock is set back', async () => {
  const { store } = freshDirectory()
  const [one, other] = [new Agent(store), new Agent(store)]
  let last = 0n
  for (const [agent, step] of [
    [one, 0],
    [other, -86_400_000],
    [one, 5_000],
    [other, 0],
  ] as const) {
    await agent.stepWallClock(step)
    const { token } = await agent.acquire('a', { ttl: 60_000 })
    expect(BigInt(token)).toBeGreaterThan(last)
    last = BigInt(token)
    await agent.release('a')
  }
})

test('a thread that ends without a word is replaced after its ttl, as its process lives on', async () => {
  const { store } = freshDirectory()
  const [holder, other] = [new Agent(store), new Agent(store)]
  await holder.loseThread('a', 1_000)
  const lost = now()
  const { at } = await other.acquire('a')
  expect(at - lost).toBeGreaterThan(200)
  expect(at - lost).toBeLessThan(3_000)
})
