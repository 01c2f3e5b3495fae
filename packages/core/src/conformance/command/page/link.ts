import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'

const IMPORT = /^import \{ ([^}]*) \} from '(\.[^']+)';?$/gm
const EXPORT = /^export (?:async )?(?:const|function|class) (\w+)/gm

/**
 * One script from a module and those it imports. A page that is opened as a file cannot load modules, and the code of the page
 * should be ordinary modules that are type-checked and tested: so each becomes a function's scope, in the order of their
 * imports. It knows only what these modules use: named imports by relative path, on one line, and named exports.
 */
export function link(entry: URL): string {
  const scopes = new Map<string, string>()
  const add = (file: URL): string => {
    const known = scopes.get(file.href)
    if (known !== undefined) return known
    const source = read(file)
    const body = source
      .replace(IMPORT, (_, names: string, path: string) => `const { ${renamed(names)} } = ${add(new URL(path, file))}`)
      .replace(/^export /gm, '')
    const name = `module${scopes.size + 1}`
    scopes.set(file.href, name)
    const exported = [...source.matchAll(EXPORT)].map(([, one]) => one)
    parts.push(`const ${name} = (() => {\n${body.trim()}\nreturn { ${exported.join(', ')} }\n})()`)
    return name
  }
  const parts: string[] = []
  add(entry)
  const script = `'use strict'\n${parts.join('\n')}\n`
  if (/<\/script|<!--/i.test(script)) throw new Error('the code of the page contains what ends a script element')
  return script
}

const renamed = (names: string): string => names.replaceAll(' as ', ': ')

/** From `dist` it is JavaScript. From the sources, as in the tests of this package, the types have to go. */
function read(file: URL): string {
  const text = readFileSync(file, 'utf8')
  return file.pathname.endsWith('.ts') ? stripTypeScriptTypes(text).replace(/^import +\n|^ *\n/gm, '') : text
}
