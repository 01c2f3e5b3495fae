import { expect, test } from 'vitest'
import { Servers } from '../src/servers.ts'

const servers = (...hosts: readonly string[]): Servers => new Servers(hosts.map((host) => ({ host, port: 11_211 })))
const keys = Array.from({ length: 300 }, (_, at) => `key-${at}`)
const places = (of: Servers): readonly string[] => keys.map((key) => of.of(key).name)

test('each lock lives on one, whatever the order in which they are named', () => {
  expect(places(servers('a', 'b', 'c'))).toEqual(places(servers('c', 'a', 'b')))
  const counts = Map.groupBy(places(servers('a', 'b', 'c')), (name) => name)
  expect([...counts.values()].map(({ length }) => length).every((count) => count > 60)).toBe(true)
})

test('one more takes its share, and no other lock moves', () => {
  const [before, after] = [places(servers('a', 'b')), places(servers('a', 'b', 'c'))]
  expect(after.every((name, at) => name === before[at] || name === 'c:11211')).toBe(true)
})
