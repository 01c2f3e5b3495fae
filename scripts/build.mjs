// Builds the package in the current folder: `dist` anew, then tsc.
import { spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, rmSync } from 'node:fs'

// tsc never deletes what an earlier build left behind.
rmSync('dist', { recursive: true, force: true })

const tsc = spawnSync('tsc', ['-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (tsc.error) throw tsc.error
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

const { bin = {} } = JSON.parse(readFileSync('package.json', 'utf8'))
for (const file of Object.values(bin)) chmodSync(file, 0o755)
