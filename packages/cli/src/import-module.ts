import { existsSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CommandError, EXIT, usageError } from './exit.ts'
import { codeOf } from './failure.ts'

const caller = (): string => pathToFileURL(join(process.cwd(), 'package.json')).href

/** Where an adapter package is: from the caller's folder, else from beside this command; undefined if in neither. */
export function findPackage(name: string): string | undefined {
  for (const parent of [caller(), import.meta.url]) {
    try {
      return pathToFileURL(createRequire(parent).resolve(name)).href
    } catch {
      // Not there.
    }
  }
  return undefined
}

const isCore = (specifier: string) => specifier === '@locks/core' || specifier.startsWith('@locks/core/')

/**
 * Loads the module of `--import`, which may call `registerBackend`. Registrations live in one copy of @locks/core, and
 * that module, with the other files of its project, might find another copy than this command's, or none (a lone file
 * beside a global installation). So for them `@locks/core` is this command's copy. Packages in node_modules keep
 * their own: a backend is used by its shape, whichever copy it stands on.
 */
export async function importModule(specifier: string): Promise<void> {
  const isPath = /^\.{0,2}\//.test(specifier)
  const what = `--import ${JSON.stringify(specifier)}`
  if (isPath && !existsSync(specifier)) throw usageError(`${what}: no such file`)
  const target = isPath ? pathToFileURL(resolve(specifier)).href : specifier
  // Resolved as an import in the caller's folder would be; only a hook can say so.
  const request = `locks-import:${specifier}`
  let url: string | undefined
  registerHooks({
    resolve(asked, context, next) {
      if (asked === request) {
        const found = next(target, { ...context, parentURL: caller() })
        url = found.url
        return found
      }
      const { parentURL } = context
      const ours = parentURL === url || parentURL?.includes('/node_modules/') === false
      return isCore(asked) && ours ? next(asked, { ...context, parentURL: import.meta.url }) : next(asked, context)
    },
  })
  try {
    await import(request)
  } catch (error) {
    if (url === undefined && !isPath && codeOf(error) === 'ERR_MODULE_NOT_FOUND')
      throw usageError(`${what}: no such package here; write ./${specifier} for a file`)
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new CommandError(EXIT.usage, `${what} failed: ${reason}`, error)
  }
}
