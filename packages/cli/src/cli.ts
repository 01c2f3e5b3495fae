#!/usr/bin/env node
import { main } from './main.ts'
import { dieBy } from './run/signals.ts'

// Whoever read our output may have gone; a command that runs under a lock must not end for that.
process.stdout.on('error', () => undefined)
process.stderr.on('error', () => undefined)

const ending = await main(process.argv.slice(2), {
  isTerminal: process.stdout.isTTY === true,
  print: (text) => process.stdout.write(`${text}\n`),
  say: (line) => process.stderr.write(`locks: ${line}\n`),
})
// Not left to the event loop: a module of --import may keep it going.
if (typeof ending === 'string') dieBy(ending)
await new Promise((resolve) => {
  process.stdout.write('', resolve)
})
process.exit(ending)
