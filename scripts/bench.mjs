// npm run bench [-- NAME…]: the benchmarks in integration/bench one after the other, or only those named.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { build, exec, install, main, root, run, StepError } from './bootstrap.mjs'

const folder = 'integration/bench'

await main(async () => {
  const wanted = process.argv.slice(2)
  const files = existsSync(join(root, folder)) ? readdirSync(join(root, folder)) : []
  const names = files.flatMap((file) => (file.endsWith('.ts') ? [file.slice(0, -'.ts'.length)] : [])).sort()
  const unknown = wanted.filter((name) => !names.includes(name))
  if (unknown.length > 0) throw new StepError(`no benchmark ${unknown.join(', ')}; there are: ${names.join(', ')}`)

  await install()
  await build()
  const failed = []
  for (const name of wanted.length > 0 ? wanted : names) {
    console.log(`\n▸ ${name}`)
    if (!(await run(exec('node', `${folder}/${name}.ts`), { show: true }))) failed.push(name)
  }
  if (failed.length > 0) throw new StepError(`failed: ${failed.join(', ')}`)
})
