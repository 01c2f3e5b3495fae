import type { Runtime } from '@locks/core'
import { expect, test } from 'vitest'
import { GRAVE, Late } from '../src/late.ts'

const clock = { mono: 0, wall: 0 }
const late = new Late({ now: () => ({ ...clock }) } as Runtime)

test('one may come until it is answered', async () => {
  const { promise, resolve } = Promise.withResolvers<number>()
  const following = late.follow('a', () => promise)
  const other = late.follow('a', async () => 0)
  await other
  expect(late.mayCome('a')).toBe(true)
  resolve(1)
  expect(await following).toBe(1)
  expect(late.mayCome('a')).toBe(false)
})

test('one that was given up may come for a minute more', async () => {
  const fail = (): Promise<never> => late.follow('b', () => Promise.reject(new Error('no answer')))
  await expect(fail()).rejects.toThrow('no answer')
  clock.mono = GRAVE
  expect(late.mayCome('b')).toBe(true)
  await expect(fail()).rejects.toThrow('no answer')
  clock.mono = 2 * GRAVE
  expect(late.mayCome('b')).toBe(true)
  clock.mono += 1
  expect(late.mayCome('b')).toBe(false)
})
