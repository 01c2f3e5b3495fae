/**
 * Runs cases of the kit in a process of their own: `node run-cases.ts TARGET CASE…`, where TARGET is the name of a sound
 * one or `broken:FLAW`. Prints a line of JSON for each case.
 */
import { AssertionError } from 'node:assert'
import { type ConformanceTarget, conformanceCases } from '../../src/conformance/index.ts'
import { LockError } from '../../src/index.ts'
import { nativeTarget, Server } from './broken/broken-backend.ts'
import { brokenBackends } from './broken-backends.ts'
import { soundTargets } from './sound-targets.ts'
import type { Verdict } from './trial.ts'

const BROKEN = 'broken:'

function targetOf(text: string): ConformanceTarget {
  if (text === 'unbroken') return nativeTarget(Server)
  if (!text.startsWith(BROKEN)) return soundTargets[text as keyof typeof soundTargets]()
  const broken = brokenBackends.find(({ flaw }) => flaw === text.slice(BROKEN.length))
  if (broken === undefined) throw new Error(`no backend is broken in this way: ${text}`)
  return broken.target()
}

async function verdictOn(target: ConformanceTarget, name: string): Promise<Verdict> {
  const found = conformanceCases(target, { seed: 1 }).find((one) => one.name === name)
  if (found === undefined) return { outcome: 'missing', said: `the target has no case ${JSON.stringify(name)}` }
  try {
    await found.run()
    return { outcome: 'passed', said: '' }
  } catch (error) {
    const complains = error instanceof AssertionError || error instanceof LockError
    const said = error instanceof Error ? (complains ? error.message : String(error.stack)) : String(error)
    return { outcome: complains ? 'complained' : 'crashed', said }
  }
}

const [target = '', ...names] = process.argv.slice(2)
for (const name of names) {
  const verdict = await verdictOn(targetOf(target), name)
  process.stdout.write(`${JSON.stringify({ name, ...verdict })}\n`)
}
// Whatever a broken backend has left running.
process.exit(0)
