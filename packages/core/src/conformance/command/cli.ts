#!/usr/bin/env node
import { constants } from 'node:os'
import { main } from './main.ts'
import { EXIT } from './refusal.ts'
import { sinkOf } from './sink.ts'

const { SIGINT, SIGTERM, SIGHUP, SIGPIPE = 13 } = constants.signals
const ending = new AbortController()

/** The second time it ends the process as it is: what the first one began may hang. */
const endBy = (number: number) => (): void => {
  if (ending.signal.aborted) process.exit(EXIT.signal + number)
  ending.abort(number)
}
process.on('SIGINT', endBy(SIGINT))
process.on('SIGTERM', endBy(SIGTERM))
process.on('SIGHUP', endBy(SIGHUP))
// Whoever read our output has gone, as `head` does. The target must be closed all the same.
let unread = false
process.stdout.on('error', () => {
  unread = true
  ending.abort(SIGPIPE)
})
process.stderr.on('error', () => undefined)

/** Not left to the event loop: the adapter may have left something open that keeps it going. */
async function end(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise((resolve) => {
      stream.write('', resolve)
    })
  // What nobody could read has not succeeded.
  process.exit(unread && code === EXIT.passed ? EXIT.signal + SIGPIPE : code)
}

// Not awaited here: of an await at the top level that nothing settles, Node.js has things to say that are of no use.
void main(process.argv.slice(2), {
  stdout: sinkOf(process.stdout),
  stderr: sinkOf(process.stderr),
  signal: ending.signal,
}).then(end)
