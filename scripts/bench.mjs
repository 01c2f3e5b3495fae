// npm run bench [-- NAME…] [--OPTION…]: the benchmarks in integration/bench one after the other, or only those named.
// Options are theirs, and so is everything behind the first one.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build, exec, install, main, root, run, StepError } from './bootstrap.mjs'

const folder = 'integration/bench'

await main(async () => {
  const args = process.argv.slice(2)
  const firstOption = args.findIndex((arg) => arg.startsWith('-'))
  const wanted = firstOption < 0 ? args : args.slice(0, firstOption)
  const options = args.slice(wanted.length)
  const files = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []
  const names = files.flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -'.ts'.length)] : [])).sort()
  const unknown = wanted.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new StepError(`no benchmark ${unknown.join(', ')}; there are: ${names.join(', ')}`)

  await install()
  await build()
  const failed = []
  for (const name of wanted.length > 0 ? wanted : names) {
    console.log(`\n▸ ${name}`)
    if (!(await run(exec('node', `${folder}/${name}.ts`, ...options), { show: true }))) failed.push(name)
  }
  if (failed.length > 0) throw new StepError(`failed: ${failed.join(', ')}`)
})
