import assert from 'node:assert/strict'
import { type Lease, Lock } from '../../index.ts'
import { counted, rejection } from '../expect.ts'
import type { Stage } from '../stage.ts'
import { type Theme, theme } from '../theme.ts'

/** What file systems, scripts, key spaces and URLs may stumble over. */
const ODD = [
  '.',
  '..',
  '../..',
  '/',
  '//',
  '/etc/passwd',
  'a/../b',
  '\\',
  'C:\\x',
  ' ',
  'x',
  '  x  ',
  'x ',
  'x.',
  '-',
  '--help',
  '~',
  '*',
  '?',
  '[a-z]',
  '{',
  '}',
  '{}',
  '{a}b',
  '}{',
  '%',
  '%2F',
  '%00',
  '+',
  '&=#',
  ':',
  'a:b',
  '@',
  ',',
  ';',
  '"',
  "'",
  '`$(x)`',
  '<x>',
  '|',
  '\0',
  '\n',
  '\r\n',
  '\t',
  '\u001b[0m',
  '\u007f',
  '\u0085',
  '\u2028',
  '\ufeff',
  'ü',
  'u\u0308',
  'ß',
  'SS',
  'ı',
  'İ',
  '中文',
  'עברית',
  '🔒',
  '👩‍👩‍👧',
  'con',
  'CON',
  'nul.txt',
  '__proto__',
  'constructor',
  'toString',
  'null',
  'undefined',
  '0',
  'queue',
  'fence',
  'holders',
  'lock',
  'locks',
  'tmp',
  '.lock',
  '.tmp',
]

type Place = readonly [namespace: string, name: string]

/** Locks of all of these can be held at once by one client, and another client finds every one of them held. */
async function assertDistinct(t: Stage, places: readonly Place[]): Promise<void> {
  const [mine, others] = [t.options(await t.client()), t.options(await t.client())]
  const take = async ([namespace, name]: Place, options: typeof mine): Promise<Lease | null> =>
    new Lock(name, { ...options, namespace }).tryAcquire()
  const leases = await Promise.all(
    places.map(async (place) => {
      const lease = await take(place, mine)
      assert.ok(lease, `${JSON.stringify(place)} is held though nobody took it`)
      assert.equal(lease.name, place[1])
      return { place, lease }
    }),
  )
  await Promise.all(
    places.map(async (place) =>
      assert.equal(await take(place, others), null, `${JSON.stringify(place)} is free though it is held`),
    ),
  )
  await Promise.all(
    leases.map(async ({ place, lease }) => {
      assert.equal(await lease.release(), true)
      assert.ok(await take(place, others), `${JSON.stringify(place)} is held though it was released`)
    }),
  )
}

/** In a namespace of its own, so that a name stays what it is. */
const fresh = (t: Stage): string => `conformance.${t.name}`

export const names: Theme = theme('names', [
  {
    title: 'any well-formed text is a name, and different ones are different locks',
    async body(t) {
      await assertDistinct(
        t,
        ODD.map((name) => [fresh(t), name]),
      )
    },
  },
  {
    title: 'a name that is the beginning of another is another lock',
    async body(t) {
      const pieces = ['a', '/', 'a', ':', 'a', '.', 'a', '-', 'a', '{', 'a', '}', 'a', ' ', 'a', '\0', 'a']
      await assertDistinct(
        t,
        pieces.map((_, index) => [fresh(t), pieces.slice(0, index + 1).join('')]),
      )
    },
  },
  {
    title: 'names that differ in case or in Unicode normalization only are different locks',
    async body(t) {
      const variants = ['é', 'e\u0301', 'É', 'E\u0301', 'K', '\u212a', 'k', 'ﬁ', 'fi', 'FI', 'Å', '\u212b', 'A\u030a']
      await assertDistinct(
        t,
        variants.map((name) => [fresh(t), name]),
      )
    },
  },
  {
    title: 'names of up to 1,024 bytes work, and differ in every byte',
    async body(t) {
      const long = 'x'.repeat(1_023)
      const wide = '🔒'.repeat(255)
      const deep = 'a/'.repeat(511)
      const some = [`${long}a`, `${long}b`, `a${long}`, `${wide}aaaa`, `${wide}aaab`, `${deep}aa`, `${deep}ab`, long]
      await assertDistinct(
        t,
        some.map((name) => [fresh(t), name]),
      )
    },
  },
  {
    title: 'two pairs of namespace and name never collide',
    async body(t) {
      const id = t.name
      await assertDistinct(t, [
        ['', `${id}:a`],
        [id, 'a'],
        [id, ':a'],
        ['', `${id}a`],
        ['', `${id}.a`],
        [`${id}.a`, 'a'],
        [id, '.a:a'],
        [`${id}.`, 'a'],
        [id, '.a'],
        [id, `${id}:a`],
        [`${id}-a`, 'b:c'],
        [`${id}-a`, 'b/c'],
        [`${id}-a.b`, 'c'],
        ['', `${id}-a:b:c`],
        [id.toUpperCase(), 'a'],
        [id, 'A'],
        [`${id}_`, 'a'],
        [id, '_a'],
        [`${'n'.repeat(255 - id.length)}${id}`, 'a'],
      ])
    },
  },
  {
    title: 'a text that is no name is refused before anything is sent',
    async body(t) {
      const { backend, calls } = counted(await t.client())
      const make = async (name: string, namespace = '') => new Lock(name, t.options(backend, { namespace })).acquire()
      for (const name of ['', '\ud800', 'a\udc00b'])
        assert.ok((await rejection(make(name))) instanceof TypeError, JSON.stringify(name))
      assert.ok((await rejection(make('x'.repeat(1_025)))) instanceof RangeError)
      assert.ok((await rejection(make('é'.repeat(513)))) instanceof RangeError)
      for (const namespace of ['a:b', 'a/b', ' ', 'ü', '*'])
        assert.ok((await rejection(make('x', namespace))) instanceof TypeError, JSON.stringify(namespace))
      assert.equal(calls(), 0)
    },
  },
])
