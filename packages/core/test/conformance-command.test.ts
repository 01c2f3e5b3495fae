import { describe, expect, test } from 'vitest'
import { parseArguments } from '../src/conformance/command/arguments.ts'
import { checkTarget, tryClient } from '../src/conformance/command/check-target.ts'
import { declared, span } from '../src/conformance/command/declared.ts'
import { offersOf } from '../src/conformance/command/left-out.ts'
import { select } from '../src/conformance/command/select.ts'
import { duration, quoted, wrapped } from '../src/conformance/command/text.ts'
import { plan } from '../src/conformance/plan.ts'
import { recordTarget } from './conformance/targets.ts'
import { NativeBackend } from './native-backend.ts'

const sound = recordTarget('sound')
const { capabilities } = sound

describe('arguments', () => {
  test('are a module and flags, in any order; --only may be repeated', () => {
    const given = parseArguments(['--only', 'a', './x.js', '--seed=7', '--only', 'b: c', '--json', '--html', 'r.html'])
    expect(given).toEqual({ help: false, file: './x.js', only: ['a', 'b: c'], seed: 7, json: true, html: 'r.html' })
  })

  test('--help needs no module', () => {
    expect(parseArguments(['-h']).help).toBe(true)
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /needs the module/],
    ['a.js b.js', /one module at a time, not a\.js and b\.js/],
    ['a.js --sed 1', /unknown flag --sed/],
    ['a.js --only', /--only needs a text/],
    ['a.js --json=yes', /--json takes no value/],
    ['a.js --seed 4294967296', /--seed must be a whole number from 0 to 4294967295, not "4294967296"/],
    ['a.js --seed 0x10', /--seed must be/],
  ]
  test.for(wrong)('"%s" is refused', ([line, message]) => {
    expect(() => parseArguments(line.split(' ').filter(Boolean))).toThrow(message)
  })
})

describe('a target', () => {
  test('that has all it needs is taken', () => {
    expect(checkTarget(sound)).toBe(sound)
  })

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['no object', () => sound, /"target" is a function, not an object/],
    ['a promise', Promise.resolve(sound), /target\.name is missing/],
    ['without connect', { ...sound, connect: undefined }, /target\.connect is missing, not a function/],
    ['of a negative ttl', { ...sound, ttl: -1 }, /target\.ttl is -1/],
    ['with a fault that is no function', { ...sound, faults: { restart: true } }, /faults\.restart is true/],
    [
      'whose trouble nothing ends',
      { ...sound, faults: { pause() {}, isolate() {}, disconnect() {} } },
      /faults\.resume is missing: it ends what pause and isolate begin/,
    ],
    [
      'of unknown modes',
      { ...sound, capabilities: { ...capabilities, modes: ['exclusive', 'rw'] } },
      /modes is .*"rw"/,
    ],
    [
      'of impossible ttls',
      { ...sound, capabilities: { ...capabilities, ttl: { ...capabilities.ttl, min: 10, max: 5 } } },
      /ttl\.min is above capabilities\.ttl\.max/,
    ],
  ]
  test.for(wrong)('%s is refused', ([, target, message]) => {
    expect(() => checkTarget(target)).toThrow(message)
  })

  test('that connects to nothing is refused', async () => {
    const refused = async (connect: () => unknown, message: RegExp): Promise<void> => {
      await expect(tryClient({ ...sound, connect } as typeof sound)).rejects.toThrow(message)
    }
    await refused(() => Promise.reject(new Error('ECONNREFUSED')), /connect\(\) failed: ECONNREFUSED/)
    await refused(() => ({ capabilities, acquire() {} }), /it has no cancel, renew, .* and close/)
    await refused(() => undefined, /gives nothing, not a LockBackend/)
    const others = { ...NativeBackend.capabilities, list: false }
    await expect(tryClient({ ...sound, capabilities: others })).rejects.toThrow(/not those of its clients/)
    await expect(tryClient(sound)).resolves.toBeUndefined()
  })
})

describe('cases', () => {
  const all = plan(sound, 1)

  test('are chosen by a part of their name, in any case, their theme included', () => {
    const chosen = select(all, ['FENCING: tokens', 'not re-entrant'])
    const names = chosen.cases.map(({ theme, title }) => `${theme}: ${title}`)
    expect(names.length).toBeGreaterThan(2)
    for (const name of names) expect(name).toMatch(/^fencing: tokens|not re-entrant/)
    expect(select(all, [])).toBe(all)
  })

  test('that are all left out cannot be chosen: what they need is named', () => {
    const { faults: _, ...poor } = sound
    expect(() => select(plan(poor, 1), ['outage'])).toThrow(/need what the target doesn't offer: the fault/)
  })

  test('that there are none of are refused, with the themes', () => {
    expect(() => select(all, ['zebra'])).toThrow(/no case has "zebra" in its name. The themes are: exclusion,/)
  })

  test('left out are told by what they need, the most rewarding first', () => {
    const { faults: _, ...poor } = sound
    const offers = offersOf(plan(poor, 1).leftOut)
    const counts = offers.map(({ cases }) => cases.length)
    expect(counts).toEqual(counts.toSorted((a, b) => b - a))
    expect(new Set(offers.map(({ needs }) => needs.join())).size).toBe(offers.length)
  })
})

describe('words', () => {
  test('what a backend declares', () => {
    const facts = Object.fromEntries(declared(capabilities))
    expect(facts.modes).toBe('exclusive, shared and semaphore')
    const guarantee = {
      ...capabilities.guarantee,
      exclusionAcross: { restart: true, failover: 'n/a', dataLoss: false, clockStep: true },
      fencingAcross: { restart: 'clock', dataLoss: 'n/a' },
    } as const
    const { exclusion, fencing } = Object.fromEntries(declared({ ...capabilities, guarantee }))
    expect(exclusion).toBe('kept across a restart and a clock step; not kept across data loss')
    expect(fencing).toBe('across a restart as far as a wall clock carries it')
  })

  test('durations', () => {
    expect([0.2, 999.4, 1_000, 59_949, 59_960, 94_000].map(duration)).toEqual([
      '<1 ms',
      '999 ms',
      '1.0 s',
      '59.9 s',
      '1:00 m',
      '1:34 m',
    ])
    expect([20, 1_000, 1_500, 60_000, 86_400_000].map(span)).toEqual(['20 ms', '1 s', '1500 ms', '1 min', '1 d'])
  })

  test('what a shell takes, and lines of a width', () => {
    expect(quoted('./a-b.ts')).toBe('./a-b.ts')
    expect(quoted("owner's $HOME")).toBe("'owner'\\''s $HOME'")
    expect(wrapped('one two three', 7)).toEqual(['one two', 'three'])
  })
})
