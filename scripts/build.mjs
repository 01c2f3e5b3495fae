// Builds the package in the current folder: `dist` anew. An entry point at its top becomes one file with all modules
// that it needs, as to find, read and link many small ones takes longer than to run them. An entry point in a folder of
// its own stays as tsc makes it, with what lies in that folder: for modules that are read or started by their path.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path'
import { rolldown } from 'rolldown'

const { bin = {}, exports = {} } = JSON.parse(fs.readFileSync('package.json', 'utf8'))
const executables = Object.values(bin)
const modules = Object.values(exports)
const isAtTop = (path) => dirname(path) === './dist'
const entries = [...executables, ...modules]

async function tsc(...args) {
  const [code] = await once(spawn('tsc', ['-p', 'tsconfig.build.json', ...args], { stdio: 'inherit' }), 'close')
  if (code !== 0) throw new Error(`tsc ended with code ${code}`)
}

/** What is no source, as style sheets are, lies beside what reads it. */
function copyOthers(folder) {
  const filter = (path) => fs.statSync(path).isDirectory() || !path.endsWith('.ts')
  fs.cpSync('src', folder, { recursive: true, filter })
}

function removeExcept(folder, ending, isNeeded) {
  for (const name of fs.readdirSync(folder, { recursive: true }))
    if (name.endsWith(ending) && !isNeeded(resolve(folder, name))) fs.rmSync(join(folder, name))
}

/** Puts a file in the place of the modules behind each entry point. What two of them share becomes one more. */
async function bundle(folder) {
  const bundler = await rolldown({
    input: entries.filter(isAtTop).map((path) => resolve(folder, basename(path))),
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    platform: 'node',
    // Constants keep their names, and long texts that several functions use stay single.
    optimization: { inlineConst: false },
    experimental: { attachDebugInfo: 'none' },
  })
  const { output } = await bundler.generate({ chunkFileNames: '[name].js', minifyInternalExports: false })
  await bundler.close()
  const apart = entries.filter((path) => !isAtTop(path)).map((path) => resolve(folder, '..', dirname(path)) + sep)
  removeExcept(folder, '.js', (path) => apart.some((part) => path.startsWith(part)))
  for (const { fileName, code } of output) fs.writeFileSync(join(folder, fileName), code)
}

/** Leaves the declarations that those of the entry points refer to. */
function pruneDeclarations(folder) {
  const options = ['--ignoreConfig', '--module', 'nodenext', '--noLib', '--types', '', '--listFilesOnly']
  const roots = modules.map((path) => path.replace('./dist', folder).replace(/\.js$/, '.d.ts'))
  const needed = execFileSync('tsc', [...options, ...roots], { encoding: 'utf8' }).split('\n')
  removeExcept(folder, '.d.ts', (path) => needed.includes(path))
}

// Made elsewhere, so that who works with `dist` at the same time misses it for a moment only.
fs.mkdirSync('temp', { recursive: true })
const workshop = fs.mkdtempSync('temp/build-')
const fresh = join(workshop, 'dist')
try {
  await Promise.all([
    tsc('--outDir', fresh, '--emitDeclarationOnly'),
    // The comments that users read are those of the declarations.
    tsc('--outDir', fresh, '--removeComments', '--declaration', 'false', '--isolatedDeclarations', 'false'),
  ])
  copyOthers(fresh)
  await bundle(fresh)
  pruneDeclarations(fresh)
  for (const path of executables) fs.chmodSync(path.replace('./dist', fresh), 0o755)
  if (fs.existsSync('dist')) fs.renameSync('dist', join(workshop, 'former'))
  fs.renameSync(fresh, 'dist')
} finally {
  fs.rmSync(workshop, { recursive: true, force: true })
}
