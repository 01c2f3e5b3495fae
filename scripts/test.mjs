// npm test: every check and every test, from a fresh clone. All steps are run even if one fails. The last line
// counts the tests by vitest's own reports, and each other step that failed as one failed.
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { exec, install, main, minutes, root, step } from './bootstrap.mjs'
import { provideServers } from './servers.mjs'

const quiet = ['--output-logs=errors-only', '--continue=always']
const total = { passed: 0, failed: 0, skipped: 0 }

const summary = ({ passed, failed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

/** The folders of the workspace whose manifest has the script `name`. */
function foldersWith(name) {
  const packages = readdirSync(join(root, 'packages')).map((folder) => `packages/${folder}`)
  return [...packages, 'integration'].filter((folder) => {
    const manifest = join(root, folder, 'package.json')
    return existsSync(manifest) && name in (JSON.parse(readFileSync(manifest, 'utf8')).scripts ?? {})
  })
}

/** What a report counts; undefined if there is none to be read. */
function read(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests, testResults } = JSON.parse(
      readFileSync(report, 'utf8'),
    )
    // A file that could not be loaded has no failed test: it counts itself.
    const broken = testResults.filter(
      (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
    )
    return {
      passed: numPassedTests,
      failed: numFailedTests + broken.length,
      skipped: numPendingTests + numTodoTests,
    }
  } catch {
    return undefined
  }
}

async function check(name, work) {
  if (!(await step(name, work))) total.failed += 1
}

async function test(folder, task) {
  const report = join(root, folder, 'reports/vitest.json')
  rmSync(report, { force: true })
  const command = exec('turbo', 'run', task, `--filter=./${folder}`, '--only', ...quiet)
  const ok = await step(`${task} ${folder}`, command, { timeout: 45 * minutes })

  const counts = read(report) ?? { passed: 0, failed: 0, skipped: 0 }
  // A runner that crashed or ran nothing, or an error outside of the tests.
  if (counts.failed === 0 && (!ok || counts.passed === 0)) {
    console.log(`✗ ${folder}: ${ok ? 'no test passed' : 'failed outside of its tests'}`)
    counts.failed = 1
  }
  console.log(`  ${summary(counts)}`)
  for (const key of Object.keys(total)) total[key] += counts[key]
}

await main(async () => {
  process.once('exit', (code) => {
    if (code !== 0 && total.failed === 0) total.failed = 1
    console.log(summary(total))
  })
  try {
    await install()
    await check('build', exec('turbo', 'run', 'build', ...quiet))
    await check('lint', exec('biome', 'check', '--error-on-warnings', '.'))
    await check('typecheck', exec('turbo', 'run', 'typecheck', ...quiet))
    await check('check:package', exec('turbo', 'run', 'check:package', ...quiet))
    await check('servers', provideServers)
    for (const task of ['test', 'test:integration']) {
      for (const folder of foldersWith(task)) await test(folder, task)
    }
  } catch (error) {
    total.failed += 1
    throw error
  } finally {
    if (total.failed > 0) process.exitCode = 1
  }
})
