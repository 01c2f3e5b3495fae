import { createRequire, registerHooks } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CommandError, EXIT } from './exit.ts'

/** Where a package is, as seen from the caller's folder; undefined if it isn't installed there. */
export function resolveFromCaller(specifier: string): string | undefined {
  return resolveFrom(pathToFileURL(join(process.cwd(), 'package.json')).href, specifier)
}

/** Where a package is, as seen from this command. */
export function resolveFromHere(specifier: string): string | undefined {
  return resolveFrom(import.meta.url, specifier)
}

function resolveFrom(parent: string, specifier: string): string | undefined {
  try {
    return pathToFileURL(createRequire(parent).resolve(specifier)).href
  } catch {
    return undefined
  }
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
  const url = isPath ? pathToFileURL(resolve(specifier)).href : resolveFromCaller(specifier)
  if (url === undefined)
    throw new CommandError(
      EXIT.usage,
      `--import ${JSON.stringify(specifier)}: no such package here; write ./${specifier} for a file`,
    )
  registerHooks({
    resolve(request, context, next) {
      const { parentURL } = context
      const ours = parentURL === url || parentURL?.includes('/node_modules/') === false
      return isCore(request) && ours
        ? next(request, { ...context, parentURL: import.meta.url })
        : next(request, context)
    },
  })
  try {
    await import(url)
  } catch (error) {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    throw new CommandError(EXIT.usage, `--import ${JSON.stringify(specifier)} failed: ${reason}`, error)
  }
}
