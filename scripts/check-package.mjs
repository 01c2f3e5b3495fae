// Checks the built package in the current folder as its users will get it: the manifest (publint), how
// TypeScript resolves it (attw) and its public API against the committed reports in `api/` (api-extractor).
// With --update it writes those reports anew instead.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'

const update = process.argv.includes('--update')
let failed = false

function run(command, ...args) {
  const { error, status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (!error && status === 0) return
  failed = true
  console.error(
    `${command} ${args.join(' ')} failed${error ? `: ${error.message}` : ''}\n${stdout ?? ''}${stderr ?? ''}`,
  )
}

const entryPoints = readdirSync('.').filter((name) => /^api-extractor.*\.json$/.test(name))
mkdirSync('api', { recursive: true })

if (!update) {
  run('publint', 'run', '--strict')
  run('attw', '--pack', '.', '--profile', 'esm-only')
}
for (const config of entryPoints)
  run('api-extractor', 'run', '--config', config, update ? '--local' : '--print-api-report-diff')

if (failed && !update) console.error('If the public API was meant to change: pnpm api:update, and commit the reports.')
process.exitCode = failed ? 1 : 0
