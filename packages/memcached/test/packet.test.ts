import { createRequire } from 'node:module'
import { expect, test } from 'vitest'
import { ADD, DELETE, GET } from '../src/connection.ts'
import { packet } from '../src/packet.ts'

interface Memjs {
  readonly Utils: {
    makeRequestBuffer(opcode: number, key: string, extras: Buffer | '', value: string, opaque: number): Buffer
  }
}

const { Utils } = createRequire(import.meta.url)('memjs') as Memjs

test.each([
  [GET, 'a', 0],
  [DELETE, `locks:${'x'.repeat(244)}`, 2 ** 32 - 1],
  [GET, 'ключ', 7],
])('%i of %s is what memjs makes of it', (opcode, key, seq) => {
  expect(packet(opcode, key, seq, 0n)).toEqual(Utils.makeRequestBuffer(opcode, key, '', '', seq))
})

test.each([
  ['', 0, 0],
  ['["a",🔒]', 3, 30],
  ['x'.repeat(100_000), 2 ** 32 - 1, 2 ** 32 - 1],
])('what is stored is what memjs makes of it (%#)', (value, flags, seconds) => {
  const extras = Buffer.alloc(8)
  extras.writeUInt32BE(flags)
  extras.writeUInt32BE(seconds, 4)
  const theirs = Utils.makeRequestBuffer(ADD, 'a', extras, value, 12)
  expect(packet(ADD, 'a', 12, 0n, { value, flags, seconds })).toEqual(theirs)
})

test('the version that a request is for stands in its header', () => {
  const cas = 2n ** 64n - 1n
  expect(packet(DELETE, 'a', 1, cas).readBigUInt64BE(16)).toBe(cas)
})
