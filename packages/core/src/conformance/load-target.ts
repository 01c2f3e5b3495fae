import { isAbsolute, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { ConformanceTarget } from './target.ts'

/** The URL of a module that is given as a URL or a path. */
export const moduleUrl = (module: string | URL): string =>
  module instanceof URL || /^[a-z]{2,}:/i.test(module)
    ? String(module)
    : pathToFileURL(isAbsolute(module) ? module : resolve(module)).href

/** The target that a module exports. Rejects with what is wrong with the module, for its author. */
export async function loadTarget(module: string | URL): Promise<ConformanceTarget> {
  const url = moduleUrl(module)
  const exported = (await import(url)) as Readonly<Record<string, unknown>>
  const { target } = exported
  if (typeof target !== 'object' || target === null) {
    const names = Object.keys(exported)
    const instead = names.length === 0 ? 'nothing' : `only ${names.join(', ')}`
    throw new TypeError(`${url} must export the conformance target as \`target\`; it exports ${instead}`)
  }
  const { name, connect, capabilities } = target as Partial<ConformanceTarget>
  if (typeof name !== 'string') throw new TypeError(`${url}: target.name must be a string, not ${typeof name}`)
  if (typeof connect !== 'function')
    throw new TypeError(`${url}: target.connect must be a function that makes a client, not ${typeof connect}`)
  if (typeof capabilities !== 'object' || capabilities === null)
    throw new TypeError(`${url}: target.capabilities must be those that the backend declares`)
  return target as ConformanceTarget
}
