/**
 * npm run demo: five processes add to one number in a file, first without a lock, then with one of @locks/file, while
 * one of them is killed in the midst of it. Exits with 1 if the lock did not keep its promises.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { letLoose, type Report } from './crew.ts'
import { paint, View } from './view.ts'

const NAMES = ['ada', 'ben', 'cleo', 'dan', 'eve']
const TURNS = 30
const VICTIM = { name: 'cleo', turn: 12 }

const heading = (text: string) => console.log(`\n${paint('bold', text)}`)
const explain = (text: string) => console.log(`${paint('dim', text)}\n`)
const verdict = (good: boolean, text: string) =>
  console.log(`  ${good ? paint('green', '✔') : paint('red', '✘')} ${text}`)

process.once('SIGINT', () => process.exit(130)).once('SIGTERM', () => process.exit(143))
const folder = mkdtempSync(join(tmpdir(), 'locks-demo-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))

async function act(locked: boolean): Promise<Report> {
  const view = new View(TURNS)
  const report = await letLoose({
    names: NAMES,
    turns: TURNS,
    locked,
    folder,
    victim: locked ? VICTIM : null,
    mercy: 1_200,
    changed: view.changed,
  })
  view.finish()
  return report
}

heading(`1. Without a lock`)
explain(
  `${NAMES.length} processes: each ${TURNS} times reads a number from one file, thinks for a moment, writes back one more.`,
)
const without = await act(false)
const lost = without.added - without.counter
console.log()
verdict(false, `${without.added} additions, and the file says ${without.counter}: ${lost} lost`)

heading(`2. With a lock`)
explain(`The same, each step inside  lock.using(async () => { … }).  And ${VICTIM.name} gets killed while holding it.`)
const guarded = await act(true)
const { takeover, tokens, workers } = guarded

const nothingLost = guarded.added === guarded.counter
const expected = NAMES.length * TURNS - (TURNS - VICTIM.turn + 1)
const carriedOn =
  guarded.added === expected && workers.every(({ state, name }) => state === (name === VICTIM.name ? 'killed' : 'done'))
const rising = tokens.every((token, index) => index === 0 || token > (tokens[index - 1] as bigint))
console.log()
verdict(
  nothingLost,
  `${guarded.added} additions, and the file says ${guarded.counter}: ${nothingLost ? 'none lost' : 'SOME LOST'}`,
)
verdict(
  carriedOn && takeover !== undefined,
  `a holder was killed, and the others carried on: no clean-up by hand, no waiting for a ttl${takeover === undefined ? '' : ` (${takeover.toFixed(0)} ms)`}`,
)
verdict(rising, `${tokens.length} fencing tokens, each higher than the one before`)
console.log()

process.exitCode = lost > 0 && nothingLost && carriedOn && takeover !== undefined && rising ? 0 : 1
