// npm run demo: from a fresh clone to the running demo.
import { build, exec, install, main, run, StepError } from './bootstrap.mjs'

await main(async () => {
  await install()
  await build()
  console.log()
  if (!(await run(exec('node', 'integration/demo/demo.ts'), { show: true }))) throw new StepError('the demo failed')
})
